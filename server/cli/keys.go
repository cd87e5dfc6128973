package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"financial-command-center/server"
)

type keysCmd struct {
	Add    keysAddCmd    `cmd:"" help:"Make a key, and print it once."`
	List   keysListCmd   `cmd:"" help:"List the keys: names and what they may, never the keys themselves."`
	Revoke keysRevokeCmd `cmd:"" help:"End a key at once."`
}

type keysAddCmd struct {
	Name     string   `arg:"" help:"What the key is for, as budget-sheet."`
	Write    bool     `help:"Let it change the books too. Without this it reads only."`
	Ask      bool     `help:"Let it change the books when you allow it: FCC asks you each time."`
	Tenants  []string `name:"tenant" sep:"none" placeholder:"ID" help:"Lock it to this organisation, or to several; fcc status lists them."`
	Families []string `name:"family" sep:"none" placeholder:"F" help:"Only for this of Xero's APIs, or for several: accounting, assets, files, payroll, projects."`
	Expires  string   `placeholder:"WHEN" help:"Its last day, as 2027-03-31, or how long it is good, as 30d or 12h."`
	Daily    string   `placeholder:"N" help:"At most so many calls to Xero a day, from midnight to midnight."`
	MaxAge   string   `placeholder:"AGE" help:"It may take answers that are so old, as 15m, and costs fewer calls then."`
	Stale    bool     `help:"It may take the last known answer while Xero cannot be reached."`
	AnyUser  bool     `help:"Let other users of this computer use it too, as a service; a container only with host networking."`
}

func (keysAddCmd) Help() string {
	return "The key stands alone on stdout, so that it can be piped on; words go to stderr. FCC keeps only its hash: it cannot be shown again.\n\n" +
		"What a key may do can be changed later: Programs, in FCC's pages."
}

func (cmd keysAddCmd) Run(c *call) error {
	rights, err := cmd.rights(time.Now())
	if err != nil {
		return err
	}
	var made server.ControlKeyMade
	if err := c.ask("key-make", rights, &made); err != nil {
		return err
	}
	c.print("%s", made.Key)
	c.say("This is the key %q. It is shown only now.", cmd.Name)
	if made.Warning != "" {
		c.say("%s", made.Warning)
	}
	return nil
}

// rights reads what was typed.
func (cmd keysAddCmd) rights(now time.Time) (server.ControlKeyRights, error) {
	rights := server.ControlKeyRights{
		Name: cmd.Name, Write: cmd.Write || cmd.Ask, Ask: cmd.Ask, Tenants: cmd.Tenants, Families: cmd.Families, AnyUser: cmd.AnyUser, Stale: cmd.Stale,
	}
	if cmd.Expires != "" {
		end, ok := endOf(cmd.Expires, now)
		if !ok {
			return rights, failf(exitUsage, "--expires is a day to come, as %s, or a time from now, as 30d or 12h; not %q.", now.AddDate(0, 3, 0).Format(time.DateOnly), cmd.Expires)
		}
		rights.Expires = &end
	}
	if cmd.Daily != "" {
		n, err := strconv.Atoi(cmd.Daily)
		if err != nil || n < 1 {
			return rights, failf(exitUsage, "--daily is a number of calls, 1 or more; not %q.", cmd.Daily)
		}
		rights.Daily = n
	}
	if cmd.MaxAge != "" {
		age, ok := spanOf(cmd.MaxAge)
		if !ok || age < time.Second {
			return rights, failf(exitUsage, "--max-age is a time, as 90s, 15m or 2h; not %q.", cmd.MaxAge)
		}
		rights.MaxAge = int(age / time.Second)
	}
	return rights, nil
}

// endOf is the end of a day, or of a time from now.
func endOf(text string, now time.Time) (end time.Time, ok bool) {
	if _, end, err := server.ParseDay(text); err == nil {
		return end, end.After(now)
	}
	span, ok := spanOf(text)
	return now.Add(span), ok && span > 0
}

// spanOf reads a duration as Go writes it, or a number of days: 30d.
func spanOf(text string) (time.Duration, bool) {
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && 0 < n && n <= 36500
	}
	span, err := time.ParseDuration(text)
	return span, err == nil
}

type keysListCmd struct {
	JSON bool `name:"json" help:"Print the list as JSON."`
}

func (cmd keysListCmd) Run(c *call) error {
	var list server.ControlKeys
	if err := c.ask("key-list", nil, &list); err != nil {
		return err
	}
	if cmd.JSON {
		return c.printJSON(list)
	}
	if len(list.Keys) == 0 {
		c.say("There are no keys. Make one: fcc keys add NAME")
		return nil
	}
	var table strings.Builder
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "NAME\tMAY\tORGANISATION\tAPI\tWHO\tENDS\tCALLS TODAY\tTAKES\tMADE\tLAST USED\tBY")
	for _, k := range list.Keys {
		fmt.Fprintln(columns, strings.Join(keyColumns(k), "\t"))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	c.print("%s", strings.TrimSuffix(table.String(), "\n"))
	return nil
}

func keyColumns(k server.ControlKey) []string {
	may, who, ends, calls, takes, used := "read", "this user", "never", strconv.Itoa(k.CallsToday), "live", "never"
	switch {
	case k.Ask:
		may = "read, write when allowed"
	case k.Write:
		may = "read, write"
	}
	if k.AnyUser {
		who = "any user"
	}
	if k.Expires != nil {
		ends = moment(*k.Expires)
		if last, whole := server.LastDay(*k.Expires); whole {
			ends = last.Format("2 Jan 2006")
		}
	}
	if k.Ended {
		ends = "ended " + ends
	}
	if k.Daily > 0 {
		calls += " of " + strconv.Itoa(k.Daily)
	}
	if k.MaxAge > 0 {
		takes = "up to " + span(time.Duration(k.MaxAge)*time.Second)
	}
	if k.Stale {
		takes += ", or last known"
	}
	if k.LastUsed != nil {
		used = moment(*k.LastUsed)
	}
	all := func(list []string) string { return cmp.Or(strings.Join(list, ", "), "all") }
	return []string{k.Name, may, all(k.Tenants), all(k.Families), who, ends, calls, takes, moment(k.Created), used, k.Program}
}

// span is a time in the largest of its units that it is a whole number of.
func span(d time.Duration) string {
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / u.of; d%u.of == 0 {
			if n == 1 {
				return "1 " + u.name
			}
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return d.String()
}

type keysRevokeCmd struct {
	Name string `arg:"" help:"The key's name."`
}

func (cmd keysRevokeCmd) Run(c *call) error {
	if err := c.ask("key-revoke", server.ControlName(cmd), nil); err != nil {
		return err
	}
	c.say("The key %q is revoked.", cmd.Name)
	return nil
}
