package xerosim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

type connectionJSON struct {
	ID             string `json:"id"`
	AuthEventID    string `json:"authEventId"`
	TenantID       string `json:"tenantId"`
	TenantType     string `json:"tenantType"`
	TenantName     string `json:"tenantName"`
	CreatedDateUTC string `json:"createdDateUtc"`
	UpdatedDateUTC string `json:"updatedDateUtc"`
}

// listConnections shows every tenant that the person ever connected to the app
// and that is still connected, not just those of this sign-in.
func (s *Sim) listConnections(w http.ResponseWriter, r *http.Request) {
	access := s.admitApp(w, r)
	if access == nil {
		return
	}
	event := r.URL.Query().Get("authEventId")
	list := []connectionJSON{} // never null
	s.mu.Lock()
	for _, c := range access.live() {
		if event == "" || strings.EqualFold(event, c.authEventID) {
			list = append(list, connectionJSON{
				c.id, c.authEventID, c.tenantID, c.organisation.kind, c.organisation.name, sevenDigits(c.created), sevenDigits(c.updated),
			})
		}
	}
	s.mu.Unlock()
	response{status: http.StatusOK, kind: jsonType, body: encode(list)}.write(w)
}

// sevenDigits is .NET's way with a time whose zone it does not know: RFC 3339
// parsers refuse it.
func sevenDigits(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000") }

// deleteConnection disconnects a tenant. The token stays good. It takes a
// connection's id: with a tenant's or a sign-in's the answer is 403, not 404
// (github.com/XeroAPI/xero-node/issues/403).
func (s *Sim) deleteConnection(w http.ResponseWriter, r *http.Request) {
	access := s.admitApp(w, r)
	if access == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("id")
	if slices.ContainsFunc(access.connections, func(c *connection) bool {
		return strings.EqualFold(id, c.tenantID) || strings.EqualFold(id, c.authEventID)
	}) {
		gatewayError(w, http.StatusForbidden, "AuthenticationUnsuccessful")
		return
	}
	for _, c := range access.live() {
		if strings.EqualFold(id, c.id) {
			c.ended = true
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	errNotFound.response().write(w)
}
