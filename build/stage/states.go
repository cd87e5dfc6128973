package stage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"financial-command-center/server/xero/xerosim"
)

// The simulated Xero's organisations.
const (
	joinery = "Harbour Joinery Ltd"
	café    = "Ridgeway Café"
	empty   = "New & Empty Ltd" // nothing is in its books
)

// A Page is an address that a person can come to.
type Page struct {
	Name, Path string
	shows      shows
	more       string // what the paths of others like it begin with
	status     int    // of the answer where it is not 200
	needs      bool   // it is nothing without an organisation
	alike      bool   // the same whether FCC can open its keychain or not
	live       bool   // not in the demo
}

// Holds reports whether an address, without its query, is this page or one like it.
func (p Page) Holds(path string) bool {
	own, _, _ := strings.Cut(p.Path, "?")
	return path == own || p.more != "" && strings.HasPrefix(path, p.more)
}

// shows is what a page tells of in its own part. All tell of the sign-in in their
// frame, and of a keychain that is locked.
type shows int

const (
	theSignIn  shows = 1 << iota
	theBooks         // figures or lists of an organisation
	theReports       // figures that are Xero's reports
	theSetUp         // whether there is a client id
	theKeys          // programs that have a key
)

// limited is a key with all the limits that there are.
const limited = "Payroll at the month's end"

// Pages are all there are.
var Pages = []Page{
	{Name: "dashboard", Path: "/", shows: theSignIn | theBooks | theReports | theSetUp},
	{Name: "invoices", Path: "/xero/invoices", needs: true, shows: theSignIn | theBooks},
	{Name: "contacts", Path: "/xero/contacts", needs: true, shows: theSignIn | theBooks},
	{Name: "export", Path: "/export", needs: true, shows: theSignIn},
	{Name: "profile", Path: "/profile", shows: theSignIn},
	{Name: "set-up", Path: "/setup", shows: theSetUp},
	{Name: "set-up, the app", Path: "/setup/app", shows: theSetUp},
	{Name: "set-up, the client id", Path: "/setup/client", shows: theSetUp},
	{Name: "set-up, the sign-in", Path: "/setup/sign-in", shows: theSetUp | theSignIn},
	{Name: "disconnect", Path: "/disconnect", shows: theSignIn},
	{Name: "activity", Path: "/activity", shows: theSignIn},
	{Name: "settings", Path: "/settings", shows: theSignIn},
	{Name: "move secrets", Path: "/settings/move?to=os", live: true},
	{Name: "sign out everywhere", Path: "/settings/sign-out"},
	{Name: "programs", Path: "/settings/programs", shows: theSignIn | theKeys, more: "/settings/programs/"},
	{Name: "change a key", Path: "/settings/programs/change?" + url.Values{"name": {limited}}.Encode(), shows: theKeys},
	{Name: "use in Excel", Path: "/settings/excel", shows: theSignIn},
	{Name: "health", Path: "/health", shows: theSignIn},
	{Name: "help", Path: "/help"},
	{Name: "nowhere", Path: "/nowhere", status: http.StatusNotFound, alike: true},
	{Name: "late callback", Path: "/callback?state=wrong&code=x", status: http.StatusBadRequest},
}

// NoPages is what the paths of links begin with that lead to no page: out to Xero,
// or to a file.
var NoPages = []string{"/login", "/api/"}

// A State is one in which the pages must be good.
type State struct {
	Name string
	// Says is a regular expression of what a page in this state shows: in the side
	// bar, where every page tells of the sign-in, or in its own part.
	Says string
	// Chosen is the organisation that a browser has to choose first, if any.
	Chosen string

	of     shows // what it is a state of
	demo   bool
	begins bool // the browser itself goes to Xero, and does not come back
	unset  bool // without a client id
	sealed bool // FCC lets nobody in
	// without is the status of pages that need an organisation, where there is none.
	without int
	env     []string
	set     func(*Stage) error
}

// On reports whether the page has to be good in the state: each in every state of
// the sign-in, those that show books or set-up in the states of these.
func (s State) On(p Page) bool {
	if s.sealed && p.alike || s.demo && p.live || p.shows == theKeys && s.of != theKeys {
		return false
	}
	return s.of == theSignIn || p.shows&s.of != 0
}

// Alters reports whether the page's own part is another in this state.
func (s State) Alters(p Page) bool {
	return s.On(p) && (s.Chosen != "" || p.shows&s.of != 0)
}

// Status is what the page answers with in this state.
func (s State) Status(p Page) int {
	switch {
	case s.sealed:
		return http.StatusServiceUnavailable
	case s.without != 0 && p.needs:
		return s.without
	case p.status != 0:
		return p.status
	}
	return http.StatusOK
}

// States are all there are.
var States = []State{
	{
		Name: "demo", Says: "Signed in to Xero", of: theSignIn, demo: true, Chosen: joinery,
		set: func(s *Stage) error { return s.signIn() },
	}, {
		Name: "no client id", Says: "Not signed in to Xero", of: theSetUp, unset: true, without: http.StatusServiceUnavailable,
		set: func(s *Stage) error { return s.until("/", "Not signed in to Xero") },
	}, {
		Name: "signed out", Says: "Not signed in to Xero", of: theSignIn, without: http.StatusServiceUnavailable,
		set: func(s *Stage) error { return s.until("/", "Not signed in to Xero") },
	}, {
		Name: "connecting", Says: "A sign-in at Xero is open.", of: theSignIn, without: http.StatusServiceUnavailable, begins: true,
		set: func(s *Stage) error { return s.until("/", "Not signed in to Xero") },
	}, {
		Name: "connected", Says: "Signed in to Xero", of: theSignIn, Chosen: joinery,
		set: func(s *Stage) error { return s.signIn() },
	}, {
		Name: "none chosen", Says: "[Cc]hoose|Which organisation", of: theBooks, without: http.StatusBadRequest,
		set: func(s *Stage) error { return s.signIn() },
	}, {
		Name: "retrying", Says: "Signed in, waiting for Xero", of: theSignIn,
		set: func(s *Stage) error {
			if err := s.signIn(café); err != nil {
				return err
			}
			s.xero.Fault(xerosim.Fault{At: xerosim.PointToken, Do: xerosim.Fail, Status: http.StatusServiceUnavailable, Times: -1})
			s.xero.ExpireAccessTokens()
			if _, err := s.call("/api.xro/2.0/Organisation", café); err != nil {
				return err
			}
			return s.until("/", "Signed in, waiting for Xero")
		},
	}, {
		Name: "needs sign-in", Says: "Sign in to Xero again", of: theSignIn,
		set: func(s *Stage) error {
			if err := s.signIn(café); err != nil {
				return err
			}
			if err := s.xero.RevokeGrant(""); err != nil {
				return err
			}
			s.xero.ExpireAccessTokens()
			if _, err := s.call("/api.xro/2.0/Organisation", café); err != nil {
				return err
			}
			return s.until("/", "Sign in to Xero again")
		},
	}, {
		Name: "keychain locked", Says: "keychain", of: theSignIn,
		sealed: true, env: []string{"FCC_KEYSTORE=os", "FCC_KEYSTORE_PASSPHRASE_FILE="},
		set: func(s *Stage) error { return s.until("/", "keychain") },
	}, {
		Name: "no organisation", Says: "no organisation is connected", of: theSignIn, without: http.StatusServiceUnavailable,
		set: func(s *Stage) error {
			if err := s.signIn(café); err != nil {
				return err
			}
			if err := s.xero.Disconnect(café); err != nil {
				return err
			}
			s.xero.ExpireAccessTokens() // the list of organisations is read after each renewal
			if _, err := s.call("/api.xro/2.0/Organisation", café); err != nil {
				return err
			}
			return s.until("/", "no organisation is connected")
		},
	}, {
		Name: "scope missing", Says: "not allow", of: theBooks,
		env: []string{"XERO_SCOPES=openid profile email offline_access accounting.settings.read"},
		set: func(s *Stage) error { return s.signIn(café) },
	}, {
		Name: "role missing", Says: "role", of: theReports,
		set: func(s *Stage) error {
			if err := s.xero.SetReports(s.xero.People()[0].Email, false); err != nil {
				return err
			}
			return s.signIn(café)
		},
	}, {
		Name: "empty books", Says: "No income and no costs|has no (invoices|contacts)", of: theBooks,
		set: func(s *Stage) error { return s.signIn(empty) },
	}, {
		Name: "stale", Says: "igures from", of: theBooks,
		set: func(s *Stage) error {
			if err := s.signIn(café); err != nil {
				return err
			}
			for _, p := range Pages {
				if p.shows&theBooks != 0 {
					if _, _, _, err := s.visit(p.Path); err != nil {
						return err
					}
				}
			}
			if err := s.stop(); err != nil {
				return err
			}
			if err := s.age(3 * time.Hour); err != nil {
				return err
			}
			s.xero.Fault(xerosim.Fault{Do: xerosim.Drop, Times: -1})
			return s.start()
		},
	}, {
		Name: "keys with limits", Says: "Payroll at the month", of: theKeys,
		set: func(s *Stage) error {
			if err := s.signIn(café); err != nil {
				return err
			}
			tenant, err := s.tenant(café)
			if err != nil {
				return err
			}
			_, err = s.addKey(limited, "--ask", "--tenant", tenant, "--family", "payroll", "--family", "files", "--expires", "30d", "--daily", "500", "--max-age", "15m", "--stale", "--any-user")
			if err != nil {
				return err
			}
			if _, err = s.addKey("Trial", "--expires", "2s"); err != nil {
				return err
			}
			return s.until("/settings/programs", "ended on")
		},
	}, {
		Name: "day limit", Says: "used up", of: theBooks,
		set: func(s *Stage) error {
			if err := s.xero.UseUp("day", café); err != nil {
				return err
			}
			return s.signIn(café)
		},
	},
}

// decode reads an answer of the simulated Xero.
func decode(answer *http.Response, into any) error {
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", answer.Request.URL.Path, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
