package assistant

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"

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
		for in := bufio.NewReader(b.In); ; {
			line, err := lineOf(in)
			if line = bytes.TrimSpace(line); len(line) > 0 {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				if err != io.EOF {
					failed <- err
				}
				return
			}
		}
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

// lineOf reads a line. Of one that is too long it keeps the beginning, a byte more than a
// message may have.
func lineOf(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part[:min(len(part), mostMessage+1-len(line))]...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// take begins to answer one line. The handshake is answered before the next is taken:
// what follows is in the version that it settles.
func (b *Bridge) take(ctx context.Context, line []byte, answers *sync.WaitGroup, places chan struct{}) {
	if len(line) > mostMessage {
		b.answer(nil, jsonrpc.CodeInvalidRequest, words.Say("assistant.too-long"))
		return
	}
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
	b.write(failure(id, code, text))
}

// failure is an error as JSON-RPC has it; no id is null.
func failure(id json.RawMessage, code int, text string) []byte {
	body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": text}}) // what was read as JSON always marshals
	return body
}
