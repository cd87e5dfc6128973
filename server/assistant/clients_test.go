package assistant_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tailscale/hujson"

	"financial-command-center/server/assistant"
)

var fcc = assistant.Entry{Command: `C:\Program Files\FCC\fcc.exe`, Args: []string{"mcp", "--program", "assistant"}}

// clients are in a home of their own.
func clients(t *testing.T) map[string]assistant.Client {
	all := map[string]assistant.Client{}
	for _, c := range assistant.Clients("linux", t.TempDir(), func(string) string { return "" }) {
		all[c.Key] = c
	}
	return all
}

// servers reads a client's file as the client does.
func servers(t *testing.T, c assistant.Client, list string) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := hujson.Standardize(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(plain, &file); err != nil {
		t.Fatal(err)
	}
	var found map[string]map[string]any
	if err := json.Unmarshal(file[list], &found); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return found
}

// Files as their clients and people leave them: what else is in them stays to the byte.
func TestInstallMergesIntoWhateverIsThereAndUndoBringsItBack(t *testing.T) {
	files := map[string]struct {
		text   string
		others int
	}{
		"nothing at all":   {"", 0},
		"empty object":     {"{}", 0},
		"empty list":       {"{\n  \"LIST\": {}\n}\n", 0},
		"another setting":  {"{\n\t\"globalShortcut\": \"\"\n}", 0},
		"another server":   {"{\n    \"LIST\": {\n        \"files\": {\"command\": \"npx\", \"args\": [\"-y\", \"x\"]}\n    },\n    \"b\": 1\n}\n", 1},
		"comments":         {"// mine\n{\n  // the servers\n  \"LIST\": { // first\n    /* a */ \"a\": {\"command\": \"a\"}, // of a\n    \"b\": {\"command\": \"b\"}, // trailing\n  },\n}\n", 2},
		"windows":          {"\xef\xbb\xbf{\r\n  \"LIST\": {\r\n    \"a\": {\r\n      \"command\": \"a\"\r\n    }\r\n  }\r\n}\r\n", 1},
		"all on one line":  {`{"LIST":{"a":{"command":"a"}}}`, 1},
		"the name in text": {"{\"LIST\": {\"a\": {\"command\": \"financial-command-center: }\"}}}", 1},
	}
	for name, f := range files {
		for key, list := range map[string]string{"claude": "mcpServers", "vscode": "servers", "cursor": "mcpServers"} {
			c := clients(t)[key]
			text := strings.ReplaceAll(f.text, "LIST", list)
			if f.text != "" {
				if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(c.Path, []byte(text), 0o640); err != nil {
					t.Fatal(err)
				}
			}
			if c.Installed() {
				t.Errorf("%s, %s: installed before", name, key)
			}
			change, err := c.Install(fcc)
			if err != nil || change.None() {
				t.Fatalf("%s, %s: %v, none %v", name, key, err, change.None())
			}
			if err := c.Apply(change); err != nil {
				t.Fatal(err)
			}
			all := servers(t, c, list)
			ours := all["financial-command-center"]
			args, _ := json.Marshal(ours["args"])
			if len(all) != f.others+1 || ours["command"] != fcc.Command || string(args) != `["mcp","--program","assistant"]` || (ours["type"] == "stdio") != (key == "vscode") {
				t.Errorf("%s, %s: %v\n%s", name, key, all, change.After)
			}
			for _, comment := range []string{"// mine", "// the servers", "// first", "/* a */", "// of a", "// trailing"} {
				if strings.Contains(text, comment) && !bytes.Contains(change.After, []byte(comment)) {
					t.Errorf("%s, %s: %s is gone:\n%s", name, key, comment, change.After)
				}
			}
			if strings.Contains(text, "\r\n") && strings.Contains(strings.ReplaceAll(string(change.After), "\r\n", ""), "\n") {
				t.Errorf("%s, %s: two kinds of line ends: %q", name, key, change.After)
			}
			if bytes.Contains(change.After, []byte("fcc_")) {
				t.Error("a key is in the file")
			}
			if again, err := c.Install(fcc); err != nil || !again.None() {
				t.Errorf("%s, %s: a second time changes the file: %v %q", name, key, err, again.Lines())
			}
			if f.text != "" {
				kept, err := os.ReadFile(c.Backup())
				info, _ := os.Stat(c.Path)
				if err != nil || string(kept) != text || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 { // Windows has no such modes
					t.Errorf("%s, %s: the backup is %q, %v, mode %v", name, key, kept, err, info.Mode())
				}
			}

			// Undone at once, the file is what it was.
			undo, err := c.Uninstall(fcc)
			if err != nil || f.text != "" && string(undo.After) != text {
				t.Errorf("%s, %s: undone, %v:\n%s\nwant\n%s", name, key, err, undo.After, text)
			}

			// After the person has changed something else, only FCC goes.
			moved := assistant.Entry{Command: "/opt/fcc", Args: fcc.Args}
			change, err = c.Install(moved)
			if err != nil || c.Apply(change) != nil || servers(t, c, list)["financial-command-center"]["command"] != "/opt/fcc" {
				t.Fatalf("%s, %s: moved: %v", name, key, err)
			}
			if undo, err = c.Uninstall(moved); err != nil || bytes.Contains(undo.After, []byte(`"financial-command-center":`)) {
				t.Errorf("%s, %s: undone from another place, %v:\n%s", name, key, err, undo.After)
			}
			undo, err = c.Uninstall(assistant.Entry{Command: "another"})
			if err != nil || c.Apply(undo) != nil {
				t.Fatalf("%s, %s: %v", name, key, err)
			}
			if left := servers(t, c, list); len(left) != f.others || c.Installed() {
				t.Errorf("%s, %s: left %v\n%s", name, key, left, undo.After)
			}
			for _, comment := range []string{"// mine", "// the servers", "// first", "/* a */", "// of a", "// trailing"} {
				if strings.Contains(text, comment) && !bytes.Contains(undo.After, []byte(comment)) {
					t.Errorf("%s, %s: undone, %s is gone:\n%s", name, key, comment, undo.After)
				}
			}
		}
	}
}

// FCC gets lines of its own also where all others share one, and so do its braces; what
// others have written stays as it is.
func TestInstallWritesLinesOfItsOwn(t *testing.T) {
	const ours = `"financial-command-center": {
IN  "command": "fcc",
IN  "args": [
IN    "mcp"
IN  ]
IN}`
	c := clients(t)["claude"]
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"{\n  \"mcpServers\": {\"a\": {\"command\":\"a\"}, \"b\":{}}\n}\n":     "{\n  \"mcpServers\": {\n    OURS,\n    \"a\": {\"command\":\"a\"}, \"b\":{}\n  }\n}\n",
		"{\n  \"mcpServers\": { \"a\": {} },\n  \"b\": 1\n}":                   "{\n  \"mcpServers\": {\n    OURS,\n    \"a\": {}\n  },\n  \"b\": 1\n}",
		"{\n  \"mcpServers\": {\"a\": {},\n  }\n}":                             "{\n  \"mcpServers\": {\n    OURS,\n    \"a\": {},\n  }\n}",
		"{\n  \"mcpServers\": {/* mine */ \"a\": {} /* last */, }\n}":          "{\n  \"mcpServers\": {\n    OURS,\n    /* mine */ \"a\": {} /* last */,\n  }\n}",
		"{\n  \"mcpServers\": {\n    \"a\": {},\n    \"b\": {}\n  }\n}":        "{\n  \"mcpServers\": {\n    OURS,\n    \"a\": {},\n    \"b\": {}\n  }\n}",
		"{\n  \"mcpServers\": {/* none */}\n}":                                 "{\n  \"mcpServers\": {\n    OURS/* none */\n  }\n}",
		"{\"mcpServers\":{\"a\":{}},\"b\":1}":                                  "{\"mcpServers\":{\n  OURS,\n  \"a\":{}\n},\"b\":1}",
		"{\"b\":1,\"c\":2}":                                                    "{\n  \"mcpServers\": {\n    OURS\n  },\n  \"b\":1,\"c\":2\n}",
		"{\r\n  \"mcpServers\": {\"a\": {}}\r\n}":                              "{\r\n  \"mcpServers\": {\n    OURS,\n    \"a\": {}\n  }\r\n}",
		"{\n  \"mcpServers\": {\"financial-command-center\": 1, \"a\": {}}\n}": "{\n  \"mcpServers\": {OURS, \"a\": {}}\n}",
	} {
		if err := os.WriteFile(c.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		in := "    "
		if strings.HasPrefix(text, `{"mcpServers"`) { // the list begins on the first line
			in = "  "
		}
		want = strings.ReplaceAll(want, "OURS", strings.ReplaceAll(ours, "IN", in))
		if strings.Contains(text, "\r\n") {
			want = strings.ReplaceAll(strings.ReplaceAll(want, "\r\n", "\n"), "\n", "\r\n")
		}
		e := assistant.Entry{Command: "fcc", Args: []string{"mcp"}}
		change, err := c.Install(e)
		if err != nil || string(change.After) != want {
			t.Errorf("%q becomes, %v:\n%s\nwant\n%s", text, err, change.After, want)
		}
		if err := c.Apply(change); err != nil {
			t.Fatal(err)
		}
		if again, err := c.Install(e); err != nil || !again.None() {
			t.Errorf("%q: a second time changes, %v:\n%s", text, err, again.After)
		}
		if err := os.RemoveAll(c.Backup()); err != nil {
			t.Fatal(err)
		}
	}
}

// FCC may stand anywhere among the others when it is taken out.
func TestUndoTakesOutFCCWhereverItStands(t *testing.T) {
	for _, text := range []string{
		`{"mcpServers": {"financial-command-center": {"command": "x"}}}`,
		`{"mcpServers": {"a": {"command": "a"}, "financial-command-center": {"command": "x"}}}`,
		`{"mcpServers": {"a": {"command": "a"}, "financial-command-center": {"command": "x"},}}`,
		`{"mcpServers": {"a": {"command": "a"} /* 1 */ , /* 2 */ "financial-command-center": {"command": "x"} /* 3 */}}`,
		`{"mcpServers": {"a": {"command": "a"}, "financial-command-center": {"command": "x"} /* 1 */, /* 2 */ "b": {"command": "b"}}}`,
	} {
		c := clients(t)["cursor"]
		if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		undo, err := c.Uninstall(fcc)
		if err != nil || c.Apply(undo) != nil {
			t.Fatal(err)
		}
		if left := servers(t, c, "mcpServers"); len(left) != strings.Count(text, `"command"`)-1 || strings.Count(string(undo.After), "/*") != strings.Count(text, "/*") {
			t.Errorf("%s\nbecomes\n%s", text, undo.After)
		}
	}
}

// What stands before the first member on its line is no part of the indent.
func TestACommentBeforeTheFirstMemberIsNotWrittenAgain(t *testing.T) {
	c := clients(t)["claude"]
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"{\n\t/* mine */ \"a\": 1\n}\n":   "\n\t\"mcpServers\": {",
		"{\n/* mine */ \"a\": 1\n}\n":     "\n  \"mcpServers\": {",
		"{ /* mine\n    */ \"a\": 1\n}\n": "\n    \"mcpServers\": {",
	} {
		if err := os.WriteFile(c.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		change, err := c.Install(fcc)
		if err != nil || strings.Count(string(change.After), "*/") != 1 || !strings.Contains(string(change.After), want) {
			t.Errorf("%q becomes, %v:\n%s", text, err, change.After)
		}
	}
}

func TestAFileThatCannotBeReadStaysAsItIs(t *testing.T) {
	for _, text := range []string{"{", "[]", `{"mcpServers": []}`, `{"mcpServers": null}`, "\x00", `{"a": 1} {`} {
		c := clients(t)["claude"]
		if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if change, err := c.Install(fcc); err == nil {
			t.Errorf("%q would become %q", text, change.After)
		}
		if change, err := c.Uninstall(fcc); err == nil {
			t.Errorf("%q would become %q", text, change.After)
		}
	}
}

func TestAChangeShowsItsLinesAndIsNotMadeToAnotherFile(t *testing.T) {
	c := clients(t)["claude"]
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(c.Path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("{\n  \"a\": 1,\n  \"b\": 2\n}\n")
	change, err := c.Install(fcc)
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Join(change.Lines(), "\n")
	if !strings.Contains(shown, `+   "mcpServers": {`) || !strings.Contains(shown, `  "a": 1,`) || strings.Contains(shown, "- ") {
		t.Errorf("shown:\n%s", shown)
	}
	write("{}")
	if err := c.Apply(change); err == nil {
		t.Error("a file that was changed meanwhile was written over")
	}
	if text, _ := os.ReadFile(c.Path); string(text) != "{}" {
		t.Errorf("%s", text)
	}
}

func TestClientsAreWhereTheirMakersSay(t *testing.T) {
	env := map[string]string{"APPDATA": filepath.Join("R", "Roaming")}
	for goos, want := range map[string][]string{
		"windows": {"R/Roaming/Claude/claude_desktop_config.json", "R/Roaming/Code/User/mcp.json", "/h/.cursor/mcp.json"},
		"darwin":  {"/h/Library/Application Support/Claude/claude_desktop_config.json", "/h/Library/Application Support/Code/User/mcp.json", "/h/.cursor/mcp.json"},
		"linux":   {"/h/.config/Claude/claude_desktop_config.json", "/h/.config/Code/User/mcp.json", "/h/.cursor/mcp.json"},
	} {
		for n, c := range assistant.Clients(goos, "/h", func(name string) string { return env[name] }) {
			if filepath.ToSlash(c.Path) != want[n] {
				t.Errorf("%s: %s, want %s", goos, c.Path, want[n])
			}
		}
	}
}
