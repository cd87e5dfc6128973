package xero

import (
	"context"
	"time"
)

// A Caller is on whose behalf Xero is asked.
type Caller struct {
	Kind CallerKind
	Name string // of a key; "" for the others
}

// A CallerKind says what asks.
type CallerKind string

// The kinds.
const (
	ByPage CallerKind = "page" // a page of this server, or what a person clicked there
	ByKey  CallerKind = "key"  // a program with a key
	ByTray CallerKind = "tray"
	ByFCC  CallerKind = "fcc" // nobody: FCC itself, to stay signed in
)

type callerKey struct{}

// WithCaller has what is asked of Xero under the returned context counted as who's.
func WithCaller(ctx context.Context, who Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, who)
}

// CallerOf is who asks under ctx: FCC itself unless WithCaller said otherwise.
func CallerOf(ctx context.Context) Caller {
	if who, ok := ctx.Value(callerKey{}).(Caller); ok {
		return who
	}
	return Caller{Kind: ByFCC}
}

// A Call is one request that reached for Xero's API, for the activity list: never
// what was in it.
type Call struct {
	At       time.Time
	Caller   Caller
	TenantID string // "" for /connections
	Method   string
	Resource string // the path's first segments without ids: "/api.xro/2.0/Invoices"
	Status   int    // of the answer; 0: none came
	Code     Code   // why none came, "" when one did
	Took     time.Duration
}

// A Budget is what is left of Xero's limits for an organisation (contract with
// Xero: developer.xero.com/faq/limits), as Xero's own headers said it last.
type Budget struct {
	Known       bool // Xero has answered for this organisation since FCC started
	Day, Minute int  // calls left
	At          time.Time
	// Closed is when Xero takes calls again after the day's were used up; zero
	// while it does.
	Closed time.Time
}
