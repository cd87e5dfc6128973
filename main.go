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

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version string

// updateAddress and updateKey are set by a release build that looks for updates, as
// version is: see server/update.
var updateAddress, updateKey string

func build() cli.Version {
	v := cli.Version{Version: version, Commit: "unknown", Built: "from source"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = cmp.Or(v.Version, info.Main.Version, "devel")
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.Built = s.Value
		}
	}
	return v
}
