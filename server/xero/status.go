package xero

import (
	"cmp"
	"context"
	"iter"
	"reflect"
	"slices"
	"strings"
	"time"

	"financial-command-center/assets/words"
)

// A State says how a connection, or the set of them, stands.
type State string

// The states, from the best to the worst.
const (
	Connected    State = "connected"    // tokens come as they are asked for
	Retrying     State = "retrying"     // Xero cannot be reached; tried again at NextTry
	NeedsLogin   State = "needs_login"  // Xero ended the grant; only a person can mend it
	Disconnected State = "disconnected" // nobody has signed in
	Starting     State = "starting"     // the keychain has not been read yet
)

// A Code names a kind of trouble, the same in a Problem, in the JSON of an error
// and in the contract.
type Code string

// The codes this package gives out.
const (
	CodeAttemptsFull        Code = "attempts_full"
	CodeBadRequest          Code = "bad_request"
	CodeBadState            Code = "bad_state"
	CodeInternal            Code = "internal"
	CodeKeystoreUnavailable Code = "keystore_unavailable"
	CodeLoginFailed         Code = "login_failed"
	CodeNeedsLogin          Code = "needs_login"
	CodeNotFound            Code = "not_found"
	CodeRateLimited         Code = "rate_limited"
	CodeKeyLimit            Code = "key_limit"
	CodeTenantRequired      Code = "tenant_required"
	CodeUnreachable         Code = "xero_unreachable"
)

// A Problem is trouble in words for a person: what is, and what to do next.
type Problem struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Action  string `json:"action"`
}

// Person is who signed in, from the id token.
type Person struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Organisation is one set of books that a connection reaches. Xero calls it a
// tenant.
type Organisation struct {
	TenantID string `json:"tenant_id"`
	Name     string `json:"name"`
	// ConnectionID is Xero's id of the link between app and organisation, which
	// DELETE /connections/{id} wants. It is not the id of a Session.
	ConnectionID string `json:"-"`
}

// ConnectionStatus is one sign-in.
type ConnectionStatus struct {
	ID                   string         `json:"id"`
	State                State          `json:"state"`
	Since                time.Time      `json:"since"` // when State began, UTC
	Person               *Person        `json:"person"`
	Organisations        []Organisation `json:"organisations"`
	AccessTokenExpiresAt *time.Time     `json:"access_token_expires_at"`
	NextTry              *time.Time     `json:"next_try"` // set while retrying
	Problem              *Problem       `json:"problem"`

	// Renewed is when the grant was last renewed, RenewBy when Xero ends it unless
	// it is renewed before: 60 days later (developer.xero.com/faq/oauth2).
	Renewed time.Time `json:"-"`
	RenewBy time.Time `json:"-"`
	// RenewsAt is when the next renewal is planned, zero while none is.
	RenewsAt time.Time `json:"-"`
	Scopes   []string  `json:"-"`
	// Held names what is held of the token answer, in memory or keychain.
	Held []string `json:"-"`
}

// Status is how all sign-ins stand: a value without secrets that later changes do not
// reach. Its lists are everybody's: nobody changes them. State is the worst of the
// connections', Disconnected with none, Starting until the keychain was read.
type Status struct {
	State       State              `json:"state"`
	SigningIn   bool               `json:"signing_in"`
	Since       time.Time          `json:"since"`
	Problem     *Problem           `json:"problem"`
	Connections []ConnectionStatus `json:"connections"`
	// Short are the organisations whose calls for today are running out, by name.
	Short []Shortage `json:"-"`

	all []Organisation // see Organisations; nil: not looked for yet
}

// Organisations lists what all connections reach, without repeats, by name.
func (s Status) Organisations() []Organisation {
	if s.all != nil {
		return slices.Clip(s.all)
	}
	var all []Organisation
	for _, c := range s.Connections {
		for _, o := range c.Organisations {
			same := func(other Organisation) bool { return strings.EqualFold(other.TenantID, o.TenantID) }
			if !slices.ContainsFunc(all, same) {
				all = append(all, o)
			}
		}
	}
	sortOrganisations(all)
	return all
}

func sortOrganisations(all []Organisation) {
	slices.SortStableFunc(all, func(a, b Organisation) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.TenantID, b.TenantID))
	})
}

// badness orders the states from the best to the worst.
var badness = map[State]int{Connected: 0, Retrying: 1, NeedsLogin: 2, Disconnected: 3, Starting: 4}

// Status is how things stand now.
func (c *Connections) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.published
}

// Watch yields the present Status at once and then the latest after each change,
// until ctx ends or the loop is left. A slow watcher misses what lies between,
// never the last.
func (c *Connections) Watch(ctx context.Context) iter.Seq[Status] {
	return func(yield func(Status) bool) {
		for {
			c.mu.Lock()
			status, changed := c.published, c.changed
			c.mu.Unlock()
			if ctx.Err() != nil || !yield(status) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// publishLocked tells the watchers if anything that they could show is different.
func (c *Connections) publishLocked() {
	next := c.statusLocked()
	if next.State == c.published.State {
		next.Since = c.published.Since
	}
	if reflect.DeepEqual(next, c.published) {
		return
	}
	c.published = next
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Connections) statusLocked() Status {
	st := Status{State: Connected, Since: time.Now().UTC(), SigningIn: len(c.openLocked(""))+c.settling > 0, Connections: []ConnectionStatus{}}
	switch {
	case !c.loaded:
		st.State, st.Problem = Starting, c.problem
		return st
	case len(c.sessions) == 0:
		st.State = Disconnected
	}
	for _, s := range c.sessions {
		cs := s.statusLocked()
		st.Connections = append(st.Connections, cs)
		worse := badness[cs.State] > badness[st.State]
		if worse {
			st.State = cs.State
		}
		if cs.Problem != nil && (worse || st.Problem == nil) {
			st.Problem = cs.Problem
		}
	}
	if st.Problem == nil {
		st.Problem = c.problem
	}
	st.all = st.Organisations()
	st.Short = c.shortLocked(st.all)
	return st
}

// statusLocked never shares memory with the session: watchers keep what they got.
func (s *Session) statusLocked() ConnectionStatus {
	cs := ConnectionStatus{
		ID:            s.id,
		State:         s.state,
		Since:         s.since.UTC(),
		Organisations: append([]Organisation{}, s.profile.Organisations...),
		Problem:       s.problemLocked(),
		Renewed:       s.grant.Issued,
		RenewBy:       s.grant.renewBy(),
		Scopes:        slices.Clone(s.access.scopes),
		Held:          s.heldLocked(),
	}
	if p := s.profile.Person; p != (Person{}) {
		cs.Person = &p
	}
	if !s.access.token.IsZero() {
		at := s.access.expires().UTC().Truncate(time.Second)
		cs.AccessTokenExpiresAt = &at
		if s.state == Connected && !s.putOff {
			cs.RenewsAt = s.access.asked.Round(0).Add(s.dueLocked()).UTC().Truncate(time.Second)
		}
	}
	if s.state == Retrying {
		at := s.nextTry.UTC().Truncate(time.Second)
		cs.NextTry = &at
	}
	return cs
}

// problemLocked is the trouble to show; of several, the one that stops most.
func (s *Session) problemLocked() *Problem {
	switch {
	case s.problem != nil:
		return s.problem
	case s.shut != nil:
		return s.shut
	case s.state == Connected && s.profile.Organisations != nil && len(s.profile.Organisations) == 0:
		p := problem(CodeTenantRequired, words.Say("xero.no-organisation.message"), words.Say("xero.no-organisation.action"))
		return &p
	}
	return nil
}

// heldLocked names the fields of the token answer that are kept, as the Python
// original named them.
func (s *Session) heldLocked() []string {
	held := []string{}
	if !s.access.token.IsZero() {
		held = append(held, "access_token", "expires_at", "expires_in")
	}
	if s.grant.RefreshToken != "" {
		held = append(held, "refresh_token")
	}
	if len(s.access.scopes) > 0 {
		held = append(held, "scope")
	}
	if !s.access.token.IsZero() {
		held = append(held, "token_type")
	}
	return held
}
