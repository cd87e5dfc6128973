package assistant

import (
	"context"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"financial-command-center/server/xero"
)

type (
	nothing struct{}

	organisationsOut struct {
		Notice        string         `json:"notice" jsonschema:"how to read what follows"`
		Organisations []organisation `json:"organisations" jsonschema:"those that this program may read"`
		State         string         `json:"state" jsonschema:"connected, retrying, needs_login, disconnected or starting"`
		Problem       *Problem       `json:"problem,omitempty" jsonschema:"what is wrong with the sign-in, and where the person mends it"`
	}

	sessionOut struct {
		Notice      string       `json:"notice" jsonschema:"how to read what follows"`
		Version     string       `json:"version" jsonschema:"of FCC"`
		Demo        bool         `json:"demo" jsonschema:"the books are invented"`
		State       string       `json:"state" jsonschema:"of the worst sign-in: connected, retrying, needs_login, disconnected or starting"`
		Since       string       `json:"since" jsonschema:"when that began, RFC 3339 UTC"`
		SigningIn   bool         `json:"signing_in" jsonschema:"a person is signing in just now"`
		Problem     *Problem     `json:"problem,omitempty" jsonschema:"what is wrong, and where the person mends it"`
		MayWrite    bool         `json:"may_write" jsonschema:"this program has the tools that write"`
		Connections []connection `json:"connections" jsonschema:"each sign-in that this program may use"`
		Page        string       `json:"page" jsonschema:"FCC's start page, for the person"`
	}
	connection struct {
		State         string            `json:"state"`
		Since         string            `json:"since"`
		NextTry       string            `json:"next_try,omitempty" jsonschema:"when FCC tries Xero again by itself"`
		Problem       *Problem          `json:"problem,omitempty"`
		Organisations []organisationNow `json:"organisations"`
	}
	organisationNow struct {
		organisation
		Calls *calls `json:"calls_left,omitempty" jsonschema:"of Xero's limits; absent where Xero has not said yet"`
	}
	calls struct {
		Day    int    `json:"day"`
		Minute int    `json:"minute"`
		AsOf   string `json:"as_of"`
		Closed string `json:"closed_until,omitempty" jsonschema:"the day's calls are used up until then"`
	}
)

func (a *asking) addStanding() {
	reads(a, false, mcp.Tool{
		Name: "organisations", Title: "Organisations",
		Description: "Lists the organisations whose books can be read, with the tenant_id and name that every other tool takes. Call this first. It asks nobody but FCC and answers at once, also when a sign-in to Xero is needed.",
	}, func(context.Context, nothing) (organisationsOut, error) {
		status := a.cfg.Status()
		out := organisationsOut{Notice: notice, Organisations: []organisation{}, State: string(status.State), Problem: a.troubled(status)}
		for _, o := range a.reached() {
			out.Organisations = append(out.Organisations, organisation{o.TenantID, said(o.Name)})
		}
		return out, nil
	})
	reads(a, false, mcp.Tool{
		Name: "session_health", Title: "Sign-in and limits",
		Description: "Says whether the sign-in to Xero works and since when, what a person has to do if it does not, and how many calls to Xero are left. It asks nobody but FCC and answers at once.",
	}, func(context.Context, nothing) (sessionOut, error) { return a.session(), nil })
}

// troubled is what keeps the sign-ins from working, with the page that mends it.
func (a *asking) troubled(status xero.Status) *Problem {
	p := Problem{Link: a.cfg.Address + "/"}
	switch {
	case len(status.Organisations()) == 0:
		p = a.refusal(a.cfg.NotConnected(status)).(refused).problem
	case status.Problem != nil:
		p.Problem = *status.Problem
	default:
		return nil
	}
	return &p
}

func (a *asking) session() sessionOut {
	status := a.cfg.Status()
	out := sessionOut{
		Notice: notice, Version: a.cfg.Version, Demo: a.cfg.Demo, State: string(status.State), Since: moment(status.Since), SigningIn: status.SigningIn,
		Problem: a.troubled(status), MayWrite: a.caller.Write, Connections: []connection{}, Page: a.cfg.Address + "/",
	}
	for _, c := range status.Connections {
		one := connection{State: string(c.State), Since: moment(c.Since), Organisations: []organisationNow{}}
		if c.NextTry != nil {
			one.NextTry = moment(*c.NextTry)
		}
		if c.Problem != nil {
			one.Problem = &Problem{Problem: *c.Problem, Link: out.Page}
		}
		for _, o := range c.Organisations {
			if a.caller.Reaches(o.TenantID) {
				one.Organisations = append(one.Organisations, organisationNow{organisation{o.TenantID, said(o.Name)}, a.callsLeft(o.TenantID)})
			}
		}
		// A sign-in that reaches none of the caller's organisations is none of its business.
		if len(one.Organisations) > 0 || slices.ContainsFunc([]xero.State{xero.NeedsLogin, xero.Starting}, func(s xero.State) bool { return s == c.State }) && len(c.Organisations) == 0 {
			out.Connections = append(out.Connections, one)
		}
	}
	return out
}

func (a *asking) callsLeft(tenantID string) *calls {
	b := a.cfg.Budget(tenantID)
	if !b.Known {
		return nil
	}
	left := &calls{Day: b.Day, Minute: b.Minute, AsOf: moment(b.At)}
	if b.Closed.After(time.Now()) {
		left.Closed = moment(b.Closed)
	}
	return left
}
