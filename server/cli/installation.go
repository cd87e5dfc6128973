package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"financial-command-center/server/desktop"
)

// installationCmd is for the installer: it copies files, and leaves to FCC what
// needs care. NSIS, of which it is made, cuts every text at 1,024 characters, and
// would destroy a PATH that is longer.
type installationCmd struct {
	Add    installationAddCmd    `cmd:"" help:"Put this program's folder on the user's PATH."`
	Erase  installationEraseCmd  `cmd:"" help:"fcc erase, without asking."`
	Remove installationRemoveCmd `cmd:"" help:"Take this program's folder off the user's PATH, and the program out of what starts at sign-in."`
}

type installationAddCmd struct {
	StartAtSignIn *bool `negatable:"" help:"Whether FCC starts when its user signs in to the computer. Without it that stays as it is."`
}

func (cmd installationAddCmd) Run(c *call) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	err = desktop.AddToPath(filepath.Dir(program))
	s, folderErr := c.onlyFolder()
	if folderErr != nil {
		return errors.Join(err, folderErr)
	}
	if cmd.StartAtSignIn == nil { // but not as what leads to where the program was
		_, repairErr := desktop.RepairStartup(s.startEntry(program))
		return errors.Join(err, repairErr)
	}
	if start := desktop.StartAtSignIn(s.startEntry(program)); start.Set != nil {
		err = errors.Join(err, start.Set(*cmd.StartAtSignIn))
	}
	return err
}

type installationEraseCmd struct {
	Box bool `help:"Say in a message box what is left, and why."`
}

// Run shows the words itself: NSIS would read them as text of the computer's code
// page, where a byte of another may be lost.
func (cmd installationEraseCmd) Run(c *call) error {
	if !cmd.Box {
		return eraseCmd{Yes: true}.Run(c)
	}
	var said strings.Builder
	c.Stderr = &said
	code, words := explain(eraseCmd{Yes: true}.Run(c))
	if code == exitOK {
		return nil
	}
	desktop.Alert("Financial Command Center", "Not all that FCC kept of you could be removed.\n\n"+strings.TrimSpace(said.String()+words))
	return &failure{code: code}
}

type installationRemoveCmd struct{}

func (installationRemoveCmd) Run(*call) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return errors.Join(desktop.RemoveFromPath(filepath.Dir(program)), desktop.RemoveStartups(program))
}
