package server_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/server"
	"financial-command-center/server/store"
)

func TestAMistypedKeyIsKnownForOneWithoutALookUp(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		key := server.NewKey()
		if len(key) != 53 || !strings.HasPrefix(key, "fcc_") || !server.WellFormed(key) || seen[key] {
			t.Fatalf("a key of %d characters, well formed: %t, twice: %t", len(key), server.WellFormed(key), seen[key])
		}
		seen[key] = true
	}
	key := server.NewKey()
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for i := range key {
		for _, c := range digits {
			if typed := key[:i] + string(c) + key[i+1:]; typed != key && server.WellFormed(typed) {
				t.Errorf("character %d as %c is taken for a key", i, c)
			}
		}
		if i > 0 && key[i] != key[i-1] {
			if typed := key[:i-1] + key[i:i+1] + key[i-1:i] + key[i+1:]; server.WellFormed(typed) {
				t.Errorf("characters %d and %d may change places", i-1, i)
			}
		}
		if server.WellFormed(key[:i]) {
			t.Errorf("its first %d characters are taken for a key", i)
		}
	}
	for _, typed := range []string{key + "0", " " + key, strings.ToLower(key), strings.ToUpper(key)} {
		if server.WellFormed(typed) {
			t.Errorf("%q is taken for a key", typed)
		}
	}
}

func TestAKeyWorksUntilItIsRevokedAlsoOverARestart(t *testing.T) {
	b := newBench(t).opened()
	key := b.addKey(store.Key{Name: "sheet"})
	if g := b.ask(ask{path: "/api/status", key: key}); g.status != 200 {
		t.Fatalf("%d %s", g.status, g.body)
	}
	b.stop()
	b.start()
	b.opened()
	for name, a := range map[string]ask{
		"as a bearer":    {key: key},
		"as X-API-Key":   {header: map[string]string{"X-API-Key": key}},
		"in other cases": {header: map[string]string{"authorization": "bearer " + key}},
		"beside another": {header: map[string]string{"Authorization": "Bearer some-xero-token", "X-API-Key": key}},
	} {
		a.path = "/api/status"
		if g := b.ask(a); g.status != 200 {
			t.Errorf("%s: %d %s", name, g.status, g.body)
		}
	}
	if err := b.RevokeKey(t.Context(), "sheet"); err != nil {
		t.Fatal(err)
	}
	g := b.ask(ask{path: "/api/status", key: key})
	if g.status != 401 || g.code != "key_required" {
		t.Errorf("revoked: %d %s", g.status, g.body)
	}
	if err := b.RevokeKey(t.Context(), "sheet"); err == nil || !strings.HasPrefix(err.Error(), "not_found") {
		t.Errorf("revoked twice: %v", err)
	}
	for _, text := range []string{key[:52], "fcc_nonsense", "x", server.NewKey()} {
		if g := b.ask(ask{path: "/api/status", header: map[string]string{"X-API-Key": text}}); g.status != 401 || g.code != "key_required" || g.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%.9s…: %d %s", text, g.status, g.code)
		}
	}
}

func TestOnlyAHashOfAKeyIsKept(t *testing.T) {
	b := newBench(t).opened()
	key := b.addKey(store.Key{Name: "sheet"})
	b.ask(ask{path: "/api/status", key: key})
	b.stop()
	if b.log.String() == "" {
		t.Fatal("no log")
	}
	held := []byte(b.log.String())
	err := filepath.WalkDir(b.cfg.DataDir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		held = append(held, data...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(held, []byte(key[4:30])) {
		t.Error("the key itself is in a file or the log")
	}
	if !bytes.Contains(held, []byte("sheet")) {
		t.Error("not even its name is kept: the search has looked in the wrong place")
	}
}

func TestTheLastUseOfAKeyIsKept(t *testing.T) {
	b := newBench(t).opened()
	used, unused := b.addKey(store.Key{Name: "used"}), b.addKey(store.Key{Name: "unused"})
	_ = unused
	b.ask(ask{path: "/api/status", key: used})
	look := func() {
		t.Helper()
		list, err := b.ListKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 2 || list[0].Name != "unused" || !list[0].LastUsed.IsZero() || list[1].LastUsed.Before(list[1].Created) {
			t.Errorf("listed %+v", list)
		}
	}
	look() // from memory
	b.stop()
	b.start()
	b.opened()
	look() // from the state
}

func TestAddingAKeySaysWhatIsWrong(t *testing.T) {
	b := newBench(t).opened()
	b.signIn(b.visit())
	b.addKey(store.Key{Name: "sheet"})
	for name, c := range map[string]struct {
		key  store.Key
		want string // in what is said
	}{
		"a name in use":                         {store.Key{Name: "sheet"}, `There is a key named "sheet". Names in use: sheet.`},
		"no name":                               {store.Key{}, "is no name"},
		"a name with a line break":              {store.Key{Name: "a\nb"}, "is no name"},
		"a name of 65 characters":               {store.Key{Name: strings.Repeat("ā", 65)}, "is no name"},
		"an organisation that is not connected": {store.Key{Name: "x", Tenants: []string{"1234"}}, "No organisation with this id is connected."},
	} {
		_, _, said, err := b.AddKeySaying(t.Context(), c.key)
		if err == nil || !strings.Contains(said, c.want) {
			t.Errorf("%s: %v, said %q", name, err, said)
		}
		if name == "an organisation that is not connected" && !strings.Contains(said, kauri) {
			t.Errorf("%s: the list is missing in %q", name, said)
		}
	}
	if _, warning, _, err := b.AddKeySaying(t.Context(), store.Key{Name: "reads"}); err != nil || warning != "" {
		t.Errorf("a read key: %q %v", warning, err)
	}
	_, warning, _, err := b.AddKeySaying(t.Context(), store.Key{Name: "writes", Write: true})
	if err != nil || !strings.Contains(warning, "--scopes") {
		t.Errorf("a write key on a sign-in that only reads: %q %v", warning, err)
	}
	if _, _, _, err := b.AddKeySaying(t.Context(), store.Key{Name: strings.Repeat("ā", 64), Tenants: []string{strings.ToUpper(b.tenant(café))}}); err != nil {
		t.Error(err)
	}
}

func TestAWriteKeyOnASignInThatMayWriteIsNoWarning(t *testing.T) {
	b := newBench(t, func(b *bench) { b.xero.App.Scopes = append(b.xero.App.Scopes, "accounting.contacts") }).opened()
	b.signIn(b.visit())
	key, warning, _, err := b.AddKeySaying(t.Context(), store.Key{Name: "writes", Write: true})
	if err != nil || warning != "" {
		t.Errorf("%q %v", warning, err)
	}
	g := b.ask(ask{method: "PUT", path: "/api.xro/2.0/Contacts", key: key, body: strings.NewReader(`{"Contacts":[{"Name":"A new one"}]}`), header: map[string]string{
		"xero-tenant-id": b.tenant(café), "Content-Type": "application/json", "Accept": "application/json",
	}})
	if g.status != 200 || !strings.Contains(g.body, "A new one") {
		t.Errorf("writing: %d %.300s", g.status, g.body)
	}
}

// Without the file nobody knows which keys there are: that is no reason to say
// that a key is none, nor to make one that is gone at the next start.
func TestWithADamagedStateKeysAreNeitherRefusedNorMade(t *testing.T) {
	b := newBench(t).opened()
	key := b.addKey(store.Key{Name: "sheet"})
	b.stop()
	damaged := []byte("this was a database")
	if err := os.WriteFile(b.cfg.StatePath, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.opened()
	if g := b.ask(ask{path: "/api/status", key: key}); g.status != 503 || g.code != "state_unavailable" {
		t.Errorf("a key: %d %s", g.status, g.body)
	}
	if _, _, said, err := b.AddKeySaying(t.Context(), store.Key{Name: "new"}); err == nil || !strings.Contains(said, "damaged") {
		t.Errorf("a new key: %v, said %q", err, said)
	}
	cookie := b.visit()
	g := b.ask(ask{path: "/api/status", cookie: cookie})
	if g.status != 200 || !strings.Contains(g.body, "state_unavailable") {
		t.Errorf("a browser: %d %s", g.status, g.body)
	}
	b.stop()
	if now, err := os.ReadFile(b.cfg.StatePath); err != nil || !bytes.Equal(now, damaged) {
		t.Errorf("the damaged file was changed: %v", err)
	}
}

// The form of a key outlives the FCC that made it: one of before is known for a whole
// one, though nobody has it any more.
func TestTheFormOfAKeyStays(t *testing.T) {
	b := newBench(t).opened()
	const made = "fcc_0000000ThisKeyWasMadeByAnFCCOfNovember2026x2KVHUa"
	whole, mistyped := b.ask(ask{path: "/connections", key: made}), b.ask(ask{path: "/connections", key: made[:len(made)-1] + "b"})
	if whole.status != 401 || mistyped.status != 401 || whole.body == mistyped.body || !strings.Contains(mistyped.body, "mistyped") {
		t.Errorf("whole: %s; mistyped: %s", whole.body, mistyped.body)
	}
	for _, key := range []string{made[:len(made)-1], made + "a", "fcc_" + strings.Repeat("0", 10_000)} {
		if g := b.ask(ask{path: "/connections", key: key}); g.status != 401 || g.body != mistyped.body {
			t.Errorf("%d characters: %d %s", len(key), g.status, g.body)
		}
	}
}
