package xero

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// A Caller is on whose behalf Xero is asked.
type Caller struct {
	Kind CallerKind
	Name string // of a key; "" for the others
}

// A CallerKind says what asks.
type CallerKind string

// The kinds. The tray is none: its clicks open pages.
const (
	ByPage    CallerKind = "page"    // a page of this server, or what a person clicked there
	ByKey     CallerKind = "key"     // a program with a key
	ByCommand CallerKind = "command" // an fcc command
	ByFCC     CallerKind = "fcc"     // nobody: FCC itself, to stay signed in
)

type callerKey struct{}

// WithCaller has what is asked of Xero under the returned context counted as who's.
func WithCaller(ctx context.Context, who Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, who)
}

// person reports whether somebody waits for what is asked, at a page or in a terminal.
func (c Caller) person() bool { return c.Kind == ByPage || c.Kind == ByCommand }

// CallerOf is who asks under ctx: FCC itself unless WithCaller said otherwise.
func CallerOf(ctx context.Context) Caller {
	if who, ok := ctx.Value(callerKey{}).(Caller); ok {
		return who
	}
	return Caller{Kind: ByFCC}
}

// MayCall is why nothing would be asked of Xero under ctx for who asks, as
// Config.MayCall says it.
func (c *Connections) MayCall(ctx context.Context) error {
	if c.cfg.MayCall == nil {
		return nil
	}
	return c.cfg.MayCall(CallerOf(ctx))
}

func (c *Connections) calling(ctx context.Context) (done func(sent bool), err error) {
	if c.cfg.Calling == nil {
		return func(bool) {}, nil
	}
	return c.cfg.Calling(ctx)
}

// A Call is one request that reached for Xero's API, for the activity list: never
// what was in it. One that is sent again, after a 401 or 429, is another Call.
type Call struct {
	At       time.Time // UTC
	Caller   Caller
	TenantID string // "" for /connections
	Method   string
	Resource string // the path's first segments without ids: "/api.xro/2.0/Invoices"
	Status   int    // of the answer; 0: none came
	// Code is why none came: CodeUnreachable after it was sent, another when it never
	// was; "" when one came, or when the caller left.
	Code   Code
	Took   time.Duration // until the answer's head came
	Waited time.Duration // for Xero's limits, before it was sent or given up; 0: it did not have to
}

// tell reports a call to OnCall.
func (c *Connections) tell(req *http.Request, at time.Time, waited time.Duration, resp *http.Response, err error) {
	if c.cfg.OnCall == nil {
		return
	}
	call := Call{
		At: at.Round(0).UTC(), Caller: CallerOf(req.Context()), TenantID: tenantOf(req), Method: req.Method,
		Resource: resourceOf(req.URL.Path), Took: time.Since(at), Waited: waited,
	}
	if resp != nil {
		call.Status = resp.StatusCode
	} else if e, ok := errors.AsType[*Error](err); ok {
		call.Code = e.Code
	}
	c.cfg.OnCall(call)
}

// tenantOf is the organisation that req asks for, "" for none.
func tenantOf(req *http.Request) string {
	if first, _, _ := strings.Cut(strings.TrimLeft(req.URL.Path, "/"), "/"); strings.EqualFold(first, connectionsPath[1:]) {
		return ""
	}
	return req.Header.Get("Xero-Tenant-Id")
}

const connectionsPath = "/connections"

// resourceOf is a path without what may name a record: three segments, and of
// reports, which are named by the fourth, four.
func resourceOf(path string) string {
	if path = strings.Trim(path, "/"); path == "" {
		return "/"
	}
	kept, most := 0, 3 // bytes and segments
	for n := 0; n < most; n++ {
		part, _, more := strings.Cut(path[kept:], "/")
		switch {
		case n == 0 && strings.EqualFold(part, connectionsPath[1:]):
			return connectionsPath
		case len(part) > 32 || strings.ContainsFunc(part, func(c rune) bool {
			return c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		}):
			most = 0
		case n == 2 && strings.EqualFold(part, "Reports"):
			most = 4
			fallthrough
		default:
			if kept += len(part); !more {
				most = 0
			} else {
				kept++
			}
		}
	}
	if path = strings.TrimSuffix(path[:kept], "/"); path == "" {
		return ""
	}
	return "/" + path
}

type patienceKey struct{}

// WithPatience has what is asked of Xero under the returned context wait no longer for
// Xero's limits than so long, in place of 34 seconds. How long an answer takes is
// another matter.
func WithPatience(ctx context.Context, patience time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, patience)
}
