package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"financial-command-center/server"
)

type keysCmd struct {
	Add    keysAddCmd    `cmd:"" help:"Make a key, and print it once."`
	List   keysListCmd   `cmd:"" help:"List the keys: names and what they may, never the keys themselves."`
	Revoke keysRevokeCmd `cmd:"" help:"End a key at once."`
}

type keysAddCmd struct {
	Name    string   `arg:"" help:"What the key is for, as budget-sheet."`
	Write   bool     `help:"Let it change the books too. Without this it reads only."`
	Tenants []string `name:"tenant" placeholder:"ID" help:"Lock it to this organisation, or to several; fcc status lists them."`
	AnyUser bool     `help:"Let other users of this computer use it too."`
}

func (keysAddCmd) Help() string {
	return "The key stands alone on stdout, so that it can be piped on; words go to stderr. FCC keeps only its hash: it cannot be shown again."
}

func (cmd keysAddCmd) Run(c *call) error {
	running, _, err := c.running()
	if err != nil {
		return err
	}
	var made server.ControlKeyMade
	if err := running.call(c.ctx, "key-add", server.ControlKeyAdd(cmd), &made); err != nil {
		return err
	}
	c.print("%s", made.Key)
	c.say("This is the key %q. It is shown only now.", cmd.Name)
	if made.Warning != "" {
		c.say("%s", made.Warning)
	}
	return nil
}

type keysListCmd struct {
	JSON bool `name:"json" help:"Print the list as JSON."`
}

func (cmd keysListCmd) Run(c *call) error {
	running, _, err := c.running()
	if err != nil {
		return err
	}
	var list server.ControlKeys
	if err := running.call(c.ctx, "key-list", nil, &list); err != nil {
		return err
	}
	if cmd.JSON {
		return c.printJSON(list)
	}
	if len(list.Keys) == 0 {
		c.say("There are no keys. Make one: fcc keys add NAME")
		return nil
	}
	table := tabwriter.NewWriter(c.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tMAY\tORGANISATION\tWHO\tMADE\tLAST USED")
	for _, k := range list.Keys {
		may, organisation, who, used := "read", "all", "this user", "never"
		if k.Write {
			may = "read, write"
		}
		if len(k.Tenants) > 0 {
			organisation = strings.Join(k.Tenants, ", ")
		}
		if k.AnyUser {
			who = "any user"
		}
		if k.LastUsed != nil {
			used = moment(*k.LastUsed)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", k.Name, may, organisation, who, moment(k.Created), used)
	}
	return table.Flush()
}

type keysRevokeCmd struct {
	Name string `arg:"" help:"The key's name."`
}

func (cmd keysRevokeCmd) Run(c *call) error {
	running, _, err := c.running()
	if err != nil {
		return err
	}
	if err := running.call(c.ctx, "key-revoke", server.ControlName(cmd), nil); err != nil {
		return err
	}
	c.say("The key %q is revoked.", cmd.Name)
	return nil
}
