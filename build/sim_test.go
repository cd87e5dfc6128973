package main

import (
	"errors"
	"flag"
	"net"
	"strconv"
	"strings"
	"testing"
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
