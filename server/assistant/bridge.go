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
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"financial-command-center/assets/words"
)

// A Bridge is an MCP server on stdin and stdout that has nothing of its own: each
// request goes to the FCC that runs, whose answer comes back unchanged. Only answers
// are written to Out. It outlives that FCC: when another has started, it asks the way
// there anew.
//
// Notifications end here. FCC keeps nothing between two requests that they could be
// about, but for cancelled, which hangs up on the request that it names.
type Bridge struct {
	In  io.Reader
	Out io.Writer
	// Find returns the way to the FCC that runs. It is asked first, and again when a way
	// has ended.
	Find func(context.Context) (Way, error)

	writing sync.Mutex

	finding sync.Mutex
	way     Way

	mu      sync.Mutex
	version string                        // of the protocol, that the handshake settled
	agent   string                        // the assistant's name, as User-Agent
	running map[string]context.CancelFunc // by id
}

// Way is where FCC is, as "http://127.0.0.1:8000", and a key that is good there.
type Way struct{ Address, Key string }

const (
	// mostMessage is more than the route takes.
	mostMessage = 2 << 20
	// atOnce requests are under way; more wait.
	atOnce = 16
	// starting is how long one request waits for an FCC that is not ready.
	starting = 15 * time.Second
	// answering is how long FCC may take; its own limit is a little less.
	answering = 50 * time.Second
)

// message is what is looked at of one.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name            string          `json:"name"`
		URI             string          `json:"uri"`
		RequestID       json.RawMessage `json:"requestId"`
		ProtocolVersion string          `json:"protocolVersion"`
		ClientInfo      struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"clientInfo"`
		Meta map[string]json.RawMessage `json:"_meta"`
	} `json:"params"`
}

// Run carries until In ends and what came was answered, or ctx ends.
func (b *Bridge) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	b.running = map[string]context.CancelFunc{}
	lines := make(chan []byte)
	failed := make(chan error, 1)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(b.In)
		in.Buffer(nil, mostMessage)
		for in.Scan() {
			if line := bytes.TrimSpace(in.Bytes()); len(line) > 0 {
				select {
				case lines <- bytes.Clone(line):
				case <-ctx.Done():
					return
				}
			}
		}
		failed <- in.Err()
	}()
	var answers sync.WaitGroup
	defer answers.Wait()
	places := make(chan struct{}, atOnce)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case line, more := <-lines:
			if !more {
				select {
				case err := <-failed:
					return err
				default:
					return nil
				}
			}
			b.take(ctx, line, &answers, places)
		}
	}
}

// take begins to answer one line. The handshake is answered before the next is taken:
// what follows is in the version that it settles.
func (b *Bridge) take(ctx context.Context, line []byte, answers *sync.WaitGroup, places chan struct{}) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		var batch []json.RawMessage
		if json.Unmarshal(line, &batch) == nil {
			b.answer(nil, jsonrpc.CodeInvalidRequest, words.Say("assistant.no-batch"))
			return
		}
		b.answer(nil, jsonrpc.CodeParseError, words.Say("assistant.no-message"))
		return
	}
	switch {
	case m.Method == "notifications/cancelled":
		b.mu.Lock()
		if end, ok := b.running[string(m.Params.RequestID)]; ok {
			end()
		}
		b.mu.Unlock()
		return
	case m.Method == "" || len(m.ID) == 0 || string(m.ID) == "null": // an answer, or a notification
		return
	case m.Method == "initialize":
		b.introduce(m)
		b.ask(ctx, m, line)
		return
	}
	b.mu.Lock()
	one, end := context.WithCancel(ctx)
	b.running[string(m.ID)] = end
	b.mu.Unlock()
	answers.Go(func() {
		defer end()
		select {
		case places <- struct{}{}:
			b.ask(one, m, line)
			<-places
		case <-one.Done():
		}
		b.mu.Lock()
		delete(b.running, string(m.ID))
		b.mu.Unlock()
	})
}

// introduce remembers who the assistant is: FCC shows it beside the key.
func (b *Bridge) introduce(m message) {
	agent := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return '-'
		}
		return r
	}, m.Params.ClientInfo.Name)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.agent = strings.TrimSpace(agent[:min(len(agent), 64)] + " fcc-mcp")
	b.version = ""
}

// repeatable reports whether a request whose answer was lost may be sent again.
func (m message) repeatable() bool {
	return m.Method != "tools/call" || !slices.Contains(writingTools, m.Params.Name)
}

// ask sends one request to FCC and writes its answer. One that never arrived is sent
// again once there is an FCC; one whose answer was lost too, unless it writes.
func (b *Bridge) ask(ctx context.Context, m message, line []byte) {
	late := time.Now().Add(starting)
	var last Way
	for {
		way, err := b.find(ctx, last)
		if err != nil {
			if ctx.Err() == nil {
				b.answer(m.ID, codeUnavailable, err.Error())
			}
			return
		}
		arrived, again, err := b.post(ctx, way, m, line)
		switch {
		case ctx.Err() != nil: // nobody waits for it any more
			return
		case err == nil:
			return
		case again && time.Now().Before(late):
			last = way
			if !arrived {
				pause(ctx, 100*time.Millisecond)
			} else {
				last = Way{} // it is the right one, and not ready
				pause(ctx, 300*time.Millisecond)
			}
		default:
			b.answer(m.ID, codeUnavailable, err.Error())
			return
		}
	}
}

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

// post sends one request. err is nil once an answer was written. arrived says that it
// reached an FCC, again that it may be sent once more.
func (b *Bridge) post(ctx context.Context, way Way, m message, line []byte) (arrived, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, way.Address+"/mcp", bytes.NewReader(line))
	if err != nil {
		return false, false, err
	}
	b.label(r.Header, m)
	r.Header.Set("Authorization", "Bearer "+way.Key)
	answer, err := local.Do(r)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return false, true, errors.New(words.Say("assistant.not-running"))
		}
		return false, m.repeatable(), errors.New(words.Say("assistant.ended"))
	}
	defer answer.Body.Close()
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return true, false, b.stream(answer.Body)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return false, m.repeatable(), errors.New(words.Say("assistant.ended"))
	}
	if b.pass(body, m) {
		return true, false, nil
	}
	var said struct {
		Error struct{ Code, Message, Action string }
	}
	_ = json.Unmarshal(body, &said) // else the status has to do
	problem := errors.New(cmp.Or(strings.TrimSpace(said.Error.Message+" "+said.Error.Action), words.Say("assistant.odd-answer", "Status", answer.StatusCode)))
	switch answer.StatusCode {
	case http.StatusUnauthorized: // the key is of an FCC that has ended, or was revoked: Find knows
		return false, true, problem
	case http.StatusServiceUnavailable: // it is starting, or waits for its keychain
		return true, true, problem
	}
	return true, false, problem
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
		if name := cmp.Or(m.Params.Name, m.Params.URI); name != "" {
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

func (b *Bridge) write(body []byte) {
	var line bytes.Buffer
	if json.Compact(&line, body) != nil {
		return
	}
	line.WriteByte('\n')
	b.writing.Lock()
	defer b.writing.Unlock()
	_, _ = b.Out.Write(line.Bytes()) // the assistant has gone: In ends
}

// answer is an error that this end has to say.
func (b *Bridge) answer(id json.RawMessage, code int, text string) {
	if id == nil {
		id = json.RawMessage("null")
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": text}})
	if err == nil {
		b.write(body)
	}
}
