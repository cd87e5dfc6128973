package assistant

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"financial-command-center/assets/words"
)

// repeatable reports whether a request whose answer was lost may be sent again.
func (m message) repeatable() bool {
	return m.Method != "tools/call" || !slices.Contains(writingTools, m.Params.Name)
}

// ask sends one request to FCC and writes its answer. One that never arrived is sent
// again once there is an FCC; one whose answer was lost too, unless it writes.
func (b *Bridge) ask(ctx context.Context, m message, line []byte) {
	late := time.Now().Add(starting)
	var gone Way // that turned out to be no way any more
	for renewed := false; ; {
		way, err := b.find(ctx, gone)
		if err != nil {
			if ctx.Err() == nil {
				b.answer(m.ID, codeUnavailable, err.Error())
			}
			return
		}
		became, err := b.post(ctx, way, m, line)
		switch {
		case became == answered || ctx.Err() != nil: // or nobody waits for it any more
			return
		case became == keyRefused && !renewed:
			gone, renewed = way, true
			continue
		case became == lost && time.Now().Before(late):
			gone = way
		case became == notReady && time.Now().Before(late):
		default:
			code := codeUnavailable
			if f, ok := errors.AsType[fault](err); ok {
				code = f.code
			}
			b.answer(m.ID, code, err.Error())
			return
		}
		pause(ctx, 200*time.Millisecond)
	}
}

// What became of a request.
const (
	answered   = iota
	lost       // FCC is not there, or not any more, and it may be sent to another
	keyRefused // the key is of an FCC that has ended, or was revoked: Find knows
	notReady   // FCC is starting, or waits for its keychain
	failed
)

// codeUnavailable is of the range that JSON-RPC leaves to servers.
const codeUnavailable = -32000

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// find returns the way to FCC, and asks for another than the last.
func (b *Bridge) find(ctx context.Context, last Way) (Way, error) {
	b.finding.Lock()
	defer b.finding.Unlock()
	if b.way == (Way{}) || b.way == last {
		way, err := b.Find(ctx)
		if err != nil {
			return Way{}, err
		}
		b.way = way
	}
	return b.way, nil
}

// The way to FCC is through this computer alone.
var local = &http.Client{
	Transport:     &http.Transport{Proxy: nil, MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 30 * time.Second},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// post sends one request, and writes its answer if there is one.
func (b *Bridge) post(ctx context.Context, way Way, m message, line []byte) (became int, err error) {
	ctx, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, way.Address+"/mcp", bytes.NewReader(line))
	if err != nil {
		return failed, err
	}
	b.label(r.Header, m)
	r.Header.Set("Authorization", "Bearer "+way.Key)
	ended := lost
	if !m.repeatable() {
		ended = failed
	}
	answer, err := local.Do(r)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return lost, errors.New(words.Say("assistant.not-running"))
		}
		return ended, errors.New(words.Say("assistant.ended"))
	}
	defer answer.Body.Close()
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return answered, b.stream(answer.Body)
	}
	body, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return ended, errors.New(words.Say("assistant.ended"))
	case b.pass(body, m):
		return answered, nil
	case answer.StatusCode == http.StatusUnauthorized:
		return keyRefused, refusalIn(answer, body)
	case answer.StatusCode == http.StatusServiceUnavailable:
		return notReady, refusalIn(answer, body)
	}
	return failed, refusalIn(answer, body)
}

// A fault is why a request has no answer of MCP's.
type fault struct {
	code int
	text string
}

func (f fault) Error() string { return f.text }

// refusalIn is an answer that is no message: FCC's own error, or a sentence of the SDK's.
func refusalIn(answer *http.Response, body []byte) error {
	var own struct {
		Error struct{ Message, Action string }
	}
	_ = json.Unmarshal(body, &own) // else it is a sentence, or nothing
	text := strings.TrimSpace(own.Error.Message + " " + own.Error.Action)
	if text != "" || answer.StatusCode != http.StatusBadRequest {
		return fault{codeUnavailable, cmp.Or(text, words.Say("assistant.odd-answer", "Status", answer.StatusCode))}
	}
	text = said(string(body))
	if strings.Contains(text, "not handled") { // what jsonrpc2 calls a method that is not there
		return fault{jsonrpc.CodeMethodNotFound, text}
	}
	return fault{jsonrpc.CodeInvalidRequest, cmp.Or(text, words.Say("assistant.odd-answer", "Status", answer.StatusCode))}
}

// label says in headers what the message says, as the transport wants it: from the
// revision of 2026-07-28 on each request has its version in itself.
func (b *Bridge) label(h http.Header, m message) {
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, text/event-stream")
	b.mu.Lock()
	version, agent := b.version, b.agent
	b.mu.Unlock()
	h.Set("User-Agent", cmp.Or(agent, "fcc-mcp"))
	var own string
	if json.Unmarshal(m.Params.Meta[mcp.MetaKeyProtocolVersion], &own) == nil && own != "" {
		version = own
		h.Set("Mcp-Method", m.Method)
		if name := cmp.Or(m.Params.Name, m.Params.URI); name != "" && !strings.ContainsFunc(name, unicode.IsControl) {
			h.Set("Mcp-Name", name)
		}
	}
	if version != "" {
		h.Set("Mcp-Protocol-Version", version)
	}
}

// pass writes body if it is a message, on one line.
func (b *Bridge) pass(body []byte, m message) bool {
	var answer struct {
		Version string `json:"jsonrpc"`
		Result  struct {
			ProtocolVersion string `json:"protocolVersion"`
		} `json:"result"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Version == "" {
		return false
	}
	if m.Method == "initialize" {
		b.mu.Lock()
		b.version = answer.Result.ProtocolVersion
		b.mu.Unlock()
	}
	b.write(body)
	return true
}

// stream passes the messages of an event stream on as they come.
func (b *Bridge) stream(body io.Reader) error {
	events := bufio.NewScanner(body)
	events.Buffer(nil, 16<<20)
	var data []byte
	for events.Scan() {
		line := events.Bytes()
		if text, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = append(data, bytes.TrimPrefix(text, []byte(" "))...)
		}
		if len(line) == 0 && len(data) > 0 {
			b.pass(data, message{})
			data = nil
		}
	}
	return events.Err()
}
