package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

const (
	// A busy computer, or one that has just woken, lets FCC wait for seconds.
	helloTimeout = 5 * time.Second
	// A command may wait for Xero, which the server gives 35 seconds.
	commandTimeout = 45 * time.Second
	maxAnswer      = 1 << 20
)

// client speaks with the running FCC of a data folder.
type client struct {
	run  runFile
	http *http.Client
}

// dial finds the running FCC. It fails with errNotRunning; whether what listens
// there is FCC shows in call.
func dial(dir string) (*client, error) {
	run, err := readRunFile(dir)
	if err != nil {
		return nil, err
	}
	return newClient(run), nil
}

func newClient(run runFile) *client {
	return &client{run, &http.Client{
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refusal is FCC's answer that it will not, in its own words.
type refusal struct {
	xero.Problem
	Organisations []xero.Organisation `json:"organisations"` // to choose from
}

func (r *refusal) Error() string { return string(r.Code) }

// call sends a command and reads its answer, each proved. What is at the other
// end learns nothing but a random number until it has proved to know the key.
func (c *client) call(ctx context.Context, command string, question, answer any) error {
	proof, err := c.hello(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	body := []byte("{}")
	if question != nil {
		if body, err = json.Marshal(question); err != nil {
			return err
		}
	}
	path := "/control/" + command
	header := fmt.Sprintf("%s.%s.%s", proof.Client, proof.Server, proof.Command(http.MethodPost, path, body))
	status, said, header, err := c.post(ctx, path, header, body)
	if err != nil {
		return err
	}
	if !server.ProofsEqual(header, proof.Answer(status, said)) {
		if status == http.StatusNotFound { // as FCC answered to a command that it did not know
			return failf(exitFailed, "The FCC that runs is of another version than this fcc. Start FCC again: fcc stop, then fcc.")
		}
		return fmt.Errorf("%w: the answer is not FCC's", errNotRunning)
	}
	if status != http.StatusOK {
		var refused struct{ Error refusal }
		if err := json.Unmarshal(said, &refused); err != nil || refused.Error.Code == "" {
			return fmt.Errorf("answered %d", status)
		}
		return &refused.Error
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}

func (c *client) hello(ctx context.Context) (server.ControlProver, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	p := server.ControlProver{Key: c.run.key(), Client: server.NewControlNonce()}
	body, err := json.Marshal(server.ControlHello{Nonce: p.Client.String()})
	if err != nil {
		return p, err
	}
	status, said, _, err := c.post(ctx, "/control/hello", "", body)
	if err != nil {
		return p, err
	}
	stranger := fmt.Errorf("%w: what answers at %s is not it", errNotRunning, c.run.Address)
	var answer server.ControlHello
	if status != http.StatusOK || json.Unmarshal(said, &answer) != nil {
		return p, stranger
	}
	if p.Server, err = server.ParseControlNonce(answer.Nonce); err != nil || !server.ProofsEqual(answer.Proof, p.Hello()) {
		return p, stranger
	}
	return p, nil
}

func (c *client) post(ctx context.Context, path, proof string, body []byte) (status int, said []byte, answerProof string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.run.Address+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, "", fmt.Errorf("%w: run.json has no address", errNotRunning)
	}
	req.Header.Set("Content-Type", "application/json")
	if proof != "" {
		req.Header.Set(server.ControlHeader, proof)
	}
	resp, err := c.http.Do(req)
	if err == nil {
		defer resp.Body.Close()
		said, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	}
	if err != nil {
		return 0, nil, "", c.unreached(err)
	}
	return resp.StatusCode, said, resp.Header.Get(server.ControlHeader), nil
}

// errSilent: the process that run.json names is there, or something on its port,
// and does not answer in time.
var errSilent = errors.New("FCC does not answer")

func (c *client) unreached(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w (process %d, %s)", errSilent, c.run.PID, c.run.Address)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errNotRunning
	}
	return fmt.Errorf("%w: %w", errNotRunning, err)
}
