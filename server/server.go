// Package server is the local web server: one program on this computer, for its
// user alone. Every request passes the guard before it is routed; what it may
// then do stands in the route's own row.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/keystore"
	"financial-command-center/server/assistant"
	"financial-command-center/server/books"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// Mode says whose books are shown.
type Mode string

// The modes.
const (
	Live Mode = "live"
	Demo Mode = "demo" // a simulated Xero; every page and answer says so
)

// Config is what a Server is made from. All fields are needed but those that say
// otherwise.
type Config struct {
	Version     string
	Mode        Mode
	Port        int // the bound one: part of the Host list and of the cookie's name
	DataDir     string
	StatePath   string // the state database; "" keeps state in memory
	Debug       bool
	Connections *xero.Connections
	Keystore    keystore.Store
	KeysStored  bool            // Keystore outlives the process
	FlaskSecret keystore.Secret // optional: FLASK_SECRET_KEY, taken over when there is no secret yet
	ControlKey  keystore.Secret // what the commands prove to know
	Log         *slog.Logger

	// OldFolders are where the Python program may have left a sign-in, OldStartup
	// what starts it when its user signs in to the computer. Optional.
	OldFolders []string
	OldStartup func() []string

	// SaveClientID keeps the Xero app's client id in the settings.
	SaveClientID func(id string) error
	// Stop ends the program. It must not block.
	Stop func()
	// Host is what pages may do to the program and this computer.
	Host Host
	// ShowIcon has the start page say where the icon in the tray is, which its
	// person has never seen. May be false.
	ShowIcon bool
}

// Host is what the pages let a person do to the program and this computer. A nil
// field is something that cannot be done here: pages leave it out.
type Host struct {
	// StartDemo starts the demo in a process of its own and returns a one-time link
	// into it.
	StartDemo func(context.Context) (link string, err error)
	// StartAtSignIn, Notifications and Updates are switches of the tray's menu too.
	StartAtSignIn, Notifications, Updates *Switch
	// SavePort keeps the port for the next start, and NextPort is what is kept; 0:
	// the first free registered one. PortFixed names the flag or variable that counts
	// before it, "" without one.
	SavePort  func(port int) error
	NextPort  func() int
	PortFixed string
	// SaveScopes keeps what sign-ins ask for.
	SaveScopes func(scopes []string) error
	// Restart ends the program and starts it again with its settings. It must not
	// block.
	Restart func()
	// Keystore is the kind in use: os, file or memory.
	Keystore func() string
	// MoveSecrets copies all secrets to another kind, reads them back, has the settings
	// name it, goes on with it, and deletes them where they were. MayMoveSecrets says
	// beforehand, without a look at the other kind, why it could not: an *xero.Error,
	// nil for no reason that is known.
	MoveSecrets    func(ctx context.Context, to string) error
	MayMoveSecrets func(to string) error
	// Assistants are those in whose settings FCC can enter itself, and Assistant is how
	// they start it there.
	Assistants []assistant.Client
	Assistant  assistant.Entry
	// Places are where things are kept, for a person to look: name and path.
	Places []Place
}

// A Switch is something that is on or off.
type Switch struct {
	Now func() bool
	Set func(bool) error
}

// A Place is a file or folder of FCC's.
type Place struct{ Name, Path string }

// Server answers on the loopback addresses. Make one with New.
type Server struct {
	cfg     Config
	log     *slog.Logger
	httpLog *log.Logger // net/http's own lines
	started time.Time
	origins []string // http://host:port, as browsers write them
	handler http.Handler
	rules   atomic.Pointer[rules] // see protect
	pages   pages

	old       oldLook
	browsers  *browsers
	tickets   tickets
	keys      keyring
	lent      lent
	books     *books.Books
	exports   *exports
	desk      *assistant.Desk
	folder    folder
	state     *store.Store  // may be read once opened is closed
	opened    chan struct{} // closed when state was opened
	looked    chan struct{} // see Looked
	renewals  chan xero.Renewal
	calls     calls
	approvals *approvals
	budgets   budgets
	metrics   *metrics
	rotating  sync.Mutex
	iconFound atomic.Bool
	serving   sync.RWMutex // read-locked by Serve

	// closed is why routes that need a session or a key answer 503, nil once the
	// session secret was read.
	closed standing
	// stateLost is why there is only a state in memory, stateTrouble why the last
	// write failed.
	stateLost, stateTrouble standing

	flights flights
}

// New makes a Server. It neither reads nor listens: see Serve and Run.
func New(cfg Config) (*Server, error) {
	s := &Server{
		cfg:      cfg,
		log:      cfg.Log.With("part", "server"),
		started:  time.Now(),
		opened:   make(chan struct{}),
		looked:   make(chan struct{}),
		renewals: make(chan xero.Renewal, 64),
		calls:    calls{full: make(chan struct{}, 1)},
		keys:     keyring{begun: make(chan struct{}, 1)},

		approvals: newApprovals(),
	}
	s.httpLog = log.New(serveLog{s.log}, "", 0)
	s.books = books.New(books.Config{Connections: cfg.Connections, State: s.openedState, Key: s.booksKey, Log: cfg.Log})
	s.metrics = newMetrics(s)
	s.exports = newExports(cfg.DataDir, s.log)
	s.browsers = newBrowsers(cfg.Port, func() *store.Store { return s.state }, s.stateIs)
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		s.origins = append(s.origins, "http://"+host+":"+strconv.Itoa(cfg.Port))
	}
	s.desk = s.newDesk()
	starting := fail(codeKeystoreUnavailable).saying(words.Say("requests.starting.message"), words.Say("requests.starting.action")).Problem
	s.closed.is(&starting)
	var err error
	if s.pages, err = parsePages(); err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	mux, err := s.mux(s.routes())
	if err != nil {
		return nil, err
	}
	s.handler = s.guard(mux)
	return s, nil
}

// Handler is the guarded server. Who is at the other end of a connection is known
// only under Serve.
func (s *Server) Handler() http.Handler { return s.handler }

// BaseURL is where people and redirects find the server.
func (s *Server) BaseURL() string { return s.origins[0] }

// Time-outs and limits. Requests to our own routes have deadlines of their own,
// see route; streams have none.
const (
	headerTimeout   = 10 * time.Second
	idleTimeout     = 2 * time.Minute
	ownReadTimeout  = 30 * time.Second
	ownWriteTimeout = time.Minute
	maxHeaderBytes  = 32 << 10
	shutdownTimeout = 3 * time.Second
	maxConnections  = 500 // at once
)

// Serve answers on all listeners until ctx ends, then gives the requests under
// way a moment to finish. It returns nil after a shutdown.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	requests, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	open := newSockets(maxConnections)
	server := &http.Server{
		Handler: s.handler,
		// OPTIONS * is not answered behind the guard's back.
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            headerTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		Protocols:                    protocols,
		TLSNextProto:                 map[string]func(*http.Server, *tls.Conn, http.Handler){},
		BaseContext:                  func(net.Listener) context.Context { return requests },
		ConnContext:                  withPeer,
		ConnState:                    open.changed,
		ErrorLog:                     s.httpLog,
	}
	server.RegisterOnShutdown(open.end) // and not before: who is closed must not be served any more
	failed := make(chan error, len(listeners))
	s.serving.RLock()
	defer s.serving.RUnlock()
	var listening sync.WaitGroup
	for _, l := range listeners {
		listening.Go(func() { failed <- server.Serve(l) })
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	stop() // streams end; the gateway's requests to Xero are given up
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if server.Shutdown(last) != nil {
		_ = server.Close()
	}
	listening.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// serveLog keeps net/http's own lines: broken connections, never a request.
type serveLog struct{ log *slog.Logger }

func (l serveLog) Write(p []byte) (int, error) {
	l.log.Debug("http", "said", string(p))
	return len(p), nil
}
