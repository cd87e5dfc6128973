// Financial Command Center signs a bookkeeper in to Xero once, from the tray, and
// lets every page, spreadsheet, script and assistant on the computer reach the
// books through a local web server.
package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"financial-command-center/server/cli"
	"financial-command-center/tray"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// run is the program. The first Ctrl-C or TERM ends it in order, the second at once.
func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, cli.Program{
		Args: args, Env: env, Stdin: stdin, Stdout: stdout, Stderr: stderr,
		Version:       build(),
		Update:        cli.Update{Address: updateAddress, Key: updateKey},
		Tray:          func(ctx context.Context, desk cli.Desk) error { return tray.Run(ctx, tray.Config(desk)) },
		TrayAvailable: tray.Available,
	})
}

// What the release build says by -ldflags "-X main.version=1.2.3", and so on,
// stands above what go build itself knows of the checkout.
var version, commit, built string

// updateAddress and updateKey are set by a release build that looks for updates, as
// version is: see server/update.
var updateAddress, updateKey string

func build() cli.Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	vcs := map[string]string{}
	for _, s := range info.Settings {
		vcs[s.Key] = s.Value
	}
	return cli.Version{
		Version: cmp.Or(version, info.Main.Version, "devel"),
		Commit:  cmp.Or(commit, vcs["vcs.revision"], "unknown"),
		Built:   cmp.Or(built, vcs["vcs.time"], "from source"),
	}
}
