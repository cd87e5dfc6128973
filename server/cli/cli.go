// Package cli is the program: its commands, its settings, and the order in which
// FCC starts and stops. It sees the tray and the browser only as functions.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/alecthomas/kong"

	"financial-command-center/server"
	"financial-command-center/server/desktop"
	"financial-command-center/server/xero"
)

// Program is the world that Run lives in.
type Program struct {
	Args           []string // without the program's name
	Env            func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Version        Version
	Update         Update
	// Tray shows FCC in the notification area until ctx ends, on the goroutine
	// that called Run. TrayAvailable says whether the desktop shows it now; where
	// it does not, Tray waits for it.
	Tray          func(context.Context, Desk) error
	TrayAvailable func(context.Context) bool
}

// Desk is what the tray shows, and what its clicks do.
type Desk struct {
	Watch func(context.Context) iter.Seq[xero.Status]
	Mode  string // "live" or "demo"
	Log   *slog.Logger

	Note       string      // a line under the state, as that another port had to be taken; "" for none
	Moved      string      // where FCC is now, if it was elsewhere at its last start
	FirstStart bool        // the person has never seen the icon: say where it is
	Quiet      func() bool // no notifications are wanted
	Switches   []desktop.Switch
	Offers     func(context.Context) iter.Seq[[]desktop.Offer] // at once, then after each change
	Waiting    func(context.Context) iter.Seq[desktop.Consent] // changes to the books that wait for consent, likewise

	// These may block; the tray runs each on a goroutine of its own.
	Open     func(path string)
	OpenLogs func()
	Copy     func() // the local address goes to the clipboard; nil where there is none
	Quit     func()
}

// Version says which program this is.
type Version struct{ Version, Commit, Built string }

// The exit codes besides those of status.
const (
	exitOK         = 0
	exitFailed     = 1
	exitNotRunning = 3
	exitUsage      = 64 // sysexits.h; 2 already says "needs a sign-in"
)

// A failure ends a command with words for the person.
type failure struct {
	code  int
	words string // "": all is said
}

func (f *failure) Error() string { return f.words }

func failf(code int, format string, args ...any) error {
	return &failure{code, fmt.Sprintf(format, args...)}
}

// call is what every command gets.
type call struct {
	Program
	ctx     context.Context
	flags   settingFlags
	secrets []string   // NAME=value, as they stood in the environment
	writing sync.Mutex // a running FCC has several things to say

	alone bool   // the command is one that may have been started without a terminal
	log   string // the file, once there is one
}

// say tells the person; print is the command's yield.
func (c *call) say(format string, args ...any)   { c.write(c.Stderr, format, args) }
func (c *call) print(format string, args ...any) { c.write(c.Stdout, format, args) }

// write leaves out what would steer a terminal: names of organisations and people
// are whatever somebody typed at Xero.
func (c *call) write(w io.Writer, format string, args []any) {
	line := strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return -1
	}, fmt.Sprintf(format, args...))
	c.writing.Lock()
	defer c.writing.Unlock()
	_, _ = io.WriteString(w, line+"\n")
}

// printJSON is for programs: nothing is left out of it.
func (c *call) printJSON(v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		_, err = c.Stdout.Write(append(data, '\n'))
	}
	return err
}

// grammar is the command line.
type grammar struct {
	settingFlags

	App        appCmd        `cmd:"" name:"app" default:"1" hidden:"" help:"Start FCC in the system tray."`
	Demo       demoCmd       `cmd:"" help:"Try FCC with invented books: a simulated Xero is built in, and nothing is kept."`
	Serve      serveCmd      `cmd:"" help:"Start FCC without tray and browser, as a service would."`
	Open       openCmd       `cmd:"" help:"Open the dashboard of the running FCC."`
	Status     statusCmd     `cmd:"" help:"Say how the running FCC stands."`
	Doctor     doctorCmd     `cmd:"" help:"Check every part, and say what to do where something is wrong."`
	Login      loginCmd      `cmd:"" help:"Sign in to Xero from a computer without a browser."`
	Token      tokenCmd      `cmd:"" help:"Print a fresh Xero access token."`
	Keys       keysCmd       `cmd:"" help:"Local API keys for scripts, spreadsheets and assistants."`
	Mcp        mcpCmd        `cmd:"" help:"Let an AI assistant on this computer read the books, over MCP."`
	Disconnect disconnectCmd `cmd:"" help:"Disconnect from Xero: the sign-in ends, here and at Xero."`
	Erase      eraseCmd      `cmd:"" help:"Remove all that FCC keeps of you, here and at Xero."`
	Secret     secretCmd     `cmd:"" help:"The secret that signs browser sessions."`
	Stop       stopCmd       `cmd:"" help:"End the running FCC, and wait until it has ended."`
	Ver        versionCmd    `cmd:"" name:"version" help:"Print version, commit and build."`

	Installation installationCmd `cmd:"" hidden:"" help:"What the installer does besides copying files."`
}

const about = "Financial Command Center sits in the tray, signs you in to Xero once, and lets every page, spreadsheet, " +
	"script and assistant on this computer reach your books. Without a command it starts; when it runs already, its dashboard opens."

// Run does what the arguments say and returns the exit code.
func Run(ctx context.Context, p Program) int {
	var g grammar
	helped := false
	parser, err := kong.New(&g,
		kong.Name("fcc"), kong.Description(about), kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(int) { helped = true }), // called after help was printed
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}), kong.Help(help),
		kong.ExplicitGroups([]kong.Group{{Key: "settings", Title: "Settings (a flag, else the environment, else settings.json in the data folder):"}}),
		kong.Vars{"assistant": server.AssistantName, "issuer": xero.XeroIssuer, "api": xeroAPI},
	)
	if err != nil {
		panic(err) // the grammar is wrong, which every test would show
	}
	c := &call{Program: p, ctx: withTerminal(ctx, p.Env)}
	args := commandFirst(parser.Model, p.Args)
	parsed, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	if err != nil {
		c.alone = !slices.ContainsFunc(parser.Model.Children, func(n *kong.Node) bool { return len(args) > 0 && n.Name == args[0] })
		return c.outcome(failf(exitUsage, "fcc: %v. See fcc --help.", err))
	}
	c.flags = g.settingFlags
	return c.outcome(parsed.Run(c))
}

// commandFirst moves the command's words ahead of the flags that stand before
// them: kong knows a command's own flags only behind it.
func commandFirst(app *kong.Application, args []string) []string {
	takesValue := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			takesValue["--"+flag.Name] = !flag.IsBool()
		}
		return next(nil)
	})
	var words, others []string
	at := app.Node
	for i := 0; i < len(args); i++ {
		next := slices.IndexFunc(at.Children, func(n *kong.Node) bool { return n.Name == args[i] })
		switch {
		case next >= 0:
			at = at.Children[next]
			words = append(words, args[i])
		case strings.HasPrefix(args[i], "-") && args[i] != "--":
			others = append(others, args[i])
			if takesValue[args[i]] && i+1 < len(args) {
				i++
				others = append(others, args[i])
			}
		default: // a word of the command's own, or none that is known
			return slices.Concat(words, others, args[i:])
		}
		if len(at.Children) == 0 {
			return slices.Concat(words, others, args[i+1:])
		}
	}
	return slices.Concat(words, others)
}

// help leaves out the settings that mean nothing to the command that is asked
// about: to those that speak with the running FCC, all but the data folder.
func help(options kong.HelpOptions, parsed *kong.Context) error {
	if cmd := parsed.Selected(); cmd != nil && cmd.Name != "app" && cmd.Path() != "serve" {
		count := []string{"data-dir"}
		if cmd.Name == "demo" {
			count = []string{"port", "debug"}
		}
		for _, flag := range parsed.Model.Flags {
			flag.Hidden = flag.Group != nil && !slices.Contains(count, flag.Name)
			if cmd.Name == "demo" && flag.Name == "port" {
				flag.Help = "Port on this computer. Without it 8787, or any free one."
			}
		}
	}
	return kong.DefaultHelpPrinter(options, parsed)
}

// outcome says what went wrong, with the next step, and returns the exit code.
func (c *call) outcome(err error) int {
	code, words := explain(err)
	if words != "" {
		c.say("%s", words)
	}
	if box := c.box(code, words, desktop.Unseen()); box != "" {
		desktop.Alert("Financial Command Center", box)
	}
	return code
}

// explain is an error in words for the person, and its exit code.
func explain(err error) (code int, words string) {
	var failed *failure
	var refused *refusal
	switch {
	case err == nil:
		return exitOK, ""
	case errors.As(err, &failed):
		return failed.code, failed.words
	case errors.As(err, &refused):
		words = refused.Message + " " + refused.Action
		for _, o := range refused.Organisations {
			words += fmt.Sprintf("\n  %s  %s", o.TenantID, o.Name)
		}
		return exitFailed, words
	case errors.Is(err, errSilent):
		return exitNotRunning, fmt.Sprintf("%v. Look into its log, or end that process and start fcc again.", err)
	case errors.Is(err, errNotRunning):
		return exitNotRunning, fmt.Sprintf("%v. Start it: fcc", err)
	case errors.Is(err, context.Canceled):
		return exitFailed, ""
	}
	return exitFailed, fmt.Sprintf("That failed: %v.", err)
}

// box is what a message box says of a start that failed where nobody sees stderr,
// as after a double click on Windows; "" for no box. Other commands are started by
// scripts and installers, which read the exit code and click no box away.
func (c *call) box(code int, words string, unseen bool) string {
	if code == exitOK || words == "" || !c.alone || !unseen {
		return ""
	}
	if c.log != "" && !strings.Contains(words, c.log) {
		words += "\n\nThe log is " + c.log
	}
	return words
}

// running finds the FCC that a command is for. Only the data folder's setting
// counts: a wrong value of another, which keeps FCC from starting, must not keep
// one that runs from being stopped.
func (c *call) running() (*client, settings, error) {
	s, err := c.onlyFolder()
	if err != nil {
		return nil, s, err
	}
	running, err := dial(s.dataDir)
	return running, s, err
}

// ask sends one command to the FCC that runs.
func (c *call) ask(command string, question, answer any) error {
	running, _, err := c.running()
	if err != nil {
		return err
	}
	return running.call(c.ctx, command, question, answer)
}

// onlyFolder are the settings of a command that needs no more than the data folder.
func (c *call) onlyFolder() (s settings, err error) {
	s.dataDir, s.service, err = dataFolder(c.flags, c.Env)
	return s, err
}

// forgetSecrets takes the secrets out of the environment once they are read, so
// that neither a browser nor anything else that FCC starts inherits them.
func forgetSecrets() {
	for _, name := range secretVariables {
		_ = os.Unsetenv(name)
	}
}
