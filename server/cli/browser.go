package cli

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/browser"

	"financial-command-center/server"
)

func init() {
	browser.Stdout, browser.Stderr = io.Discard, io.Discard // stdout is for what a command yields
}

// openBrowser shows the page that to leads to. Where FCC knows its user by the
// connection, the plain address will do. Elsewhere the way in is a ticket, which
// must not stand in a browser's command line, for others can read that: it goes
// into a page that only this user can read.
func openBrowser(env environ, run runFile, dir string, to server.ControlLink) error {
	if !isOurs(to.Address, run) || !isOurs(to.Link, run) {
		return errors.New("the address is not FCC's")
	}
	if to.Visit {
		return startBrowser(env, to.Address)
	}
	var page bytes.Buffer
	if err := ticketPage.Execute(&page, to.Link); err != nil {
		return err
	}
	path := ticketPagePath(dir)
	if err := writeFile(path, page.Bytes()); err != nil {
		return err
	}
	return startBrowser(env, fileURL(path))
}

func ticketPagePath(dir string) string { return filepath.Join(dir, "open.html") }

var ticketPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={{.}}">
<title>Financial Command Center</title>
<p><a href="{{.}}">Open Financial Command Center</a></p></html>
`))

// isOurs keeps everything but pages of FCC itself away from the browser: what is
// handed to it may start other programs.
func isOurs(address string, run runFile) bool {
	u, err := url.Parse(address)
	_, port, ok := strings.Cut(run.Address, ":")
	return err == nil && ok && u.Scheme == "http" && u.Host == "localhost:"+port && u.User == nil && strings.HasPrefix(u.Path, "/")
}

func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // file:///C:/…
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// startBrowser does not wait for the browser, which may run for days: what it
// says in the first moments counts.
func startBrowser(env environ, address string) error {
	if !hasDisplay(env) {
		return errors.New("there is no display")
	}
	ended := make(chan error, 1)
	go func() { ended <- browser.OpenURL(address) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(2 * time.Second):
		return nil
	}
}
