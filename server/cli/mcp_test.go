package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// assistant starts fcc mcp as an assistant does, with the SDK's own client at the other
// end.
func (m *machine) assistant(args ...string) (*mcp.ClientSession, *exec.Cmd) {
	m.t.Helper()
	cmd := m.command(append([]string{"mcp"}, args...)...)
	client := mcp.NewClient(&mcp.Implementation{Name: "Test Desk", Version: "1"}, nil)
	session, err := client.Connect(m.t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		m.t.Fatalf("fcc mcp: %v", err)
	}
	m.t.Cleanup(func() { _ = session.Close() })
	return session, cmd
}

// tool calls one, and returns the text of its answer.
func tool(t *testing.T, session *mcp.ClientSession, name string, arguments map[string]any) (text string, refused bool) {
	t.Helper()
	answer, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return answer.Content[0].(*mcp.TextContent).Text, answer.IsError
}

func TestTwoAssistantsReadOverStdioWhileTheTokenExpires(t *testing.T) {
	m := newMachine(t)
	port := freePort(t)
	sim := m.far(port)
	m.start("serve", "--port", port)
	m.signIn(sim)
	var sessions []*mcp.ClientSession
	for range 2 {
		session, _ := m.assistant()
		sessions = append(sessions, session)
	}
	tools, err := sessions[0].ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range tools.Tools {
		if !one.Annotations.ReadOnlyHint {
			t.Errorf("an assistant that reads sees %s", one.Name)
		}
	}
	var all struct {
		Organisations []struct {
			ID   string `json:"tenant_id"`
			Name string
		}
	}
	text, _ := tool(t, sessions[0], "organisations", nil)
	if err := json.Unmarshal([]byte(text), &all); err != nil || len(all.Organisations) < 2 {
		t.Fatalf("%v %s", err, text)
	}
	for range 3 {
		sim.ExpireAccessTokens()
		var reading sync.WaitGroup
		for n, session := range sessions {
			for _, o := range all.Organisations {
				reading.Go(func() {
					if text, refused := tool(t, session, "contacts", map[string]any{"organisation": o.ID}); refused || !strings.Contains(text, `"as_of"`) {
						t.Errorf("assistant %d, %s: %s", n, o.Name, text)
					}
					if text, refused := tool(t, session, "invoice", map[string]any{"organisation": o.ID, "invoice": "none"}); !refused || !strings.Contains(text, "no invoice or bill") {
						t.Errorf("assistant %d, %s: %s", n, o.Name, text)
					}
				})
			}
		}
		reading.Wait()
	}
	var list struct {
		Keys []struct {
			Name  string
			Write bool
		}
	}
	if err := json.Unmarshal([]byte(m.must("keys", "list", "--json")), &list); err != nil || len(list.Keys) != 1 || list.Keys[0].Name != "assistant" || list.Keys[0].Write {
		t.Errorf("%v: keys %+v", err, list.Keys)
	}
}

// Whatever comes in, stdout has one message a line and nothing else, and each request
// has one answer.
func TestStdoutHasNothingButMessages(t *testing.T) {
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"é (x)","version":"1"}}}`
	in := strings.Join([]string{
		hello,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		"", "  ", "no message", `[{"jsonrpc":"2.0","id":7,"method":"ping"}]`,
		`{"jsonrpc":"2.0","id":"two","method":"tools/list"}`,
		`{"jsonrpc":"2.0","id":3,"method":"no/such/method"}`,
		`{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"organisations","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"contacts","arguments":{"unknown":1}}}`,
		`{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"\n","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`,
		`{"jsonrpc":"2.0","id":8,"result":{}}`,
		`{"jsonrpc":"2.0","id":9,"method":"ping"}`,
	}, "\n")
	got := m.fccReading(in, "mcp")
	if got.code != 0 || got.stderr != "" {
		t.Errorf("exit %d, stderr %s", got.code, got.stderr)
	}
	var ids []string
	for line := range strings.Lines(got.stdout) {
		var answer struct {
			Version string `json:"jsonrpc"`
			ID      json.RawMessage
			Result  json.RawMessage
			Error   *struct {
				Code    int
				Message string
			}
		}
		if err := json.Unmarshal([]byte(line), &answer); err != nil || answer.Version != "2.0" || (answer.Result == nil) == (answer.Error == nil) {
			t.Errorf("stdout has %q: %v", line, err)
		}
		if answer.Error != nil && answer.Error.Message == "" {
			t.Errorf("an error without words: %s", line)
		}
		if want := map[string]int{"3": jsonrpc.CodeMethodNotFound}[string(answer.ID)]; want != 0 && (answer.Error == nil || answer.Error.Code != want) {
			t.Errorf("not error %d: %s", want, line)
		}
		ids = append(ids, string(answer.ID))
	}
	slices.Sort(ids)
	if want := []string{`"two"`, "1", "3", "4", "5", "6", "9", "null", "null"}; !slices.Equal(ids, want) {
		t.Errorf("answers to %v, want %v\n%s", ids, want, got.stdout)
	}
}

func TestAnAssistantStartsFCCAndOutlivesIt(t *testing.T) {
	m := newMachine(t)
	port := freePort(t)
	m.set("FCC_KEYSTORE", "")
	t.Cleanup(func() { m.fcc("stop") })
	session, _ := m.assistant("--port", port, "--keystore", "memory") // its settings are those of the FCC that it starts
	text, refused := tool(t, session, "organisations", nil)
	if refused || !strings.Contains(text, `"code":"needs_login"`) || !strings.Contains(text, "http://localhost:") {
		t.Errorf("nobody is signed in: %s", text)
	}
	if run := m.readRun(); run.PID == os.Getpid() || !strings.HasSuffix(run.Address, ":"+port) || m.fcc("status").code != 2 {
		t.Fatalf("no FCC was started, or another: %+v", run)
	}
	m.set("FCC_PORT", port)
	m.set("FCC_KEYSTORE", "memory")

	// It ends, and another starts: the assistant does not notice.
	m.must("stop")
	m.start("serve")
	if text, refused = tool(t, session, "session_health", nil); refused || !strings.Contains(text, `"version":"1.2.3"`) {
		t.Errorf("after a restart: %s", text)
	}

	// Somebody ends it and means it: the assistant says so, starts none, and goes on once
	// there is one.
	m.must("stop")
	_, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "organisations"})
	if wire, ok := errors.AsType[*jsonrpc.Error](err); !ok || !strings.Contains(wire.Message, "not running") {
		t.Errorf("while none runs: %v", err)
	}
	if m.fcc("status").code != 3 {
		t.Error("what somebody has ended was started again")
	}
	m.start("serve")
	if text, refused = tool(t, session, "organisations", nil); refused {
		t.Errorf("once it runs again: %s", text)
	}
}

func TestARevokedAssistantStaysOut(t *testing.T) {
	m := newMachine(t)
	m.start("serve", "--port", freePort(t))
	session, _ := m.assistant()
	tool(t, session, "organisations", nil)
	m.must("keys", "revoke", "assistant")
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "revoked") {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "organisations"})
	refused("the one that was running", err)
	client := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = client.Connect(ctx, &mcp.CommandTransport{Command: m.command("mcp")}, nil)
	refused("a new one", err)

	m.must("keys", "add", "assistant", "--write")
	if text, bad := tool(t, session, "session_health", nil); bad || !strings.Contains(text, `"may_write":true`) {
		t.Errorf("let in again to write: %s", text)
	}
	_, err = client.Connect(ctx, &mcp.CommandTransport{Command: m.command("mcp", "--program", "budget")}, nil)
	if err == nil || !strings.Contains(err.Error(), "fcc keys add budget") {
		t.Errorf("an entry that is not there: %v", err)
	}
}

func TestInstallShowsAsksAndCanBeUndone(t *testing.T) {
	m := newMachine(t)
	file := filepath.Join(m.home, ".cursor", "mcp.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	const before = "{\n  // mine\n  \"mcpServers\": {\n    \"a\": {\"command\": \"a\"}\n  }\n}\n"
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write(before)
	if got := m.fccReading("n\n", "mcp", "install", "--client", "cursor"); got.code != 1 || !strings.Contains(got.stderr, `+     "financial-command-center": {`) || !strings.Contains(got.stderr, "Nothing was changed") || read() != before {
		t.Errorf("no: %+v\n%s", got, read())
	}
	if got := m.fcc("mcp", "install", "--client", "cursor"); got.code != 1 || read() != before {
		t.Errorf("no answer: %+v\n%s", got, read())
	}
	if got := m.fccReading("y\n", "mcp", "install", "--client", "cursor"); got.code != 0 || got.stdout != "" {
		t.Errorf("yes: %+v", got)
	}
	if text := read(); !strings.Contains(text, "// mine") || !strings.Contains(text, `"--data-dir"`) || !strings.Contains(text, strings.ReplaceAll(m.dataDir(), `\`, `\\`)) || strings.Contains(text, "fcc_") {
		t.Errorf("%s", text)
	}
	if got := m.fcc("mcp", "install", "--client", "cursor", "--yes"); got.code != 0 || !strings.Contains(got.stderr, "already") {
		t.Errorf("again: %+v", got)
	}
	if got := m.fcc("--yes", "mcp", "uninstall", "--client", "cursor"); got.code != 0 || read() != before {
		t.Errorf("undone: %+v\n%s", got, read())
	}
	write("{ broken")
	if got := m.fcc("mcp", "install", "--client", "cursor", "--yes"); got.code != 1 || !strings.Contains(got.stderr, `"mcpServers": {`) || read() != "{ broken" {
		t.Errorf("broken: %+v\n%s", got, read())
	}
	if got := m.fcc("mcp", "install", "--client", "other"); got.code != 64 {
		t.Errorf("an unknown one: %+v", got)
	}
}

func TestADemoIsEnteredNowhere(t *testing.T) {
	m := newMachine(t)
	m.start("demo")
	got := m.fcc("mcp", "install", "--client", "cursor", "--yes", "--data-dir", demoFolder(t, m))
	if got.code != 1 || !strings.Contains(got.stderr, "The demo enters itself nowhere: it is thrown away.") {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(filepath.Join(m.home, ".cursor")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}

func TestInstallAsksForTheProgram(t *testing.T) {
	m := newMachine(t)
	install := func(program string) said {
		return m.fcc("mcp", "install", "--client", "cursor", "--yes", "--program", program)
	}
	if got := install("budget"); got.code != 0 || !strings.Contains(got.stderr, `not checked that it has a key named "budget"`) {
		t.Errorf("while none runs: %+v", got)
	}
	m.start("serve", "--port", freePort(t))
	m.must("keys", "add", "other")
	if got := install("nosuch"); got.code != 1 || !strings.Contains(got.stderr, "no key named “nosuch”. Names in use: other.") || !strings.Contains(got.stderr, "fcc keys add nosuch") {
		t.Errorf("no such program: %+v", got)
	}
	for _, program := range []string{"other", "assistant"} {
		if got := install(program); got.code != 0 || strings.Contains(got.stderr, "not checked") {
			t.Errorf("%s: %+v", program, got)
		}
	}
}

func TestEraseLeavesTheSettingsOfAssistants(t *testing.T) {
	m := newMachine(t)
	file := filepath.Join(m.home, ".cursor", "mcp.json")
	const before = "{\n  \"mcpServers\": {}\n}\n"
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(before), 0o600)); err != nil {
		t.Fatal(err)
	}
	m.must("mcp", "install", "--client", "cursor", "--yes")
	m.must("mcp", "install", "--client", "vscode", "--yes", "--program", "mine")
	got := m.fcc("erase", "--yes")
	if got.code != 0 || !strings.Contains(got.stderr, "Cursor does not know FCC any more") {
		t.Errorf("%+v", got)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != before {
		t.Errorf("%v %s", err, text)
	}
	if _, err := os.Stat(file + ".before-fcc"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was kept beside it: %v", err)
	}
	if again := m.fcc("erase", "--yes"); again.code != 0 || strings.Contains(again.stderr, "Cursor") {
		t.Errorf("again: %+v", again)
	}
}
