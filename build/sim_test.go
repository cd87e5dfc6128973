package main

import (
	"encoding/json"
	"errors"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"financial-command-center/server/xero/xerosim"
)

func TestSimRefusesWhatItCannotServe(t *testing.T) {
	taken, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	for says, args := range map[string][]string{
		"http is allowed for localhost only": {"--port", "0", "--redirect", "http://127.0.0.1:8000/callback"},
		"32 upper-case hex digits":           {"--port", "0", "--client", "me"},
		"no flag":                            {"now"},
		"listen tcp6":                        {"--port", port}, // on one of the two addresses
	} {
		if err := sim(args); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if err := sim([]string{"--help"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
}

func TestSimReadsBooks(t *testing.T) {
	typed, err := json.Marshal(xerosim.TallyBooks())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "books.json")
	for says, text := range map[string]string{
		"http is allowed for localhost only": string(typed), // the books are good, the redirect URI is not
		`unknown field "Nmae"`:               `{"Nmae":"x"}`,
		"books without a name":               `{}`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		redirect := "http://localhost:8000/callback"
		if text == string(typed) {
			redirect = "http://127.0.0.1:8000/callback"
		}
		if err := sim([]string{"--port", "0", "--books", file, "--redirect", redirect}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20s: %v, want %s", text, err, says)
		}
	}
	if err := sim([]string{"--books", file + ".none"}); err == nil {
		t.Error("a file that is not there was read")
	}
}
