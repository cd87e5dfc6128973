package server_test

import (
	"net/http"
	"strings"
	"testing"

	"financial-command-center/server"
)

// FuzzAKeyInAHeader: whatever a program sends, what is taken for a key came whole in one
// of the two headers, and no character of a real key can be another.
func FuzzAKeyInAHeader(f *testing.F) {
	key := server.NewKey()
	f.Add("Bearer "+key, "")
	f.Add("bearer  "+key+" ", "x")
	f.Add("Basic "+key, key)
	f.Add("Bearer eyJhbGciOi", " "+key+"\t")
	f.Add("Bearer fcc_"+strings.Repeat("0", 49), "fcc_")
	f.Add("Bearer "+key[:52]+"ā", strings.Repeat("é", 26)+"x")
	f.Fuzz(func(t *testing.T, authorization, apiKey string) {
		found := server.KeyIn(http.Header{"Authorization": {authorization}, "X-Api-Key": {apiKey}})
		if !strings.Contains(authorization, found) && !strings.Contains(apiKey, found) {
			t.Fatalf("%q is in neither %q nor %q", found, authorization, apiKey)
		}
		if strings.TrimSpace(found) != found {
			t.Errorf("%q has space at an end", found)
		}
		if !server.WellFormed(found) {
			return
		}
		if len(found) != len(key) || !strings.HasPrefix(found, "fcc_") || strings.Trim(found[4:], "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("%q is taken for a key", found)
		}
		for i := range found {
			for _, c := range []byte{'0', 'z', 'Z', found[i] ^ 1, found[i] ^ 0x20, found[i] ^ 0x80} {
				if c != found[i] && server.WellFormed(found[:i]+string([]byte{c})+found[i+1:]) {
					t.Errorf("%q with %q at %d is a key too", found, c, i)
				}
			}
		}
	})
}

// FuzzAProgramsName: what is kept of a User-Agent is short, plain, and how it began.
func FuzzAProgramsName(f *testing.F) {
	for _, agent := range []string{"curl/8.5.0", "Mozilla/5.0 (X11)", "a/b/c", "\x00", "ā/1", strings.Repeat("x/", 90)} {
		f.Add(agent)
	}
	f.Fuzz(func(t *testing.T, agent string) {
		name := server.ProgramOf(&http.Request{Header: http.Header{"User-Agent": {agent}}})
		if len(name) > 64 || !strings.HasPrefix(agent, name) || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>\"()@,;:[]?={}\\", r) }) {
			t.Errorf("%q is called %q", agent, name)
		}
	})
}
