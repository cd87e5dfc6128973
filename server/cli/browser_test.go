package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"financial-command-center/server"
)

func TestOnlyPagesOfFCCItselfGoToTheBrowser(t *testing.T) {
	run := runFile{Address: "127.0.0.1:8000"}
	for _, address := range []string{
		"", "file:///etc/passwd", "http://localhost:8001/", "https://localhost:8000/", "http://localhost:8000.example.com/",
		"http://user@localhost:8000/", "http://example.com/#http://localhost:8000/", "javascript:alert(1)", "http://localhost:8000", "--help",
		"http://127.0.0.1:8000/",
	} {
		if isOurs(address, run) {
			t.Errorf("%q is taken for FCC's", address)
		}
	}
	for _, address := range []string{"http://localhost:8000/", "http://localhost:8000/open?ticket=abc", "http://localhost:8000/?tenant=1"} {
		if !isOurs(address, run) {
			t.Errorf("%q is not taken for FCC's", address)
		}
	}
	if isOurs("http://localhost:8000/", runFile{}) {
		t.Error("without an address anything is FCC's")
	}
}

func TestWhereVisitingCannotWorkTheTicketGoesThroughAPageOfTheUsersOwn(t *testing.T) {
	dir := t.TempDir()
	run := runFile{Address: "127.0.0.1:8000"}
	to := server.ControlLink{Address: "http://localhost:8000/", Link: "http://localhost:8000/open?next=%2Fa&ticket=abc"}
	// Without a display nothing is opened, and the page is written all the same.
	_ = openBrowser(func(string) string { return "" }, run, dir, to)
	page, err := os.ReadFile(ticketPagePath(dir))
	if err != nil || strings.Count(string(page), "http://localhost:8000/open?next=%2Fa&amp;ticket=abc") != 2 {
		t.Errorf("the page: %v\n%s", err, page)
	}
	if info, err := os.Stat(ticketPagePath(dir)); err != nil || !isPrivate(info) {
		t.Errorf("the page is %v, %v", info.Mode(), err)
	}
	to.Visit = true
	other := t.TempDir()
	_ = openBrowser(func(string) string { return "" }, run, other, to)
	if left, _ := os.ReadDir(other); len(left) > 0 {
		t.Errorf("a ticket was written though a visit works: %v", left)
	}
}

func TestAFoldersAddressIsAFileURL(t *testing.T) {
	for path, want := range map[string]string{
		"/home/a b/logs":                      "file:///home/a%20b/logs",
		filepath.FromSlash("C:/Users/x/logs"): "file:///C:/Users/x/logs",
	} {
		if got := fileURL(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}
