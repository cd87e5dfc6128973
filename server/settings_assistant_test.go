package server_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"financial-command-center/server"
	"financial-command-center/server/assistant"
)

func TestAnAssistantIsConnectedFromThePageAfterItsChangeWasShown(t *testing.T) {
	home := t.TempDir()
	h := newHosted(t, func(b *bench) {
		b.cfg.Host.Assistants = assistant.Clients("linux", home, func(string) string { return "" })
		b.cfg.Host.Assistant = assistant.Entry{Command: "/opt/fin com/fcc", Args: []string{"mcp", "--program", "assistant"}}
	})
	file := filepath.Join(home, ".cursor", "mcp.json")
	// Where there is no file, nothing else stays in it.
	if made := text(h.page("/settings/assistant/change?client=cursor&do=enter")); !strings.Contains(made, "FCC makes it") || strings.Contains(made, "stays as it is") {
		t.Errorf("no file yet: %s", made)
	}
	page := h.page("/settings/assistant")
	if !strings.Contains(text(page), "Cursor not found on this computer") || !strings.Contains(page, `&#34;/opt/fin com/fcc&#34; mcp --program assistant`) || !strings.Contains(page, h.BaseURL()+"/mcp") {
		t.Errorf("%s", text(page))
	}
	const before = "{\n  // <mine>\n  \"mcpServers\": {}\n}\n"
	write := func(content string) {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	write(before)
	link := regexp.MustCompile(`href="(/settings/assistant/change\?client=cursor[^"]+)"`)
	change := func() (path string, form url.Values) {
		t.Helper()
		match := link.FindStringSubmatch(h.page("/settings/assistant"))
		if match == nil {
			t.Fatal("no link to the change")
		}
		path = strings.ReplaceAll(match[1], "&amp;", "&")
		form = url.Values{}
		for _, field := range regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`).FindAllStringSubmatch(h.page(path), -1) {
			form.Set(field[1], field[2])
		}
		return path, form
	}

	path, form := change()
	if shown := h.page(path); !strings.Contains(shown, "&lt;mine&gt;") || !strings.Contains(shown, "<ins>") || !strings.Contains(shown, "mcp.json.before-fcc") || read() != before {
		t.Errorf("shown:\n%s\nthe file:\n%s", shown, read())
	}
	// The file is another by the time the button is pressed: nothing is written.
	write("{\n  // <theirs>\n}\n")
	if g, shown := h.post("/settings/assistant/change", form); g.status != 200 || !strings.Contains(shown, "&lt;theirs&gt;") || read() != "{\n  // <theirs>\n}\n" {
		t.Errorf("%d\n%s\nthe file:\n%s", g.status, shown, read())
	}
	write(before)
	_, form = change()
	if g, shown := h.post("/settings/assistant/change", form); g.status != 303 || !strings.Contains(text(shown), "Cursor connected") || !strings.Contains(read(), `"/opt/fin com/fcc"`) || !strings.Contains(read(), "// <mine>") {
		t.Errorf("%d\n%s\nthe file:\n%s", g.status, text(shown), read())
	}
	_, form = change()
	if g, shown := h.post("/settings/assistant/change", form); g.status != 303 || !strings.Contains(text(shown), "Cursor not connected") || read() != before {
		t.Errorf("undone: %d\n%s\nthe file:\n%s", g.status, text(shown), read())
	}

	write("{ broken")
	if g := h.ask(ask{path: "/settings/assistant/change?client=cursor&do=enter", cookie: h.cookie, page: true}); g.status != 400 || !strings.Contains(g.body, "leaves it alone") {
		t.Errorf("a broken file: %d\n%s", g.status, text(g.body))
	}
	for _, bad := range []string{"client=none&do=enter", "client=cursor&do=none"} {
		if g := h.ask(ask{path: "/settings/assistant/change?" + bad, cookie: h.cookie, page: true}); g.status != 404 && g.status != 400 {
			t.Errorf("%s: %d", bad, g.status)
		}
	}
}

func TestTheDemoSaysWhyItIsEnteredNowhere(t *testing.T) {
	h := newHosted(t, func(b *bench) { b.cfg.Mode = server.Demo })
	g := h.ask(ask{path: "/settings/assistant/change?client=cursor&do=enter", cookie: h.cookie, page: true})
	if g.status != 404 || !strings.Contains(g.body, "The demo enters itself nowhere") {
		t.Errorf("%d %s", g.status, text(g.body))
	}
}
