package xero_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"financial-command-center/keystore"
	"financial-command-center/server/xero"
	"financial-command-center/server/xero/xerosim"
)

// logbook is all that FCC logs.
type logbook struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// wantNoSecret fails if a token, code or secret of the simulated Xero is in text.
func wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, marker := range xerosim.Markers() {
		if at := strings.Index(text, marker); at >= 0 {
			t.Errorf("%s holds a secret: %.300s", where, text[max(0, at-100):])
		}
	}
}

// notes is what the server keeps for the connections.
type notes struct {
	mu       sync.Mutex
	renewed  []xero.Renewal
	calls    []xero.Call
	profiles map[string]xero.Profile
}

func (n *notes) renewal(r xero.Renewal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.renewed = append(n.renewed, r)
}

func (n *notes) call(c xero.Call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, c)
}

// called returns the calls since it was asked before.
func (n *notes) called() []xero.Call {
	n.mu.Lock()
	defer n.mu.Unlock()
	got := n.calls
	n.calls = nil
	return got
}

func (n *notes) recall(_ context.Context, id string) (xero.Profile, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.profiles[id]
	return p, ok
}

func (n *notes) remember(_ context.Context, id string, p xero.Profile) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.profiles[id] = p
}

func (n *notes) forget(_ context.Context, id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.profiles, id)
}

func (n *notes) last() xero.Renewal {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.renewed) == 0 {
		return xero.Renewal{}
	}
	return n.renewed[len(n.renewed)-1]
}

func (n *notes) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.renewed)
}

// keychain is a store whose owner can lock it.
type keychain struct {
	keystore.Store
	mu       sync.Mutex
	reads    error // what every Get says
	writes   error // what every Set and Delete says
	dead     bool
	observed func(op, name string)
}

func (k *keychain) set(reads, writes error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reads, k.writes = reads, writes
}

func (k *keychain) observe(observed func(op, name string)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.observed = observed
}

func (k *keychain) cutOff() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = true
}

func (k *keychain) survivor() *keychain { return &keychain{Store: k.Store} }

func (k *keychain) check(op, name string) error {
	k.mu.Lock()
	reads, writes, dead, observed := k.reads, k.writes, k.dead, k.observed
	k.mu.Unlock()
	if observed != nil {
		observed(op, name)
	}
	switch {
	case dead:
		return keystore.ErrFailed
	case op == "get":
		return reads
	}
	return writes
}

func (k *keychain) Get(ctx context.Context, name string) (keystore.Secret, error) {
	if err := k.check("get", name); err != nil {
		return keystore.Secret{}, err
	}
	return k.Store.Get(ctx, name)
}

func (k *keychain) Set(ctx context.Context, name string, value keystore.Secret) error {
	if err := k.check("set", name); err != nil {
		return err
	}
	return k.Store.Set(ctx, name, value)
}

func (k *keychain) Delete(ctx context.Context, name string) error {
	if err := k.check("delete", name); err != nil {
		return err
	}
	return k.Store.Delete(ctx, name)
}

// pipes is a listener and the only way to it: no socket, so that a bubble's clock
// can move.
type pipes struct {
	mu     sync.Mutex
	open   []net.Conn
	down   bool
	dialed chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes {
	return &pipes{dialed: make(chan net.Conn), closed: make(chan struct{})}
}

var errNoNetwork = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	p.mu.Lock()
	down := p.down
	p.mu.Unlock()
	if down {
		return nil, errNoNetwork
	}
	near, far := net.Pipe()
	select {
	case p.dialed <- far:
		p.mu.Lock()
		p.open = append(p.open, near)
		p.mu.Unlock()
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// cut takes the network away, or gives it back.
func (p *pipes) cut(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if down {
		for _, c := range p.open {
			c.Close()
		}
		p.open = slices.Delete(p.open, 0, len(p.open))
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialed:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
