package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// settle reads the settings that args, env and settings.json amount to.
func settle(t *testing.T, args []string, env map[string]string, file string) (settings, error) {
	t.Helper()
	dir := t.TempDir()
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, "settings.json"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var g grammar
	parser, err := kong.New(&g, kong.Vars{"assistant": "", "issuer": "", "api": ""})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(append(args, "--data-dir", dir)); err != nil {
		t.Fatal(err)
	}
	return readSettings(g.settingFlags, func(name string) string { return env[name] })
}

const (
	idA = "0123456789abcdef0123456789ABCDEF"
	idB = "ffffffffffffffffffffffffffffffff"
	idC = "cccccccccccccccccccccccccccccccc"
)

// What starts FCC again hands on each flag that there is.
func TestFlagsAreHandedOnAsTheyWereGiven(t *testing.T) {
	for _, args := range [][]string{nil, {"--debug=true"}, {
		"--port=9001", "--data-dir=a b", "--keystore=memory", "--client-id=" + idA, "--scopes=openid offline_access", "--issuer=https://a.example", "--api=https://b.example", "--debug=false",
	}} {
		var g grammar
		parser, err := kong.New(&g, kong.Vars{"assistant": "", "issuer": "", "api": ""})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(args); err != nil {
			t.Fatal(err)
		}
		if got := g.settingFlags.args(); !slices.Equal(got, args) {
			t.Errorf("%q is handed on as %q", args, got)
		}
		if all := reflect.TypeFor[settingFlags]().NumField(); len(args) > 1 && len(args) != all {
			t.Errorf("%d of %d flags were given", len(args), all)
		}
	}
}

func TestAFlagBeatsTheEnvironmentBeatsTheFileBeatsTheDefault(t *testing.T) {
	args := []string{
		"--port", "9001", "--keystore", "memory", "--client-id", idA, "--scopes", "openid offline_access",
		"--issuer", "https://a.example", "--api", "https://a.example/", "--debug=false",
	}
	env := map[string]string{
		"FCC_PORT": "9002", "FCC_KEYSTORE": "file", "XERO_CLIENT_ID": idB, "XERO_SCOPES": "openid offline_access email",
		"FCC_XERO_ISSUER": "http://localhost:9", "FCC_XERO_API": "http://127.0.0.1:9", "FCC_DEBUG": "1",
	}
	file := `{"port": 9003, "keystore": "memory", "client_id": "` + idC + `", "scopes": "offline_access openid",
		"issuer": "https://c.example", "api": "http://[::1]:9", "debug": true, "unknown": [1]}`
	blank := map[string]string{}
	for name := range env {
		blank[name] = ""
	}
	for _, test := range []struct {
		name string
		args []string
		env  map[string]string
		file string
		want settings
	}{
		{"flags", args, env, file, settings{
			port: 9001, keystore: "memory", clientID: idA, scopes: []string{"openid", "offline_access"},
			issuer: "https://a.example", api: "https://a.example",
		}},
		{"environment", nil, env, file, settings{
			port: 9002, keystore: "file", clientID: idB, scopes: []string{"openid", "offline_access", "email"},
			issuer: "http://localhost:9", api: "http://127.0.0.1:9", debug: true,
		}},
		{"empty variables count as unset", nil, blank, file, settings{
			port: 9003, keystore: "memory", clientID: idC, scopes: []string{"offline_access", "openid"},
			issuer: "https://c.example", api: "http://[::1]:9", debug: true,
		}},
		{"defaults", nil, nil, "", settings{
			keystore: "os", scopes: server.ReadScopes, issuer: xero.XeroIssuer, api: xeroAPI,
		}},
		{"empty fields count as unset", nil, nil, `{"port": null, "keystore": "", "client_id": ""}`, settings{
			keystore: "os", scopes: server.ReadScopes, issuer: xero.XeroIssuer, api: xeroAPI,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := settle(t, test.args, test.env, test.file)
			if err != nil {
				t.Fatal(err)
			}
			same := got.port == test.want.port && got.keystore == test.want.keystore && got.clientID == test.want.clientID &&
				slices.Equal(got.scopes, test.want.scopes) && got.issuer == test.want.issuer && got.api == test.want.api && got.debug == test.want.debug
			if !same {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
	if n := len(server.ReadScopes); n != 14 {
		t.Errorf("%d scopes by default, want 14", n)
	}
}

func TestAWrongValueIsRefusedWithItsSource(t *testing.T) {
	for _, test := range []struct {
		args []string
		env  map[string]string
		file string
		want []string // parts of the sentence
	}{
		{args: []string{"--port", "abc"}, want: []string{`"abc"`, "--port", "1 to 65535"}},
		{args: []string{"--port="}, want: []string{"--port", "1 to 65535"}},
		{env: map[string]string{"FCC_PORT": "0"}, want: []string{`"0"`, "FCC_PORT"}},
		{env: map[string]string{"FCC_PORT": "65536"}, want: []string{"FCC_PORT"}},
		{env: map[string]string{"FCC_PORT": "-1"}, want: []string{"FCC_PORT"}},
		{file: `{"port": 8000.5}`, want: []string{"8000.5", "settings.json"}},
		{file: `{"port": [8000]}`, want: []string{"settings.json"}},
		{args: []string{"--keystore", "cloud"}, want: []string{`"cloud"`, "os, file, memory"}},
		{env: map[string]string{"FCC_XERO_ISSUER": "http://identity.example"}, want: []string{"FCC_XERO_ISSUER", "https"}},
		{env: map[string]string{"FCC_XERO_ISSUER": "http://localhost.example"}, want: []string{"FCC_XERO_ISSUER", "https"}},
		{args: []string{"--api", "http://10.0.0.1"}, want: []string{"--api", "https"}},
		{args: []string{"--api", "ftp://localhost"}, want: []string{"--api"}},
		{args: []string{"--api", "https://user:word@example.com"}, want: []string{"--api"}},
		{args: []string{"--api", "not an address"}, want: []string{"--api"}},
		{args: []string{"--client-id", "abc"}, want: []string{"--client-id", "developer.xero.com"}},
		{args: []string{"--issuer", "https://a.example", "--client-id", "a b"}, want: []string{"--client-id"}},
		{args: []string{"--scopes", "openid email"}, want: []string{"offline_access"}},
		{args: []string{"--scopes", "offline_access"}, want: []string{"openid"}},
		{args: []string{"--scopes", `openid "offline_access"`}, want: []string{"--scopes"}},
		{env: map[string]string{"FCC_DEBUG": "maybe"}, want: []string{"FCC_DEBUG", `"maybe"`}},
	} {
		_, err := settle(t, test.args, test.env, test.file)
		if err == nil {
			t.Errorf("%v %v %s: accepted", test.args, test.env, test.file)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%v %v %s: %q does not say %q", test.args, test.env, test.file, err, part)
			}
		}
		if !strings.HasSuffix(err.Error(), ".") {
			t.Errorf("%q is no sentence", err)
		}
	}
}

func TestTheClientIDIsSavedAndEverythingElseInTheFileKept(t *testing.T) {
	s := settings{dataDir: t.TempDir()}
	if err := s.save("client_id", idA); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.settingsFile(), []byte(`{"client_id":"`+idA+`","future":{"deep":[1,2.50]},"port":9001}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.save("client_id", idB); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.settingsFile())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{idB, `"future"`, "2.50", "9001"} {
		if !strings.Contains(string(data), part) {
			t.Errorf("%s is not in %s", part, data)
		}
	}
	if info, err := os.Stat(s.settingsFile()); err != nil || !isPrivate(info) {
		t.Errorf("settings.json is open to others: %v %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dataDir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.WriteFile(s.settingsFile(), []byte(`{"client_id"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.save("client_id", idA); err == nil {
		t.Error("a damaged file was written over")
	}
}

func TestTheStandardFolderHasThePlainKeychainServiceAndNoOtherFolderHas(t *testing.T) {
	home := t.TempDir()
	env := map[string]string{"HOME": home, "LOCALAPPDATA": home}
	look := func(name string) string { return env[name] }
	standard, service, err := dataFolder(settingFlags{}, look)
	if err != nil || service != "Financial-Command-Center-AI" {
		t.Fatalf("%s %q %v", standard, service, err)
	}
	if _, again, _ := dataFolder(settingFlags{DataDir: &standard}, look); again != service {
		t.Errorf("the standard folder given by hand has service %q", again)
	}
	seen := map[string]bool{service: true}
	for _, dir := range []string{home, filepath.Join(home, "b")} {
		_, other, err := dataFolder(settingFlags{DataDir: &dir}, look)
		if err != nil || seen[other] || !strings.HasPrefix(other, service+" · ") || len(other) != len(service+" · ")+8 {
			t.Errorf("%s: %q %v", dir, other, err)
		}
		seen[other] = true
	}
	if _, _, err := dataFolder(settingFlags{}, func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("without a home: %v", err)
	}
}

func FuzzSettingsFile(f *testing.F) {
	for _, text := range []string{"", "{}", "null", `{"port":8000,"client_id":"x","a":{"b":[1.50]}}`, `{"port":`, `[1]`, "{\"a\":\"\\ud800\"}", `{"a":1,"a":2}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := settings{dataDir: t.TempDir()}
		if err := os.WriteFile(s.settingsFile(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		before, err := readFields(s.settingsFile())
		if err != nil {
			if s.save("client_id", idA) == nil {
				t.Error("a damaged file was written over")
			}
			return
		}
		if err := s.save("client_id", idA); err != nil {
			t.Fatal(err)
		}
		after, err := readFields(s.settingsFile())
		if err != nil || string(after["client_id"]) != `"`+idA+`"` {
			t.Fatalf("%s: %v", after["client_id"], err)
		}
		if _, had := before["client_id"]; !had {
			delete(after, "client_id")
		}
		if len(after) != len(before) {
			t.Errorf("%d fields became %d", len(before), len(after))
		}
	})
}
