package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

type appCmd struct{}

func (appCmd) Help() string {
	return "Shows FCC in the system tray and serves its pages on this computer. The browser opens at the first start in a data folder. " +
		"Started again while it runs, it opens the dashboard of the running one."
}

func (appCmd) Run(c *call) error {
	c.alone = true
	return c.start(true)
}

type serveCmd struct{}

func (serveCmd) Help() string {
	return "Prints one line with a one-time link and serves until fcc stop, Ctrl-C or a signal."
}

func (serveCmd) Run(c *call) error { return c.start(false) }

// start is fcc and fcc serve, again when it ends for that.
func (c *call) start(desktop bool) error {
	err := c.startOnce(desktop)
	if errors.Is(err, errRestart) {
		return c.startAgain()
	}
	return err
}

// startOnce: parse, log file, single instance, listen, and then what app.run does.
func (c *call) startOnce(desktop bool) (err error) {
	s, err := readSettings(c.flags, c.Env)
	if err != nil {
		return err
	}
	passphrase, passphraseErr := readPassphrase(c.Env)
	if s.keystore == "file" && passphraseErr != nil {
		return passphraseErr
	}
	movable := s.keystore == "os" && s.keystoreFixed == "" && passphraseErr == nil
	c.secrets = secretEnvironment(c.Env)
	forgetSecrets()
	if err := s.prepareFolder(); err != nil {
		return err
	}
	log, logFile := s.openLog()
	defer logFile.Close()
	c.log = s.logFile()
	defer func() {
		if err != nil && !errors.Is(err, errRestart) { // a program without a window on Windows has no stderr
			log.Error("ended", "err", err)
		}
	}()
	only, err := c.claimOrHandOver(s, desktop)
	if only == nil || err != nil {
		return err
	}
	defer only.release()
	defer s.keepCrashes(log)()
	if s.damaged {
		aside, err := setAside(s.settingsFile(), time.Now())
		if err != nil {
			return failf(exitFailed, "%s is damaged and cannot be put aside: %v.", s.settingsFile(), err)
		}
		c.say("The settings were damaged. They are kept as %s; FCC starts with the defaults.", aside)
		log.Warn("settings damaged", "kept", aside)
	}
	store, lost, err := c.openStore(s, passphrase, log)
	if err != nil {
		return err
	}
	if s.keystore == "memory" {
		c.say("Secrets are kept in memory only: the sign-in ends with this process.")
	}
	listeners, note, err := c.listenLive(s.port)
	if err != nil {
		return err
	}
	a := &app{call: c, settings: s, mode: server.Live, desktop: desktop, log: log, only: only, lost: lost, note: note, passphrase: passphrase, passphraseErr: passphraseErr}
	if s.port == 0 {
		a.moved = a.whereNow(portOf(listeners))
	}
	if movable {
		store = watchedStore{store, a.offerFile}
	}
	a.secretsIn = &movableStore{kind: s.keystore, store: store}
	return a.run(listeners, append(a.offerUpdates(), a.emptyLeft)...)
}

// handOverTimeout is how long a second start waits for the first, which may be
// between its lock and its run.json.
const handOverTimeout = 10 * time.Second

// claimOrHandOver makes this the data folder's FCC. When there is one, that one's
// dashboard is opened instead, and the instance is nil.
func (c *call) claimOrHandOver(s settings, desktop bool) (*instance, error) {
	ctx, cancel := context.WithTimeout(c.ctx, handOverTimeout)
	defer cancel()
	for {
		only, err := claim(s.dataDir)
		if err == nil {
			return only, nil
		}
		if !errors.Is(err, errRunning) {
			return nil, failf(exitFailed, "The data folder %s cannot be used: %v.", s.dataDir, err)
		}
		running, err := dial(s.dataDir)
		if err == nil {
			var link string
			if link, err = c.wayIn(ctx, running, s.dataDir, "/", desktop); err == nil {
				c.say("FCC runs already (process %d, %s).", running.run.PID, running.run.Address)
				if link != "" {
					c.print("Open %s", link)
				}
				return nil, nil
			}
		}
		if !errors.Is(err, errNotRunning) || ctx.Err() != nil {
			return nil, failf(exitFailed, "FCC runs already in %s and could not be asked: %v. End it, then start again.", s.dataDir, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// app is a running FCC.
type app struct {
	*call
	settings
	mode    server.Mode
	desktop bool // with tray and browser
	log     *slog.Logger
	only    *instance
	lost    *xero.Problem // see openStore

	connections   *xero.Connections // once assembled
	secretsIn     *movableStore
	removing      sync.Mutex      // held over what changes more than one keystore
	passphrase    keystore.Secret // what opens the encrypted file, or
	passphraseErr error           // why there is nothing

	fileOffered atomic.Bool // see offerFile

	note   string // see desk
	moved  string // see whereNow
	offers offers
	child  demoChild

	// The lines with a check mark in the menu, and on the page of settings; see desk.
	startSwitch, noticeSwitch, updateSwitch desktop.Switch
	notices                                 *watched[bool]

	stop context.CancelCauseFunc
	self *client
}

// run serves until a signal, Quit, fcc stop, or the failure of a part ends the
// one context that all parts live in, and returns when all have ended.
func (a *app) run(listeners []net.Listener, parts ...func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(a.ctx)
	defer stop(nil)
	a.stop = stop
	port := portOf(listeners)
	control := runFile{
		Address: fmt.Sprintf("127.0.0.1:%d", port), PID: os.Getpid(),
		Version: a.Version.Version, Issuer: a.issuer, API: a.api, ControlKey: rand.Text() + rand.Text(),
	}
	a.self = newClient(control)
	_, statErr := os.Stat(a.statePath())
	firstStart := errors.Is(statErr, os.ErrNotExist)

	connections, srv, err := a.assemble(port, control.key(), firstStart && a.showsIcon(ctx))
	if err != nil {
		closeAll(listeners)
		return fmt.Errorf("start: %w", err)
	}
	var working, keeping sync.WaitGroup
	work := func(group *sync.WaitGroup, ctx context.Context, part func(context.Context) error) {
		group.Go(func() {
			if err := part(ctx); err != nil {
				a.log.Error("a part failed", "err", err)
				stop(err)
			}
		})
	}
	// The state is kept open until nobody writes to it any more.
	state, closeState := context.WithCancel(context.WithoutCancel(ctx))
	defer closeState()
	work(&keeping, state, srv.Run)
	for _, part := range append(parts, a.child.run, connections.Run, func(ctx context.Context) error { return srv.Serve(ctx, listeners...) }) {
		work(&working, ctx, part)
	}
	a.log.Info("started", "version", a.Version.Version, "mode", a.mode, "port", port, "keystore", a.keystore)
	err = a.show(ctx, control, connections, srv, firstStart)
	if err != nil {
		stop(err)
	}
	<-ctx.Done()
	working.Wait()
	closeState()
	keeping.Wait()
	if cause := context.Cause(ctx); a.ctx.Err() == nil && errors.Is(cause, errRestart) {
		a.log.Info("ended, to start again")
		return errRestart
	} else if a.ctx.Err() == nil && !errors.Is(cause, errQuit) {
		return failf(exitFailed, "FCC ended: %v. Start it again; should that not last, %s says why.", cause, a.logFile())
	}
	a.log.Info("ended")
	return nil
}

// firstLook is how long the link waits for the keychain, which may be asking its
// owner.
const firstLook = 2 * time.Second

// errQuit ends FCC because somebody wanted it to.
var errQuit = errors.New("quit")

// assemble makes the parts; nothing of them runs yet.
func (a *app) assemble(port int, key keystore.Secret, showIcon bool) (*xero.Connections, *server.Server, error) {
	a.makeSwitches()
	var srv *server.Server // what it keeps is asked for once connections.Run runs
	connections, err := xero.New(xero.Config{
		App:         xero.App{ClientID: a.clientID, Secret: a.clientSecret, Scopes: a.scopes},
		Issuer:      a.issuer,
		API:         a.api,
		RedirectURI: fmt.Sprintf("http://localhost:%d/callback", port),
		Keystore:    a.secretsIn,
		Lost:        a.lost,
		DataDir:     a.dataDir,
		Log:         a.log,
		OnRenewal:   func(r xero.Renewal) { srv.Renewed(r) },
		OnCall:      func(c xero.Call) { srv.Called(c) },
		Calling:     func(ctx context.Context) (func(bool), error) { return srv.Calling(ctx) },
		MayCall:     func(who xero.Caller) error { return srv.MayCall(who) },
		Recall: func(ctx context.Context, connection string) (xero.Profile, bool) {
			return srv.Recall(ctx, connection)
		},
		Remember: func(ctx context.Context, connection string, p xero.Profile) { srv.Remember(ctx, connection, p) },
		Forget:   func(ctx context.Context, connection string) { srv.Forget(ctx, connection) },
		Learnt:   func(ctx context.Context) []xero.Learnt { return srv.Learnt(ctx) },
	})
	if err != nil {
		return nil, nil, err
	}
	a.connections = connections
	srv, err = server.New(server.Config{
		Version:      a.Version.Version,
		Mode:         a.mode,
		Port:         port,
		DataDir:      a.dataDir,
		StatePath:    a.statePath(),
		Debug:        a.debug,
		Connections:  connections,
		Keystore:     a.secretsIn,
		KeysStored:   a.keystore != "memory",
		FlaskSecret:  a.flaskSecret,
		ControlKey:   key,
		Log:          a.log,
		OldFolders:   a.oldFolders(a.Env),
		OldStartup:   a.oldStartup,
		SaveClientID: func(id string) error { return a.save("client_id", id) },
		Stop:         func() { a.stop(errQuit) },
		ShowIcon:     showIcon,
		Host:         a.host(),
	})
	return connections, srv, err
}

// show tells the person and the commands where FCC is, and then is the tray until
// ctx ends.
func (a *app) show(ctx context.Context, control runFile, connections *xero.Connections, srv *server.Server, firstStart bool) error {
	if err := a.only.publish(control); err != nil {
		return fmt.Errorf("write run.json: %w", err)
	}
	// Who follows the link at once should find more than "FCC is starting".
	select {
	case <-srv.Looked():
	case <-time.After(firstLook):
	case <-ctx.Done():
	}
	var to server.ControlLink
	if err := a.self.call(ctx, "open", server.ControlOpen{Next: "/"}, &to); err != nil {
		if ctx.Err() != nil {
			return nil // ended before it could begin
		}
		return fmt.Errorf("ask the server for a link: %w", err)
	}
	a.print("Open %s", to.Link)
	if p := srv.Trouble(); p != nil {
		a.say("%s %s", p.Message, p.Action)
	}
	if !a.desktop {
		return nil
	}
	var opening sync.WaitGroup
	defer opening.Wait()
	if firstStart {
		opening.Go(func() {
			if err := openBrowser(a.Env, control, a.dataDir, to); err != nil {
				a.say("No browser opens here (%v): open the link above yourself. It is good once, for ten minutes.", err)
			}
		})
	}
	if !a.showsIcon(ctx) {
		end := "fcc stop ends it."
		if a.mode == server.Demo { // which is not in the folder where fcc stop looks
			end = "Ctrl-C ends it."
		}
		a.say("There is no system tray here: FCC goes on without its icon. %s", end)
	}
	if a.Tray == nil {
		return nil
	}
	desk := a.desk(ctx, connections.Watch, srv.BaseURL(), firstStart)
	desk.Waiting = func(ctx context.Context) iter.Seq[desktop.Consent] {
		return func(yield func(desktop.Consent) bool) {
			for c := range srv.Waiting(ctx) {
				if !yield(desktop.Consent(c)) {
					return
				}
			}
		}
	}
	return a.Tray(ctx, desk)
}

// openPage shows a page in the browser, or prints a one-time link to it.
func (a *app) openPage(ctx context.Context, path string) {
	link, err := a.wayIn(ctx, a.self, a.dataDir, path, true)
	if err != nil && ctx.Err() == nil {
		a.log.Error("page not opened", "path", path, "err", err)
	}
	if link != "" {
		a.print("Open %s", link)
	}
}

func (a *app) openFolder(dir string) {
	if err := startBrowser(a.Env, fileURL(dir)); err != nil {
		a.say("The folder cannot be shown here (%v): %s", err, dir)
	}
}
