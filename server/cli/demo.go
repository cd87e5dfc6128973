package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"financial-command-center/keystore"
	"financial-command-center/server"
	"financial-command-center/server/xero/xerosim"
)

type demoCmd struct {
	Child bool `hidden:"" help:"As the set-up page starts it: without tray and browser, and until stdin ends."`
}

func (demoCmd) Help() string {
	return "Signs in to a simulated Xero with three invented organisations. State is thrown away at the end, keys stay in memory, and your own " +
		"settings, sign-in and ports are left alone: of the settings only --port and --debug count here, and the port is 8787 or any free one."
}

// Run is fcc demo: FCC as it always is, with a simulated Xero as its issuer and
// API, in a folder of its own.
func (cmd demoCmd) Run(c *call) error {
	c.alone = !cmd.Child
	f := c.flags
	if f.DataDir != nil || f.Keystore != nil || f.ClientID != nil || f.Scopes != nil || f.Issuer != nil || f.API != nil {
		return failf(exitUsage, "The demo brings its own data folder, keystore and Xero. Of the settings only --port and --debug can be given.")
	}
	dir, err := os.MkdirTemp("", "fcc-demo-")
	if err != nil {
		return failf(exitFailed, "The demo has no place for its state: %v.", err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			c.say("The demo's folder %s could not be removed: %v.", dir, err)
		}
	}()

	far, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return failf(exitFailed, "The simulated Xero finds no port: %v.", err)
	}
	defer far.Close()
	address := "http://" + far.Addr().String()
	f.DataDir, f.Issuer, f.API, f.Keystore = &dir, &address, &address, new("memory")
	f.ClientID = new(xerosim.DemoClientID)
	s, err := readSettings(f, func(string) string { return "" })
	if err != nil {
		return err
	}
	forgetSecrets()
	if err := s.prepareFolder(); err != nil {
		return err
	}
	log, logFile := s.openLog()
	defer logFile.Close()
	only, err := claim(dir)
	if err != nil {
		return err
	}
	defer only.release()
	listeners, err := c.listenDemo(s.port)
	if err != nil {
		return err
	}
	sim, err := xerosim.New(xerosim.Options{
		Issuer: address,
		Clients: []xerosim.Client{{
			ID:        xerosim.DemoClientID,
			Redirects: []string{fmt.Sprintf("http://localhost:%d/callback", portOf(listeners))},
		}},
	})
	if err != nil {
		return err
	}
	c.say("This is a demo: Xero is simulated and the books are invented. Commands reach it with --data-dir %s, which is removed at the end.", dir)
	a := &app{call: c, settings: s, mode: server.Demo, desktop: !cmd.Child, log: log, only: only, secretsIn: &movableStore{kind: s.keystore, store: keystore.Memory()}}
	parts := []func(context.Context) error{func(ctx context.Context) error { return serveXero(ctx, far, sim.Handler(), log) }}
	if cmd.Child {
		parts = append(parts, a.obey)
	}
	return a.run(listeners, parts...)
}

// serveXero is the simulated Xero's own web server.
func serveXero(ctx context.Context, l net.Listener, handler http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the simulated Xero: %w", err)
	}
	return nil
}
