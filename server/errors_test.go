package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"financial-command-center/server"
)

var (
	aButton  = regexp.MustCompile(`<a class="button main" href="([^"]+)">[^<]+</a>`)
	aCommand = regexp.MustCompile(`<input type="text" class="code" id="command" readonly value="fcc[^"]*"`)
)

func TestEveryErrorsPageHasOneThingToDo(t *testing.T) {
	var code atomic.Value
	b := newBench(t, func(b *bench) {
		b.prepare = func(s *server.Server) {
			err := s.Mount("GET /fails", "public", func(http.ResponseWriter, *http.Request) error { return server.Fail(code.Load().(string)) })
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	for _, name := range server.Codes() {
		code.Store(name)
		g := b.ask(ask{path: "/fails?a=b", page: true})
		_, main, _ := strings.Cut(g.body, `<main`)
		buttons, commands := aButton.FindAllStringSubmatch(main, -1), aCommand.FindAllString(main, -1)
		if g.status != server.StatusOf(name) || len(buttons)+len(commands) != 1 || strings.Contains(main, "<form") {
			t.Errorf("%s: %d with %d buttons and %d commands\n%s", name, g.status, len(buttons), len(commands), main)
			continue
		}
		if !strings.Contains(main, `href="/help#`+name+`"`) {
			t.Errorf("%s does not lead to its place in Help", name)
		}
		if len(buttons) == 1 && !strings.HasPrefix(buttons[0][1], "/") && !strings.HasPrefix(buttons[0][1], b.BaseURL()) {
			t.Errorf("%s leads to %s", name, buttons[0][1])
		}
		if again := name == "rate_limited" || name == "xero_unreachable" || name == "keystore_unavailable" || name == "key_limit"; again && buttons[0][1] != "/fails?a=b" {
			t.Errorf("%s: trying again leads to %s", name, buttons[0][1])
		}
		j := b.ask(ask{path: "/fails"})
		if j.code != name || strings.Contains(j.body, "button") || strings.Contains(j.body, "command\":") || strings.Contains(j.body, "<") {
			t.Errorf("%s as JSON: %s", name, j.body)
		}
	}
}
