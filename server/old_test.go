package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// The Python program's Xero app: a Web app with a secret.
const (
	oldClientID = "FCC0DE305EC2E700A1B2C3D4E5F60755"
	oldRedirect = "https://127.0.0.1:8000/callback"
)

// oldBench is a bench with the Python program's folder.
func oldBench(t *testing.T, changes ...func(*bench)) *bench {
	t.Helper()
	return newBench(t, append(changes, func(b *bench) { b.cfg.OldFolders = []string{b.cfg.DataDir} })...).opened()
}

// oldToken signs in as the Python program did, and returns the token that it kept.
func (b *bench) oldToken() map[string]any { return b.oldTokenOf("") }

func (b *bench) oldTokenOf(email string) map[string]any {
	b.t.Helper()
	query := url.Values{
		"login_hint":    {email},
		"response_type": {"code"}, "client_id": {oldClientID}, "redirect_uri": {oldRedirect}, "state": {"s"},
		"scope": {"openid profile email offline_access accounting.contacts.read"},
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(b.xero.Issuer, "http://"), ":")
	back, err := b.sim.Approve("http://127.0.0.1:" + port + "/identity/connect/authorize?" + query.Encode())
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := client.PostForm(b.xero.Issuer+"/connect/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")}, "redirect_uri": {oldRedirect},
		"client_id": {oldClientID}, "client_secret": {xerosim.DemoClientSecret},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var token map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || token["refresh_token"] == nil {
		b.t.Fatalf("the old sign-in: %s, %v", resp.Status, err)
	}
	token["scope"] = strings.Fields(token["scope"].(string)) // as xero_client.py has it
	token["expires_at"] = float64(time.Now().Add(30 * time.Minute).Unix())
	return token
}

// oldStore is tokens/xero_token.json as the Python program wrote it last.
func oldStore(token map[string]any) map[string]any {
	return map[string]any{
		"token": token, "token_saved_at": 1764000000.25, "tenant_id": "f6777567-3139-4814-a06c-eba2006ddab3",
		"client_id": oldClientID, "client_secret": xerosim.DemoClientSecret,
	}
}

func (b *bench) tokenFile() string { return filepath.Join(b.cfg.DataDir, "tokens", "xero_token.json") }

// write makes a file in the data folder; text is written as it is, all else as JSON.
func (b *bench) write(path string, content any) {
	b.t.Helper()
	data, ok := content.(string)
	if !ok {
		raw, err := json.MarshalIndent(content, "", "  ")
		if err != nil {
			b.t.Fatal(err)
		}
		data = string(raw)
	}
	path = filepath.Join(b.cfg.DataDir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.LookAnew()
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// deal presses one of the card's buttons, on the start page as it is now.
func (b *bench) deal(cookie, do string) got {
	b.t.Helper()
	return b.dealAs(cookie, do, b.mark(cookie))
}

func (b *bench) dealAs(cookie, do, mark string) got {
	b.t.Helper()
	return b.ask(ask{method: "POST", path: "/old-sign-in", cookie: cookie, page: true, site: "same-origin", form: url.Values{"do": {do}, "mark": {mark}}})
}

// mark is what the card was made of.
func (b *bench) mark(cookie string) string {
	b.t.Helper()
	_, mark, _ := strings.Cut(b.ask(ask{path: "/", cookie: cookie, page: true}).body, `name="mark" value="`)
	mark, _, _ = strings.Cut(mark, `"`)
	return mark
}

// wantQuiet fails if a secret of the old sign-in was said anywhere.
func (b *bench) wantQuiet(said ...got) {
	b.t.Helper()
	text := b.log.String() + fmt.Sprintf("%+v", b.Checks())
	for _, g := range said {
		text += g.body + fmt.Sprint(g.header)
	}
	for _, marker := range xerosim.Markers() {
		if at := strings.Index(text, marker); at >= 0 {
			b.t.Errorf("a secret is said: %.200s", text[max(0, at-100):])
		}
	}
}

const oldTitle = "An older Financial Command Center left a sign-in here"

func TestAnOldSignInIsOfferedTakenOverAndThenDeleted(t *testing.T) {
	var seen sync.Map // was the file there when this item was written?
	saved := ""
	b := oldBench(t, func(b *bench) {
		b.xero.App.ClientID = ""
		file := filepath.Join(b.cfg.DataDir, "tokens", "xero_token.json")
		b.xero.Keystore = watched{b.keychain, func(name string) { seen.Store(name, isThere(file)) }}
		b.cfg.SaveClientID = func(id string) error { saved = id; return nil }
	})
	cookie := b.visit()
	if home := b.ask(ask{path: "/", cookie: cookie, page: true}); strings.Contains(home.body, oldTitle) {
		t.Error("it is offered and not there")
	}
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	b.write("config/debug_token.json", `{"access_token":"***","refresh_token":"older"}`)
	b.write(".env", "XERO_CLIENT_SECRET=x\n")
	home := b.ask(ask{path: "/", cookie: cookie, page: true})
	for _, want := range []string{oldTitle, b.tokenFile(), "debug_token.json", ".env", `name="do" value="take"`, `name="do" value="delete"`} {
		if !strings.Contains(home.body, want) {
			t.Errorf("the start page lacks %q:\n%s", want, home.body)
		}
	}
	if !slices.ContainsFunc(b.Checks(), func(c server.Check) bool { return strings.Contains(c.Found, b.tokenFile()) && c.Action != "" }) {
		t.Errorf("the checks do not name it: %+v", b.Checks())
	}
	done := b.deal(cookie, "take")
	if done.status != http.StatusSeeOther || done.location != "/" {
		t.Fatalf("%d %s", done.status, done.body)
	}
	after := b.ask(ask{path: "/", cookie: cookie, page: true})
	if !strings.Contains(after.body, joinery) || !strings.Contains(after.body, "is FCC&#39;s now") || strings.Contains(after.body, oldTitle) {
		t.Errorf("afterwards: %s", after.body)
	}
	if isThere(b.tokenFile()) || isThere(filepath.Dir(b.tokenFile())) || isThere(filepath.Join(b.cfg.DataDir, "config")) {
		t.Error("what it left is left")
	}
	if !isThere(filepath.Join(b.cfg.DataDir, ".env")) {
		t.Error(".env is gone, which may be others' too")
	}
	written := 0
	seen.Range(func(name, there any) bool {
		written++
		if !there.(bool) {
			t.Errorf("the file was deleted before %s was written", name)
		}
		return true
	})
	status := b.cfg.Connections.Status()
	if written < 3 || status.State != xero.Connected || saved != oldClientID || b.cfg.Connections.App().ClientID != oldClientID {
		t.Errorf("%d items, state %s, client id %q kept", written, status.State, saved)
	}
	if again := b.deal(cookie, "take"); again.status != http.StatusNotFound {
		t.Errorf("again: %d", again.status)
	}
	b.wantQuiet(home, done, after)
}

// watched tells of every write.
type watched struct {
	keystore.Store
	wrote func(name string)
}

func (w watched) Set(ctx context.Context, name string, value keystore.Secret) error {
	w.wrote(name)
	return w.Store.Set(ctx, name, value)
}

func TestATakeoverLeavesTheAppThatFCCHas(t *testing.T) {
	saved := ""
	b := oldBench(t, func(b *bench) { b.cfg.SaveClientID = func(id string) error { saved = id; return nil } })
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	if g := b.deal(b.visit(), "take"); g.status != http.StatusSeeOther {
		t.Fatalf("%d %s", g.status, g.body)
	}
	if saved != "" || b.cfg.Connections.App().ClientID != clientID {
		t.Errorf("the app is %q now", b.cfg.Connections.App().ClientID)
	}
	if n := len(b.cfg.Connections.Status().Organisations()); n == 0 {
		t.Error("no organisation is reached")
	}
}

func TestOldTokenFilesOfEveryFormAreTakenOver(t *testing.T) {
	for name, form := range map[string]func(b *bench, token map[string]any) any{
		"the token alone, the client in .env": func(b *bench, token map[string]any) any {
			b.write(".env", "# Xero\nexport CLIENT_ID=\"your_xero_client_id_here\"\nXERO_CLIENT_ID='"+oldClientID+"'\r\nXERO_CLIENT_SECRET = "+xerosim.DemoClientSecret+"\n")
			token["access_token"] = "opaque"
			return token
		},
		"the client in the access token": func(b *bench, token map[string]any) any {
			b.write(".env", "CLIENT_SECRET=\""+xerosim.DemoClientSecret+"\"\n")
			return map[string]any{"token": token, "tenant_id": "x", "client_id": "", "client_secret": ""}
		},
		"of an editor that marks UTF-8": func(_ *bench, token map[string]any) any {
			data, _ := json.Marshal(oldStore(token))
			return "\ufeff" + string(data)
		},
		"without an id token, with more fields": func(_ *bench, token map[string]any) any {
			delete(token, "id_token")
			token["scope"], token["surprise"] = "openid offline_access", []any{1, nil}
			return oldStore(token)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := oldBench(t)
			b.write("tokens/xero_token.json", form(b, b.oldToken()))
			if g := b.deal(b.visit(), "take"); g.status != http.StatusSeeOther || isThere(b.tokenFile()) {
				t.Errorf("%d %s", g.status, g.body)
			}
			b.wantQuiet()
		})
	}
}

func TestAnOldSignInThatIsNoneIsNotTakenOverAndCanBeDeleted(t *testing.T) {
	for name, c := range map[string]struct {
		says    string
		content func(token map[string]any) any
	}{
		"damaged": {"damaged", func(map[string]any) any { return `{"token": {"refresh_token": "FCC` }},
		"a list":  {"damaged", func(token map[string]any) any { return []any{token} }},
		"empty":   {"damaged", func(map[string]any) any { return "" }},
		"huge": {"larger", func(token map[string]any) any {
			return oldStore(map[string]any{"refresh_token": strings.Repeat("x", 1<<20)})
		}},
		"without refresh token": {"refresh token", func(token map[string]any) any { delete(token, "refresh_token"); return oldStore(token) }},
		"signed out":            {"refresh token", func(map[string]any) any { return map[string]any{"client_id": oldClientID} }},
		"without client id": {"which Xero app", func(token map[string]any) any {
			token["access_token"] = "opaque"
			return map[string]any{"token": token}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := oldBench(t)
			b.write("tokens/xero_token.json", c.content(b.oldToken()))
			cookie := b.visit()
			home := b.ask(ask{path: "/", cookie: cookie, page: true})
			if !strings.Contains(home.body, oldTitle) || !strings.Contains(home.body, c.says) || strings.Contains(home.body, `value="take"`) {
				t.Errorf("the start page does not say %q:\n%s", c.says, home.body)
			}
			asked := len(b.sim.Journal())
			take := b.deal(cookie, "take")
			if take.status != http.StatusBadRequest || !strings.Contains(take.body, c.says) || len(b.sim.Journal()) != asked || !isThere(b.tokenFile()) {
				t.Errorf("taken over all the same: %d %s", take.status, take.body)
			}
			if g := b.deal(cookie, "delete"); g.status != http.StatusSeeOther || isThere(b.tokenFile()) {
				t.Errorf("not deleted: %d %s", g.status, g.body)
			}
			b.wantQuiet(home, take)
		})
	}
}

func TestARefusedOldSignInStaysUntilItIsDeleted(t *testing.T) {
	b := oldBench(t)
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	b.sim.Advance(61 * 24 * time.Hour)
	cookie := b.visit()
	take := b.deal(cookie, "take")
	if take.status != http.StatusServiceUnavailable || !strings.Contains(take.body, "60 days") || !strings.Contains(take.body, "delete what the older program left") {
		t.Errorf("%d %s", take.status, take.body)
	}
	if !isThere(b.tokenFile()) {
		t.Error("its file is gone without a word from anybody")
	}
	if g := b.deal(cookie, "delete"); g.status != http.StatusSeeOther || isThere(b.tokenFile()) {
		t.Errorf("%d %s", g.status, g.body)
	}
	if home := b.ask(ask{path: "/", cookie: cookie, page: true}); !strings.Contains(home.body, "is deleted") {
		t.Errorf("nothing is said: %s", home.body)
	}
	b.wantQuiet(take)
}

func TestAnOldSignInWaitsForANetwork(t *testing.T) {
	b := oldBench(t)
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	cookie := b.visit()
	b.sim.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Fail, Status: 503, Times: -1})
	take := b.deal(cookie, "take")
	if take.status != http.StatusGatewayTimeout || !strings.Contains(take.body, "within half an hour") || !isThere(b.tokenFile()) {
		t.Errorf("%d %s", take.status, take.body)
	}
	b.sim.ClearFaults()
	if g := b.deal(cookie, "take"); g.status != http.StatusSeeOther || isThere(b.tokenFile()) {
		t.Errorf("later: %d %s", g.status, g.body)
	}
	b.wantQuiet(take)
}

// The keychain shuts between Xero's answer and the save: the file is the only copy
// that lasts.
func TestTheOldFileStaysWhileTheKeychainHasNotTheNewGrant(t *testing.T) {
	k := &shutting{Store: keystore.Memory()}
	b := oldBench(t, func(b *bench) { b.xero.Keystore = k })
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	cookie := b.visit()
	k.shut("connection-", true)
	if g := b.deal(cookie, "take"); g.status != http.StatusServiceUnavailable || !isThere(b.tokenFile()) {
		t.Errorf("%d %s", g.status, g.body)
	}
	k.shut("connection-", false)
	if g := b.deal(cookie, "take"); g.status != http.StatusSeeOther || isThere(b.tokenFile()) {
		t.Errorf("later: %d %s", g.status, g.body)
	}
}

// shutting takes no writes of names that begin so.
type shutting struct {
	keystore.Store
	mu     sync.Mutex
	prefix string
	is     bool
}

func (k *shutting) shut(prefix string, is bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.prefix, k.is = prefix, is
}

func (k *shutting) Set(ctx context.Context, name string, value keystore.Secret) error {
	k.mu.Lock()
	shut := k.is && strings.HasPrefix(name, k.prefix)
	k.mu.Unlock()
	if shut {
		return keystore.ErrLocked
	}
	return k.Store.Set(ctx, name, value)
}

func TestAnFCCThatForgetsAtItsEndTakesNothingOver(t *testing.T) {
	b := oldBench(t, func(b *bench) { b.cfg.KeysStored = false })
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	asked := len(b.sim.Journal())
	if g := b.deal(b.visit(), "take"); g.status != http.StatusServiceUnavailable || !strings.Contains(g.body, "--keystore file") || !isThere(b.tokenFile()) || len(b.sim.Journal()) != asked {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestAFileThatTheOldProgramWritesMeanwhileIsNotDeleted(t *testing.T) {
	var b *bench
	other := map[string]any{}
	b = oldBench(t, func(b *bench) {
		b.xero.Keystore = watched{b.keychain, func(name string) {
			if strings.HasPrefix(name, "connection-") {
				b.write("tokens/xero_token.json", other)
			}
		}}
	})
	token := b.oldToken()
	b.write("tokens/xero_token.json", oldStore(token))
	newer := maps.Clone(token)
	newer["refresh_token"] = "another"
	maps.Copy(other, oldStore(newer))
	if g := b.deal(b.visit(), "take"); g.status != http.StatusServiceUnavailable || !strings.Contains(g.body, "End the older program") || !isThere(b.tokenFile()) {
		t.Errorf("%d %s", g.status, g.body)
	}
}

func TestNobodyElseDealsWithAnOldSignIn(t *testing.T) {
	b := oldBench(t)
	b.write("tokens/xero_token.json", oldStore(b.oldToken()))
	cookie, key := b.visit(), b.addKey(store.Key{Name: "writer", Write: true})
	mark := b.mark(cookie)
	for name, a := range map[string]ask{
		"another site":   {cookie: cookie, site: "cross-site"},
		"another origin": {cookie: cookie, origin: "https://example.com"},
		"another port":   {cookie: cookie, origin: "http://localhost:1"},
		"no session":     {},
		"a key":          {key: key},
		"a GET":          {cookie: cookie, method: "GET"},
	} {
		for _, do := range []string{"take", "delete"} {
			a.path, a.form = "/old-sign-in", url.Values{"do": {do}, "mark": {mark}}
			if a.method == "" {
				a.method = "POST"
			}
			if g := b.ask(a); g.status < 400 || !isThere(b.tokenFile()) {
				t.Errorf("%s, %s: %d", name, do, g.status)
			}
		}
	}
	if g := b.deal(cookie, "anything else"); g.status != http.StatusBadRequest || !isThere(b.tokenFile()) {
		t.Errorf("%d %s", g.status, g.body)
	}
	if health := b.ask(ask{path: "/health"}); strings.Contains(health.body, "older") {
		t.Error("everybody on this computer is told")
	}
	if health := b.ask(ask{path: "/health", key: key}); strings.Contains(health.body, "older") {
		t.Error("a key is told")
	}
}

func TestWhatStillStartsTheOldProgramIsNamed(t *testing.T) {
	b := oldBench(t, func(b *bench) {
		b.cfg.OldStartup = func() []string { return []string{"Financial <Command> Center AI"} }
	})
	home := b.ask(ask{path: "/", cookie: b.visit(), page: true})
	if !strings.Contains(home.body, "Financial &lt;Command&gt; Center AI") || strings.Contains(home.body, "old-sign-in") {
		t.Errorf("the start page: %s", home.body)
	}
	if !slices.ContainsFunc(b.Checks(), func(c server.Check) bool { return strings.Contains(c.Found, "Center AI") && c.Action != "" }) {
		t.Errorf("the checks: %+v", b.Checks())
	}
}
