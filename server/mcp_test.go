package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"financial-command-center/server/store"
)

// withKey sends a key with each request, as an assistant's settings have it do.
type withKey string

func (k withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(k))
	return http.DefaultTransport.RoundTrip(r)
}

// assistant is the SDK's own client, over HTTP.
func (b *bench) assistant(key string) *mcp.ClientSession {
	b.t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(b.t.Context(), &mcp.StreamableClientTransport{Endpoint: b.BaseURL() + "/mcp", HTTPClient: &http.Client{Transport: withKey(key)}, DisableStandaloneSSE: true}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = session.Close() })
	return session
}

// toolCall calls a tool: its answer, or the problem in its refusal.
func toolCall(t testing.TB, session *mcp.ClientSession, name string, arguments, into any) (problem map[string]any) {
	t.Helper()
	answer, err := session.CallTool(context.Background(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	text := answer.Content[0].(*mcp.TextContent).Text
	if answer.IsError {
		var refusal struct{ Error map[string]any }
		if json.Unmarshal([]byte(text), &refusal) != nil || refusal.Error["code"] == "" {
			t.Fatalf("%s says %s", name, text)
		}
		return refusal.Error
	}
	if into != nil {
		decode(t, text, into)
	}
	return nil
}

func TestMCPSmoke(t *testing.T) {
	b := newBench(t, everyFigure).opened()
	b.signIn(b.visit())
	s := b.assistant(b.addKey(store.Key{Name: "a", Write: true}))
	tools, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools.Tools {
		in, _ := json.Marshal(tool.InputSchema)
		out, _ := json.Marshal(tool.OutputSchema)
		t.Log(tool.Name, len(in), len(out))
	}
	for _, name := range strings.Fields("organisations session_health contacts invoices overdue_invoices accounts bank_transactions payments profit_and_loss balance_sheet bank_summary ageing cash_flow_outlook") {
		var out json.RawMessage
		args := map[string]any{}
		if name != "organisations" && name != "session_health" {
			args["organisation"] = café
		}
		if name == "ageing" {
			args["side"] = "owed_to_us"
		}
		problem := toolCall(t, s, name, args, &out)
		t.Log(name, problem, string(out[:min(len(out), 1500)]))
	}
}
