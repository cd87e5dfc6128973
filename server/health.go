package server

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/server/xero"
)

func (s *Server) healthRoutes() []route {
	return []route{{pattern: "GET /health", who: public, handle: s.health}}
}

// health is the same for everyone on this machine; who brings a session or a key
// also learns names.
func (s *Server) health(w http.ResponseWriter, r *http.Request, c *call) error {
	known := c.session != nil || c.key != nil
	checks := s.checks(known, c.key)
	status := http.StatusOK
	if s.closed.problem() != nil {
		status = http.StatusServiceUnavailable
	}
	if wantsPage(r) {
		return s.render(w, r, c, status, "health", "Health", s.healthView(r.Context(), c, status, checks))
	}
	xeroStatus := s.cfg.Connections.Status()
	connected := slices.ContainsFunc(xeroStatus.Connections, func(c xero.ConnectionStatus) bool {
		return c.State == xero.Connected || c.State == xero.Retrying
	})
	type integration struct {
		Available  bool `json:"available"`
		Configured bool `json:"configured"`
		Connected  bool `json:"connected"`
	}
	writeJSON(w, status, struct {
		Status        string                 `json:"status"`
		Timestamp     time.Time              `json:"timestamp"`
		Version       string                 `json:"version"`
		Mode          Mode                   `json:"mode"`
		Checks        []Check                `json:"checks"`
		SessionConfig sessionConfig          `json:"session_config"`
		Integrations  map[string]integration `json:"integrations"`
	}{
		healthWord(status, checks), time.Now().UTC().Truncate(time.Second), s.cfg.Version, s.cfg.Mode, checks, s.sessionConfig(),
		map[string]integration{"xero": {true, s.cfg.Connections.App().ClientID != "", connected}},
	})
	return nil
}

// lookAgain is for what mends itself, or is mended elsewhere.
var lookAgain = button{"Look again", "/health"}

func healthWord(status int, checks []Check) string {
	well := func(c Check) bool { return c.Status == FoundWell }
	switch {
	case status != http.StatusOK:
		return "unhealthy"
	case slices.ContainsFunc(checks, func(c Check) bool { return !well(c) }):
		return "degraded"
	}
	return "healthy"
}

// verdict is healthWord for people.
func verdict(status int, checks []Check) string {
	return map[string]string{
		"unhealthy": "FCC cannot serve now.",
		"degraded":  "FCC works, and something wants doing.",
		"healthy":   "All is well.",
	}[healthWord(status, checks)]
}

// Checks is what FCC finds of itself, names of people and organisations among it:
// for this computer's user alone.
func (s *Server) Checks() []Check { return s.checks(true, nil) }

// checks is the one list of what is looked at. Only who is known learns names, and
// a locked key only those of its own organisation.
func (s *Server) checks(known bool, k *apiKey) []Check {
	started := s.started.UTC().Truncate(time.Second)
	list := []Check{
		{Name: "FCC", Status: FoundWell, Found: "running, " + s.versionWords(), Since: &started},
		check("Keychain", &s.closed, "holds the session secret"),
		check("State database", s.stateStands(), "written and read"),
		s.checkSessionConfig(),
	}
	status := s.cfg.Connections.Status()
	if !known {
		return append(list, checkSignIn(status), checkRenewal(status.Connections))
	}
	connections := status.Connections
	if k != nil && len(k.Tenants) > 0 {
		connections = seenBy(k, connections)
	}
	if len(connections) == 0 {
		list = append(list, checkSignIn(status))
	}
	for _, connection := range connections {
		list = append(list, checkConnection(connection))
	}
	list = append(list, checkRenewal(connections))
	if k != nil {
		return list
	}
	old := s.lookForOld()
	return append(list, CheckOld(old.OldSignIn, old.Startup)...)
}

// versionWords is the version for people. A build from a checkout has none.
func (s *Server) versionWords() string {
	if v := strings.Trim(s.cfg.Version, "()"); v != "devel" {
		return "version " + v
	}
	return "development build"
}

func (s *Server) stateStands() *standing {
	if s.stateLost.problem() != nil {
		return &s.stateLost
	}
	return &s.stateTrouble
}

// check turns what is wrong with a part, or nothing, into a check.
func check(name string, part *standing, well string) Check {
	c := Check{Name: name, Status: FoundWell, Found: well, Since: part.since()}
	if p := part.problem(); p != nil {
		c.Status, c.Found, c.Action = FoundBad, p.Message, p.Action
		c.mend = answers[p.Code].button
	}
	return c
}

// checkSignIn says how all sign-ins stand together, in words that name nobody:
// those of a problem may.
func checkSignIn(status xero.Status) Check {
	since := status.Since.UTC().Truncate(time.Second)
	c := Check{Name: "Sign-in to Xero", Status: FoundWarning, Since: &since}
	switch status.State {
	case xero.Connected:
		c.Status, c.Found = FoundWell, "signed in, renews by itself"
		if p := status.Problem; p != nil {
			c.Status, c.Found, c.Action = FoundWarning, "signed in, and not all is well", fail(p.Code).Action
			c.mend = answers[p.Code].button
		}
	case xero.Retrying:
		c.Found, c.Action = "signed in; Xero cannot be reached", "Check the internet connection. FCC tries again by itself."
		c.mend = lookAgain
	case xero.NeedsLogin:
		c.Status, c.Found, c.Action = FoundBad, "Xero ended the sign-in", "Sign in again from FCC's start page."
		c.mend = button{"Sign in again", "/login?next=/health"}
	case xero.Disconnected:
		c.Found, c.Action = "nobody is signed in", "Sign in from FCC's start page."
		c.mend = button{"Sign in to Xero", "/login?next=/health"}
	default:
		c.Found, c.Action = "not known until the keychain was read", "Unlock the keychain if it asks. FCC goes on by itself."
		c.mend = lookAgain
	}
	return c
}

func checkConnection(connection xero.ConnectionStatus) Check {
	c := checkSignIn(xero.Status{State: connection.State, Since: connection.Since, Problem: connection.Problem})
	if p := connection.Person; p != nil {
		c.who = strings.TrimSpace(p.Name + " " + p.Email)
		c.Name += ": " + c.who
	}
	names := make([]string, 0, len(connection.Organisations))
	for _, o := range connection.Organisations {
		names = append(names, o.Name)
	}
	if len(names) > 0 {
		c.Found += "; reaches " + strings.Join(names, ", ")
	}
	if p := connection.Problem; p != nil {
		c.Found, c.Action = c.Found+". "+p.Message, p.Action
	}
	return c
}

// Xero ends a grant that was not renewed for 60 days; half of that is a reason to
// look (developer.xero.com/faq/oauth2).
const renewalIsLate = 30 * 24 * time.Hour

// checkRenewal is about the sign-in whose last renewal is the oldest.
func checkRenewal(connections []xero.ConnectionStatus) Check {
	c := Check{Name: "Renewal", Status: FoundWell, Found: "nothing to renew"}
	var last, by time.Time
	for _, connection := range connections {
		if at := connection.Renewed; !at.IsZero() && connection.State != xero.NeedsLogin && (last.IsZero() || at.Before(last)) {
			last, by = at.UTC(), connection.RenewBy
		}
	}
	if last.IsZero() {
		return c
	}
	c.Found, c.Since = "renewals are up to date", &last
	if time.Since(last) > renewalIsLate {
		c.Status, c.Found = FoundWarning, fmt.Sprintf("the last renewal was %d days ago", int(time.Since(last).Hours()/24))
		c.Action = "Let FCC reach Xero before " + by.Local().Format("2 January 2006") + ": Xero ends the sign-in then."
		c.mend = lookAgain
	}
	return c
}

// sessionConfig has the names of the Python original.
type sessionConfig struct {
	Status   string        `json:"status"` // healthy or warning
	Checks   sessionChecks `json:"checks"`
	Lifetime string        `json:"session_lifetime"`
}

type sessionChecks struct {
	SecretConfigured bool `json:"secret_key_configured"`
	SecretSecure     bool `json:"secret_key_secure"`
	Security         bool `json:"session_security_enabled"`
	HTTPOnly         bool `json:"session_httponly_enabled"`
	Permanent        bool `json:"session_permanent_enabled"`
	FolderWritable   bool `json:"config_directory_writable"`
	SecretStored     bool `json:"secret_key_stored"`
}

// all is what every check must be for a healthy configuration.
var allSessionChecks = sessionChecks{true, true, true, true, true, true, true}

func (s *Server) sessionConfig() sessionConfig {
	secret, cookie := s.browsers.secrets().current, s.browsers.newCookie("", int(sessionLife.Seconds()))
	c := sessionConfig{Status: "warning", Lifetime: asTimedelta(sessionLife), Checks: sessionChecks{
		SecretConfigured: !secret.IsZero(),
		SecretSecure:     secret.Len() >= weakestTaken,
		Security:         cookie.Secure && cookie.SameSite == http.SameSiteLaxMode,
		HTTPOnly:         cookie.HttpOnly,
		Permanent:        cookie.MaxAge > 0,
		FolderWritable:   s.folder.writable(s.cfg.DataDir),
		SecretStored:     s.cfg.KeysStored,
	}}
	if c.Checks == allSessionChecks {
		c.Status = "healthy"
	}
	return c
}

func (s *Server) checkSessionConfig() Check {
	const name = "Browser sessions"
	config := s.sessionConfig()
	switch checks := config.Checks; {
	case !checks.SecretConfigured:
		return Check{Name: name, Status: FoundBad, Found: "there is no session secret yet", Action: "Unlock the keychain if it asks. FCC goes on by itself.", mend: lookAgain}
	case !checks.SecretSecure:
		return Check{Name: name, Status: FoundWarning, Found: "the session secret is short", Action: "Make a new one: fcc secret rotate", mend: button{"Open the settings", "/settings"}}
	case !checks.FolderWritable:
		return Check{Name: name, Status: FoundWarning, Found: "the data folder cannot be written", Action: "Make room on the disk, or make the folder writable.", mend: lookAgain}
	case !checks.SecretStored && s.cfg.Mode != Demo:
		return Check{Name: name, Status: FoundWarning, Found: "the keys are in memory: sessions and sign-ins end with FCC", Action: "Start FCC with a keychain, or with --keystore file.", mend: button{"Open the settings", "/settings"}}
	}
	return Check{Name: name, Status: FoundWell, Found: "kept for seven days after the last visit, also over a restart"}
}

// asTimedelta writes d as Python does, which scripts compare with.
func asTimedelta(d time.Duration) string {
	days, rest := int(d/(24*time.Hour)), d%(24*time.Hour)
	clock := fmt.Sprintf("%d:%02d:%02d", rest/time.Hour, rest%time.Hour/time.Minute, rest%time.Minute/time.Second)
	switch days {
	case 0:
		return clock
	case 1:
		return "1 day, " + clock
	}
	return fmt.Sprintf("%d days, %s", days, clock)
}

// folder remembers for a while whether files can be made in it: anyone on this
// machine may ask, and each look writes one.
type folder struct {
	mu     sync.Mutex
	looked time.Time
	ok     bool
}

const folderPause = 10 * time.Second

func (f *folder) writable(path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) > folderPause {
		trial, err := os.CreateTemp(path, ".trial-*")
		if err == nil {
			_ = trial.Close()
			err = os.Remove(trial.Name())
		}
		f.looked, f.ok = now, err == nil
	}
	return f.ok
}
