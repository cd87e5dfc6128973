package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"financial-command-center/keystore"
)

// The commands (fcc status, fcc stop, …) speak with the running FCC over its
// port. Both know the control key, this start's, from run.json; neither sends
// it, because after a kill -9 somebody else may hold the port that a stale
// run.json names, and because what sends a command may be a stranger.
//
//	POST /control/hello  {"nonce":C}  →  {"nonce":S,"proof":HMAC(key, "fcc hello", C, S)}
//	POST /control/NAME   FCC-Control: C.S.HMAC(key, "fcc command", C, S, method, path, SHA-256(body))
//	                  →  FCC-Control: HMAC(key, "fcc answer", C, S, status, SHA-256(body))
//
// Nonces are 32 bytes, all is base64url. A server nonce is good for one command
// within ControlWindow. It carries its own time, so that saying hello, which
// anybody may, costs no memory: only nonces that a proven command has spent are
// kept.

// ControlHeader carries the proof of a command and of its answer.
const ControlHeader = "FCC-Control"

// ControlWindow is how long after the hello a command may come.
const ControlWindow = 30 * time.Second

// ControlNonce is one side's part of what a proof is made over.
type ControlNonce [32]byte

func (n ControlNonce) String() string { return base64.RawURLEncoding.EncodeToString(n[:]) }

// ParseControlNonce reads what String wrote.
func ParseControlNonce(text string) (ControlNonce, error) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(data) != len(ControlNonce{}) {
		return ControlNonce{}, errors.New("not a nonce")
	}
	return ControlNonce(data), nil
}

// NewControlNonce is a client's: random throughout.
func NewControlNonce() (n ControlNonce) {
	_, _ = rand.Read(n[:])
	return n
}

// A ControlProver makes the proofs of one hello and one command.
type ControlProver struct {
	Key            keystore.Secret
	Client, Server ControlNonce
}

// Hello proves that the server knows the key.
func (p ControlProver) Hello() string { return p.prove("fcc hello") }

// Command proves that who sends a request knows the key.
func (p ControlProver) Command(method, path string, body []byte) string {
	sum := sha256.Sum256(body)
	return p.prove("fcc command", method, path, string(sum[:]))
}

// Answer proves that a command's answer is the server's, whole and unchanged.
func (p ControlProver) Answer(status int, body []byte) string {
	sum := sha256.Sum256(body)
	return p.prove("fcc answer", strconv.Itoa(status), string(sum[:]))
}

// prove writes each part with its length, so that no two lists of parts read alike.
func (p ControlProver) prove(parts ...string) string {
	mac := hmac.New(sha256.New, []byte(p.Key.Reveal()))
	for _, part := range append(parts, string(p.Client[:]), string(p.Server[:])) {
		_ = binary.Write(mac, binary.BigEndian, uint32(len(part)))
		mac.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ProofsEqual compares in constant time.
func ProofsEqual(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// controlDesk knows which commands may still come.
type controlDesk struct {
	key   keystore.Secret
	start time.Time // the monotonic clock counts: a changed wall clock lets nothing be replayed

	mu    sync.Mutex
	spent map[ControlNonce]time.Duration // since start
}

func newControlDesk(key keystore.Secret) *controlDesk {
	return &controlDesk{key: key, start: time.Now(), spent: map[ControlNonce]time.Duration{}}
}

// nonce is the server's: its time in milliseconds since start, then random.
func (d *controlDesk) nonce() ControlNonce {
	n := NewControlNonce()
	binary.BigEndian.PutUint64(n[:8], uint64(time.Since(d.start).Milliseconds()))
	return n
}

// admit checks a command's proof and spends its nonce.
func (d *controlDesk) admit(header, method, path string, body []byte) (ControlProver, bool) {
	p := ControlProver{Key: d.key}
	parts := strings.Split(header, ".")
	if len(parts) != 3 || d.key.IsZero() {
		return p, false
	}
	var errs [2]error
	p.Client, errs[0] = ParseControlNonce(parts[0])
	p.Server, errs[1] = ParseControlNonce(parts[1])
	if errors.Join(errs[:]...) != nil || !ProofsEqual(parts[2], p.Command(method, path, body)) {
		return p, false
	}
	now := time.Since(d.start)
	made := time.Duration(binary.BigEndian.Uint64(p.Server[:8])) * time.Millisecond
	if made < now-ControlWindow || made > now {
		return p, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, at := range d.spent {
		if at < now-ControlWindow {
			delete(d.spent, n)
		}
	}
	if _, again := d.spent[p.Server]; again {
		return p, false
	}
	d.spent[p.Server] = made
	return p, true
}
