package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// sim runs the simulated Xero by itself, until it is interrupted.
func sim(args []string) error {
	flags := flag.NewFlagSet("sim", flag.ContinueOnError)
	port := flags.Int("port", 9000, "`port` on 127.0.0.1 and [::1]; 0 takes a free one")
	id := flags.String("client", xerosim.DemoClientID, "client `id` of the one app it knows: 32 upper-case hex digits")
	secret := flags.String("client-secret", "", "`secret` of that app, which makes it a Web app; without one it is a desktop app (PKCE)")
	broad := flags.Bool("broad", false, "the app is from before March 2026 and may use the broad scopes too")
	seed := flags.Uint64("seed", 1, "of the books and ids")
	var opt xerosim.Options
	flags.DurationVar(&opt.TokenLife, "token-life", 0, "`life` of an access token (30m)")
	flags.DurationVar(&opt.Grace, "grace", 0, "`time` for which a used refresh token is still good (30m)")
	flags.DurationVar(&opt.RefreshLife, "refresh-life", 0, "`life` of a refresh token (1440h)")
	flags.IntVar(&opt.DayLimit, "day-limit", 0, "`calls` a day to an organisation (1000)")
	flags.IntVar(&opt.MostConnections, "most-connections", 0, "`organisations` that the app may have connected (5)")
	flags.Func("books", "JSON `FILE` with the books of one more organisation, shaped as xerosim.Ledger; again for more",
		func(file string) error {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			l, err := xerosim.ReadLedger(text)
			opt.Books = append(opt.Books, l)
			return err
		})
	var redirects []string
	flags.Func("redirect", "redirect `URI` of the app, again for more (http://localhost:P/callback for 8000, 18000, 28000 and 8787)",
		func(uri string) error { redirects = append(redirects, uri); return nil })
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "Usage: go run ./build sim [flags]\n\n"+
			"Runs the simulated Xero: sign-in, tokens, API, and switches under /_sim/.\n"+
			"All it knows is gone when it ends.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag; see go run ./build sim --help", flags.Arg(0))
	}
	if redirects == nil {
		for _, p := range []int{8000, 18000, 28000, 8787} {
			redirects = append(redirects, fmt.Sprintf("http://localhost:%d/callback", p))
		}
	}

	four, six, err := loopback(*port)
	if err != nil {
		return err
	}
	bound := strconv.Itoa(four.Addr().(*net.TCPAddr).Port)
	opt.Issuer, opt.Login, opt.Seed = "http://localhost:"+bound, "http://127.0.0.1:"+bound, *seed
	opt.Clients = []xerosim.Client{{ID: *id, Secret: *secret, Broad: *broad, Redirects: redirects}}
	xero, err := xerosim.New(opt)
	if err != nil {
		return errors.Join(err, four.Close(), six.Close())
	}

	fmt.Printf("Simulated Xero on %s (login page on %s, switches on %s/_sim/). Sign Financial Command Center in to it with\n",
		opt.Issuer, opt.Login, opt.Issuer)
	fmt.Printf("  FCC_XERO_ISSUER=%s FCC_XERO_API=%s XERO_CLIENT_ID=%s\n", opt.Issuer, opt.Issuer, *id)
	if *secret != "" {
		fmt.Println("and XERO_CLIENT_SECRET as you set it.")
	}
	for _, uri := range redirects {
		fmt.Println("Redirect URI:", uri)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	server := &http.Server{Handler: xero.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 2)
	for _, l := range []net.Listener{four, six} {
		go func() { ended <- server.Serve(l) }()
	}
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = nil
	}
	return errors.Join(err, server.Close())
}

// loopback listens on one port of both loopback addresses.
func loopback(port int) (four, six net.Listener, err error) {
	var last error
	for range 20 { // a free port of the one may be taken on the other
		four, err = net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return nil, nil, err
		}
		bound := four.Addr().(*net.TCPAddr).Port
		six, last = net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(bound)))
		if last == nil {
			return four, six, nil
		}
		_ = four.Close()
		if port != 0 {
			break
		}
	}
	return nil, nil, last
}
