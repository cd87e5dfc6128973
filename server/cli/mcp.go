package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/assistant"
)

type mcpCmd struct {
	Program string `default:"${assistant}" placeholder:"NAME" help:"The entry of the list of keys that the assistant is. Without it ${assistant}."`

	Serve     mcpServeCmd     `cmd:"" default:"withargs" help:"As fcc mcp: serve an assistant on stdin and stdout."`
	Install   mcpInstallCmd   `cmd:"" help:"Enter FCC in an assistant's settings."`
	Uninstall mcpUninstallCmd `cmd:"" help:"Take FCC out of an assistant's settings again."`
}

func (mcpCmd) Help() string {
	return "An assistant starts fcc mcp by itself and speaks MCP with it over stdin and stdout. It is a thin client of the running FCC, which it starts if none runs. " +
		"It acts as one entry of the list of keys, and needs no key of its own. The entry assistant is made when it is first used, and reads only; " +
		"to let an assistant write, make another: fcc keys add NAME --write, and name it with --program."
}

type mcpServeCmd struct{}

// Run speaks on stdout nothing but MCP; words for a person go to stderr, which
// assistants keep in their logs.
func (mcpServeCmd) Run(c *call, all *mcpCmd) error {
	s, err := c.onlyFolder()
	if err != nil {
		return err
	}
	begun := false
	bridge := assistant.Bridge{In: c.Stdin, Out: c.Stdout, Find: func(ctx context.Context) (assistant.Way, error) {
		running, err := c.reach(ctx, s.dataDir, !begun)
		if err == nil {
			begun = true
			var lent server.ControlKeyMade
			if err = running.call(ctx, "assistant", server.ControlName{Name: all.Program}, &lent); err == nil {
				return assistant.Way{Address: "http://" + running.run.Address, Key: lent.Key}, nil
			}
		}
		_, words := explain(err)
		c.say("%s", words)
		return assistant.Way{}, errors.New(words)
	}}
	if err := bridge.Run(c.ctx); err != nil && c.ctx.Err() == nil {
		return fmt.Errorf("read from the assistant: %w", err)
	}
	return nil
}

// How long fcc mcp waits for an FCC: that it has started, and that ends to start again.
const (
	startWait   = 20 * time.Second
	restartWait = 5 * time.Second
)

// reach finds the running FCC. Where there is none it starts one the first time; later
// it only waits a little, for one that starts again: somebody may have ended it, and
// means it.
func (c *call) reach(ctx context.Context, dir string, first bool) (*client, error) {
	wait := restartWait
	for begun, started := time.Now(), false; ; {
		running, err := dial(dir)
		if err == nil {
			if _, err = running.hello(ctx); err == nil {
				return running, nil
			}
		}
		if !errors.Is(err, errNotRunning) {
			return nil, err
		}
		if first && !started {
			started, wait = true, startWait
			c.say("FCC is not running: it is started.")
			flags := c.flags
			flags.DataDir = &dir
			if err := c.launch(flags.args()); err != nil {
				return nil, failf(exitFailed, "FCC is not running and could not be started: %v. Start it yourself.", err)
			}
		}
		if time.Since(begun) > wait {
			return nil, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// launch starts FCC as a double click would, with the settings that this command was
// given. It lives on when the assistant ends: nothing of it hangs on this process.
func (c *call) launch(settings []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	next := exec.Command(self, settings...)
	next.SysProcAttr = apart()
	if err := next.Start(); err != nil {
		return err
	}
	go func() { _ = next.Wait() }() // so that it leaves no zombie if it ends first
	return nil
}

type clientFlags struct {
	Client string `required:"" enum:"claude,vscode,cursor" placeholder:"claude|vscode|cursor" help:"Claude Desktop, Visual Studio Code or Cursor."`
	Yes    bool   `help:"Make the change without asking."`
}

type mcpInstallCmd struct{ clientFlags }

func (mcpInstallCmd) Help() string {
	return "Shows what changes in the assistant's file, asks, keeps the file as it was beside it, and makes the change. All else in the file stays, comments too. No key is written."
}

func (cmd mcpInstallCmd) Run(c *call, all *mcpCmd) error {
	if err := c.mayEnter(all.Program); err != nil {
		return err
	}
	return c.change(cmd.clientFlags, all.Program, assistant.Client.Install, "%s names this FCC already: %s")
}

// mayEnter asks the running FCC whether an assistant's settings may name it and the
// program.
func (c *call) mayEnter(program string) error {
	err := c.ask("assistant-entry", server.ControlName{Name: program}, nil)
	if errors.Is(err, errNotRunning) {
		if program != server.AssistantName {
			c.say("FCC is not running, so it was not checked that it has a key named %q.", program)
		}
		return nil
	}
	return err
}

type mcpUninstallCmd struct{ clientFlags }

func (cmd mcpUninstallCmd) Run(c *call, all *mcpCmd) error {
	return c.change(cmd.clientFlags, all.Program, assistant.Client.Uninstall, "%s does not name FCC: %s")
}

func (c *call) change(f clientFlags, program string, plan func(assistant.Client, assistant.Entry) (assistant.Change, error), already string) error {
	s, err := c.onlyFolder()
	if err != nil {
		return err
	}
	entry, err := assistantEntry(program, s, c.Env)
	if err != nil {
		return err
	}
	clients, err := assistantClients(c.Env)
	if err != nil {
		return err
	}
	var to assistant.Client
	for _, one := range clients {
		if one.Key == f.Client {
			to = one
		}
	}
	ch, err := plan(to, entry)
	switch {
	case errors.Is(err, assistant.ErrUnclear):
		return failf(exitFailed, "%s cannot be read as settings, so FCC leaves it alone. Mend it, or put this into it yourself:\n\n%s", to.Path, to.Snippet(entry))
	case err != nil:
		return err
	case ch.None():
		c.say(already, to.Name, to.Path)
		return nil
	}
	c.say("%s\n\n%s\n", to.Path, strings.Join(ch.Lines(), "\n"))
	if !f.Yes && !c.agrees("Change the file like this?") {
		return failf(exitFailed, "Nothing was changed.")
	}
	if err := to.Apply(ch); err != nil {
		return failf(exitFailed, "The file could not be changed: %v.", err)
	}
	c.say("Done. Start %s again, so that it reads its settings.", to.Name)
	if ch.Before != nil {
		c.say("What it was before is kept as %s.", to.Backup())
	}
	return nil
}

// agrees asks a question of yes or no; no answer is no.
func (c *call) agrees(question string) bool {
	c.say("%s [y/N]", question)
	lines := bufio.NewScanner(c.Stdin)
	lines.Scan()
	answer := strings.ToLower(strings.TrimSpace(lines.Text()))
	return answer == "y" || answer == "yes"
}

// assistantEntry is how an assistant starts this program. A folder that is not the
// standard one is named: the assistant's environment may be another. No other setting
// is: the port and all else of the running FCC is what run.json in the folder says, and
// one that fcc mcp has to start takes its settings from settings.json there.
func assistantEntry(program string, s settings, env environ) (assistant.Entry, error) {
	self, err := os.Executable()
	args := []string{"mcp", "--program", program}
	if standard, standardErr := defaultDataDir(env); standardErr != nil || s.dataDir != filepath.Clean(standard) {
		args = append(args, "--data-dir", s.dataDir)
	}
	return assistant.Entry{Command: self, Args: args}, err
}

func assistantClients(env environ) ([]assistant.Client, error) {
	home, err := os.UserHomeDir()
	if set := env("HOME"); set != "" && runtime.GOOS != "windows" {
		home, err = set, nil
	}
	if err != nil {
		return nil, failf(exitFailed, "There is no home folder, in which assistants keep their settings: %v.", err)
	}
	return assistant.Clients(runtime.GOOS, home, env), nil
}
