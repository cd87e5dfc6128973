package server

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/assets/words"
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
		return s.render(w, r, c, status, "health", words.Say("health.title"), s.healthView(r.Context(), c, status, checks))
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
var lookAgain = button{words.Say("health.look-again"), "/health"}

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
	return words.Say("health.verdict." + healthWord(status, checks))
}

// Checks is what FCC finds of itself, names of people and organisations among it:
// for this computer's user alone.
func (s *Server) Checks() []Check { return s.checks(true, nil) }

// checks is the one list of what is looked at. Only who is known learns names, and
// a locked key only those of its own organisation.
func (s *Server) checks(known bool, k *apiKey) []Check {
	started := s.started.UTC().Truncate(time.Second)
	list := []Check{
		{Name: "FCC", Status: FoundWell, Found: words.Say("health.running.found", "Version", s.versionWords()), Since: &started},
		check(words.Say("health.keychain.name"), &s.closed, words.Say("health.keychain.well")),
		check(words.Say("health.database.name"), s.stateStands(), words.Say("health.database.well")),
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
		return words.Say("health.running.version", "Version", v)
	}
	return words.Say("health.running.development")
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
	c := Check{Name: words.Say("health.sign-in.name"), Status: FoundWarning, Since: &since}
	switch status.State {
	case xero.Connected:
		c.Status, c.Found = FoundWell, words.Say("health.sign-in.well")
		if p := status.Problem; p != nil {
			c.Status, c.Found, c.Action = FoundWarning, words.Say("health.sign-in.trouble"), fail(p.Code).Action
			c.mend = answers[p.Code].button
		}
	case xero.Retrying:
		c.Found, c.Action = words.Say("health.sign-in.unreachable"), words.Say("health.sign-in.unreachable-action")
		c.mend = lookAgain
	case xero.NeedsLogin:
		c.Status, c.Found, c.Action = FoundBad, words.Say("health.sign-in.ended"), words.Say("health.sign-in.ended-action")
		c.mend = button{words.Say("health.sign-in.ended-button"), "/login?next=/health"}
	case xero.Disconnected:
		c.Found, c.Action = words.Say("health.sign-in.nobody"), words.Say("health.sign-in.nobody-action")
		c.mend = button{words.Say("health.sign-in.nobody-button"), "/login?next=/health"}
	default:
		c.Found, c.Action = words.Say("health.sign-in.starting"), words.Say("health.sign-in.starting-action")
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
		c.Found = words.Say("health.sign-in.reaches", "Found", c.Found, "Organisations", strings.Join(names, ", "))
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
	c := Check{Name: words.Say("health.renewal.name"), Status: FoundWell, Found: words.Say("health.renewal.none")}
	var last, by time.Time
	for _, connection := range connections {
		if at := connection.Renewed; !at.IsZero() && connection.State != xero.NeedsLogin && (last.IsZero() || at.Before(last)) {
			last, by = at.UTC(), connection.RenewBy
		}
	}
	if last.IsZero() {
		return c
	}
	c.Found, c.Since = words.Say("health.renewal.well"), &last
	if time.Since(last) > renewalIsLate {
		c.Status, c.Found = FoundWarning, words.Say("health.renewal.late", "N", int(time.Since(last).Hours()/24))
		c.Action = words.Say("health.renewal.late-action", "Day", by.Local().Format("2 January 2006"))
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
	c := Check{Name: words.Say("health.sessions.name"), Status: FoundWarning}
	settings := button{words.Say("health.sessions.settings"), "/settings"}
	switch checks := s.sessionConfig().Checks; {
	case !checks.SecretConfigured:
		c.Status, c.mend = FoundBad, lookAgain
		c.Found, c.Action = words.Say("health.sessions.no-secret"), words.Say("health.sessions.no-secret-action")
	case !checks.SecretSecure:
		c.mend = settings
		c.Found, c.Action = words.Say("health.sessions.short-secret"), words.Say("health.sessions.short-secret-action")
	case !checks.FolderWritable:
		c.mend = lookAgain
		c.Found, c.Action = words.Say("health.sessions.folder"), words.Say("health.sessions.folder-action")
	case !checks.SecretStored && s.cfg.Mode != Demo:
		c.mend = settings
		c.Found, c.Action = words.Say("health.sessions.memory"), words.Say("health.sessions.memory-action")
	default:
		c.Status, c.Found = FoundWell, words.Say("health.sessions.well")
	}
	return c
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
