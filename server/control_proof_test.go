package server

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"financial-command-center/keystore"
)

// proofFor is what a command of this client sends after the hello.
func proofFor(key keystore.Secret, server ControlNonce, method, path, body string) string {
	p := ControlProver{Key: key, Client: NewControlNonce(), Server: server}
	return strings.Join([]string{p.Client.String(), p.Server.String(), p.Command(method, path, []byte(body))}, ".")
}

func TestACommandIsAdmittedOnceAndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := keystore.NewSecret("the control key")
		desk := newControlDesk(key)
		time.Sleep(time.Hour)
		admit := func(header string) bool {
			_, ok := desk.admit(header, "POST", "/control/stop", []byte("{}"))
			return ok
		}
		fresh := proofFor(key, desk.nonce(), "POST", "/control/stop", "{}")
		if !admit(fresh) {
			t.Error("a good command was refused")
		}
		if admit(fresh) {
			t.Error("the same command was admitted twice")
		}
		late := proofFor(key, desk.nonce(), "POST", "/control/stop", "{}")
		time.Sleep(ControlWindow + time.Millisecond)
		if admit(late) {
			t.Error("a late command was admitted")
		}
		if admit(fresh) {
			t.Error("a spent command was admitted once its nonce was forgotten")
		}
		ahead := newControlDesk(key)
		ahead.start = desk.start.Add(-time.Hour)
		if admit(proofFor(key, ahead.nonce(), "POST", "/control/stop", "{}")) {
			t.Error("a nonce from the future was admitted")
		}
		for range 100 {
			admit(proofFor(key, desk.nonce(), "POST", "/control/stop", "{}"))
			time.Sleep(time.Second)
		}
		if n := len(desk.spent); n > int(ControlWindow/time.Second)+2 {
			t.Errorf("%d spent nonces are kept", n)
		}
	})
}

func TestAProofIsGoodForItsKeyItsCommandAndItsWordsOnly(t *testing.T) {
	key := keystore.NewSecret("the control key")
	desk := newControlDesk(key)
	good := func() []string {
		return strings.Split(proofFor(key, desk.nonce(), "POST", "/control/token", `{"tenant":""}`), ".")
	}
	parts := good()
	for name, header := range map[string]string{
		"nothing":               "",
		"another key":           proofFor(keystore.NewSecret("guess"), desk.nonce(), "POST", "/control/token", `{"tenant":""}`),
		"no key":                proofFor(keystore.Secret{}, desk.nonce(), "POST", "/control/token", `{"tenant":""}`),
		"another method":        proofFor(key, desk.nonce(), "GET", "/control/token", `{"tenant":""}`),
		"another path":          proofFor(key, desk.nonce(), "POST", "/control/stop", `{"tenant":""}`),
		"another body":          proofFor(key, desk.nonce(), "POST", "/control/token", `{"tenant":"x"}`),
		"nonces exchanged":      strings.Join([]string{parts[1], parts[0], parts[2]}, "."),
		"the server's own word": strings.Join([]string{parts[0], parts[1], ControlProver{Key: key}.Hello()}, "."),
		"two parts":             strings.Join(parts[:2], "."),
		"four parts":            strings.Join(append(good(), "x"), "."),
		"a short nonce":         strings.Join([]string{"AAAA", parts[1], parts[2]}, "."),
		"no base64":             strings.Join([]string{parts[0], "!" + parts[1][1:], parts[2]}, "."),
	} {
		if _, ok := desk.admit(header, "POST", "/control/token", []byte(`{"tenant":""}`)); ok {
			t.Errorf("%s: admitted", name)
		}
	}
	if _, ok := desk.admit(strings.Join(parts, "."), "POST", "/control/token", []byte(`{"tenant":""}`)); !ok {
		t.Error("the good one was refused")
	}
	nobody := newControlDesk(keystore.Secret{})
	if _, ok := nobody.admit(proofFor(keystore.Secret{}, nobody.nonce(), "POST", "/", ""), "POST", "/", nil); ok {
		t.Error("without a control key anybody is admitted")
	}
}
