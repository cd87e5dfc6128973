package assistant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tailscale/hujson"

	"financial-command-center/assets/words"
)

// A Client is an assistant that reads which MCP servers to start from a file of its own.
type Client struct {
	Key, Name string
	Path      string // of the file
	list      string // the member that holds the servers
	typed     bool   // each says that it is one of stdio
}

// entryName is FCC's among a client's servers.
const entryName = "financial-command-center"

// Clients are those that FCC can enter itself in, with where their files are for this
// user (modelcontextprotocol.io, connect to local servers; code.visualstudio.com, MCP
// configuration; docs.cursor.com, MCP). home is the user's folder.
func Clients(goos, home string, env func(string) string) []Client {
	roaming := filepath.Join(home, ".config")
	if set := env("XDG_CONFIG_HOME"); filepath.IsAbs(set) {
		roaming = set
	}
	switch goos {
	case "windows":
		roaming = env("APPDATA")
		if roaming == "" {
			roaming = filepath.Join(home, "AppData", "Roaming")
		}
	case "darwin":
		roaming = filepath.Join(home, "Library", "Application Support")
	}
	return []Client{
		{"claude", "Claude Desktop", filepath.Join(roaming, "Claude", "claude_desktop_config.json"), "mcpServers", false},
		{"vscode", "Visual Studio Code", filepath.Join(roaming, "Code", "User", "mcp.json"), "servers", true},
		{"cursor", "Cursor", filepath.Join(home, ".cursor", "mcp.json"), "mcpServers", false},
	}
}

// An Entry is how a client starts fcc mcp. It holds no key.
type Entry struct {
	Command string
	Args    []string
}

// value is the entry as its client writes it, with the indent of the line that it
// begins on.
func (c Client) value(e Entry, indent, unit string) string {
	type entry struct {
		Type    string   `json:"type,omitempty"`
		Command string   `json:"command"`
		Args    []string `json:"args"`
	}
	kind := ""
	if c.typed {
		kind = "stdio"
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent(indent, unit)
	_ = enc.Encode(entry{kind, e.Command, e.Args}) // strings always encode
	return strings.TrimSpace(text.String())
}

// Snippet is a whole file with nothing but FCC in it, to paste.
func (c Client) Snippet(e Entry) string {
	return fmt.Sprintf("{\n  %q: {\n    %q: %s\n  }\n}\n", c.list, entryName, c.value(e, "    ", "  "))
}

// A Change is what would be done to a client's file.
type Change struct {
	Path          string
	Before, After []byte // nil: there is no file
}

// None reports whether there is nothing to do.
func (ch Change) None() bool { return bytes.Equal(ch.Before, ch.After) }

// ErrUnclear is of a file that FCC does not change: it cannot read it.
var ErrUnclear = errors.New("not a file of settings that FCC can read")

// Install has the client start FCC. All else in the file stays as it is, comments too;
// only line ends come in beside what is put in.
func (c Client) Install(e Entry) (Change, error) {
	ch, err := c.read()
	if err != nil {
		return ch, err
	}
	ch.After, err = c.with(ch.Before, e)
	return ch, err
}

// Uninstall takes FCC out again. A file that is as Install left it becomes what it was
// before.
func (c Client) Uninstall(e Entry) (Change, error) {
	ch, err := c.read()
	if err != nil || ch.Before == nil {
		return ch, err
	}
	if old, err := os.ReadFile(c.Backup()); err == nil && !c.has(old) {
		if again, err := c.with(old, e); err == nil && bytes.Equal(again, ch.Before) {
			ch.After = old
			return ch, nil
		}
	}
	ch.After, err = c.without(ch.Before)
	return ch, err
}

// Installed reports whether the client's file names FCC.
func (c Client) Installed() bool {
	text, err := os.ReadFile(c.Path)
	return err == nil && c.has(text)
}

func (c Client) has(text []byte) bool {
	_, servers, err := c.parse(bytes.TrimPrefix(text, mark))
	return err == nil && servers != nil && memberOf(servers, entryName) >= 0
}

// Present reports whether the client has its folder: it was started once.
func (c Client) Present() bool {
	info, err := os.Stat(filepath.Dir(c.Path))
	return err == nil && info.IsDir()
}

// Backup is where the file is kept as it was before Install changed it.
func (c Client) Backup() string { return c.Path + ".before-fcc" }

func (c Client) read() (Change, error) {
	text, err := os.ReadFile(c.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return Change{Path: c.Path}, nil
	}
	return Change{Path: c.Path, Before: text, After: text}, err
}

var mark = []byte("\xef\xbb\xbf") // of UTF-8, which some editors write ahead

// parse finds the list of servers, nil where there is none. The file is an object.
func (c Client) parse(text []byte) (file hujson.Value, servers *hujson.Object, err error) {
	file, err = hujson.Parse(text)
	if err != nil {
		return file, nil, fmt.Errorf("%w: %w", ErrUnclear, err)
	}
	root, ok := file.Value.(*hujson.Object)
	if !ok {
		return file, nil, ErrUnclear
	}
	if n := memberOf(root, c.list); n >= 0 {
		if servers, ok = root.Members[n].Value.Value.(*hujson.Object); !ok {
			return file, nil, ErrUnclear
		}
	}
	return file, servers, nil
}

// memberOf is the last of this name, which is the one that counts, -1 for none.
func memberOf(o *hujson.Object, name string) int {
	for n := range slices.Backward(o.Members) {
		if l, ok := o.Members[n].Name.Value.(hujson.Literal); ok && l.String() == name {
			return n
		}
	}
	return -1
}

// with is text with FCC in it: put in as the first server, or in place of what was
// there under its name.
func (c Client) with(text []byte, e Entry) ([]byte, error) {
	bare := bytes.TrimPrefix(text, mark)
	if len(bytes.TrimSpace(bare)) == 0 {
		return []byte(c.Snippet(e)), nil
	}
	file, servers, err := c.parse(bare)
	if err != nil {
		return nil, err
	}
	root := file.Value.(*hujson.Object)
	end, unit := "\n", indentOf(root)
	if bytes.Contains(bare, []byte("\r\n")) {
		end = "\r\n"
	}
	indent := unit // of the line that the list begins on
	if servers == nil {
		servers = &hujson.Object{}
		putFirst(root, c.list, servers, end, unit)
	} else if !broken(root.Members[memberOf(root, c.list)].Name.BeforeExtra) {
		indent = ""
	}
	value, err := hujson.Parse([]byte(strings.ReplaceAll(c.value(e, indent+unit, unit), "\n", end)))
	if err != nil {
		return nil, err
	}
	if n := memberOf(servers, entryName); n >= 0 {
		servers.Members[n].Value.Value = value.Value
	} else {
		putFirst(servers, entryName, value.Value, end+indent, unit)
	}
	return slices.Concat(text[:len(text)-len(bare)], file.Pack()), nil
}

// putFirst puts a member before all others of an object, on lines of its own: what
// stands behind it, and the brace at the end, begin a line too. line is the end of one
// and the indent of that brace.
func putFirst(o *hujson.Object, name string, value hujson.ValueTrimmed, line, unit string) {
	if len(o.Members) > 0 {
		if next := &o.Members[0].Name; !broken(next.BeforeExtra) {
			next.BeforeExtra = slices.Concat([]byte(line+unit), bytes.TrimLeft(next.BeforeExtra, " \t"))
		}
	}
	if !broken(o.AfterExtra) {
		o.AfterExtra = slices.Concat(bytes.TrimRight(o.AfterExtra, " \t"), []byte(line))
	}
	o.Members = slices.Insert(o.Members, 0, hujson.ObjectMember{
		Name: hujson.Value{BeforeExtra: []byte(line + unit), Value: hujson.String(name)}, Value: hujson.Value{BeforeExtra: []byte(" "), Value: value},
	})
}

// broken reports whether a line ends in what stands between two members.
func broken(between hujson.Extra) bool { return bytes.IndexByte(between, '\n') >= 0 }

// indentOf is what the members of the file are indented by: no comment before the first
// is part of it.
func indentOf(root *hujson.Object) string {
	if len(root.Members) > 0 {
		before := root.Members[0].Name.BeforeExtra
		line := before[bytes.LastIndexByte(before, '\n')+1:]
		if unit := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]; len(unit) > 0 && len(line) < len(before) {
			return string(unit)
		}
	}
	return "  "
}

// without is text without FCC.
func (c Client) without(text []byte) ([]byte, error) {
	bare := bytes.TrimPrefix(text, mark)
	_, servers, err := c.parse(bare)
	if err != nil {
		return nil, err
	}
	if servers == nil || memberOf(servers, entryName) < 0 {
		return text, nil
	}
	n := memberOf(servers, entryName)
	m, last := servers.Members[n], n == len(servers.Members)-1
	start := m.Name.StartOffset
	for start > 0 && strings.IndexByte(" \t\r\n", bare[start-1]) >= 0 {
		start--
	}
	between, end := bare[m.Value.EndOffset:m.Value.EndOffset+len(m.Value.AfterExtra)], m.Value.EndOffset+len(m.Value.AfterExtra)
	if bare[end] == ',' {
		end++
		if len(bytes.TrimSpace(between)) == 0 {
			between = nil
		}
	} else if last && n > 0 { // the comma before it goes
		comma := servers.Members[n-1].Value.EndOffset + len(servers.Members[n-1].Value.AfterExtra)
		between = slices.Concat(bare[comma+1:start], between)
		start = comma
	}
	begin := len(text) - len(bare)
	return slices.Concat(text[:begin+start], between, text[begin+end:]), nil
}

// Lines show the change: the lines that differ, each with a minus or a plus ahead, and
// those around them.
func (ch Change) Lines() []string {
	split := func(text []byte) []string {
		if len(text) == 0 {
			return nil
		}
		return strings.Split(strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	}
	before, after := split(ch.Before), split(ch.After)
	same := 0
	for same < min(len(before), len(after)) && before[same] == after[same] {
		same++
	}
	tail := 0
	for tail < min(len(before), len(after))-same && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	const around = 2
	var out []string
	put := func(sign string, lines []string) {
		for _, l := range lines {
			out = append(out, sign+l)
		}
	}
	put("  ", before[max(0, same-around):same])
	put("- ", before[same:len(before)-tail])
	put("+ ", after[same:len(after)-tail])
	put("  ", after[len(after)-tail:min(len(after), len(after)-tail+around)])
	return out
}

// Apply makes the change, unless the file is another by now. What it was before FCC was
// in it stays beside it, see Backup. Where the file is a link, the one that it leads to is
// changed; a link in place of the backup is replaced.
func (c Client) Apply(ch Change) error {
	now, err := c.read()
	if err != nil {
		return err
	}
	if !bytes.Equal(now.Before, ch.Before) {
		return errors.New(words.Say("assistant.changed-meanwhile"))
	}
	to, err := target(c.Path)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(to); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if now.Before != nil && !c.has(now.Before) {
		if err := replace(c.Backup(), now.Before, mode); err != nil {
			return err
		}
	}
	return replace(to, ch.After, mode)
}

// target is the file that a path leads to, also where none is there yet.
func target(path string) (string, error) {
	for range 40 { // as Linux follows
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // it is no link
		}
		if !filepath.IsAbs(to) {
			folder, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return "", err
			}
			to = filepath.Join(folder, to)
		}
		path = to
	}
	return "", errors.New("links that lead to links, too many of them")
}

// replace writes a file whole or not at all.
func replace(path string, text []byte, mode fs.FileMode) error {
	next, err := os.CreateTemp(filepath.Dir(path), ".fcc-*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name())
	_, err = next.Write(text)
	err = errors.Join(err, next.Chmod(mode), next.Sync(), next.Close())
	if err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}
