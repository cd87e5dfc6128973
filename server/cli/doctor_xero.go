package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// checkXero asks issuer and API for anything: what they say does not matter, that
// they answer does, by which way, whose certificate they show, and what time it is
// there.
func checkXero(ctx context.Context, way *http.Transport, s settings) []server.Check {
	defer way.CloseIdleConnections()
	clock := bad("Clock", "could not be compared with Xero's", "Mend the way to Xero first.")
	var checks []server.Check
	for _, far := range []struct{ name, address string }{{"Xero's sign-in", s.issuer}, {"Xero's API", s.api}} {
		met, err := ask(ctx, way, far.address)
		if err != nil {
			p := xero.UnreachableProblem(err)
			found := fmt.Sprintf("%s cannot be reached%s: %s (%v)", far.address, met.through, p.Message, err)
			if issuer := unverifiedIssuer(err); issuer != "" {
				found += "; the certificate that was shown is from " + issuer
			}
			checks = append(checks, bad(far.name, found, p.Action))
			continue
		}
		found := fmt.Sprintf("%s answers in %v%s", far.address, met.took.Round(time.Millisecond), met.through)
		if met.issuer != "" {
			found += "; its certificate is from " + met.issuer
		}
		checks = append(checks, well(far.name, found))
		if !met.date.IsZero() {
			clock = checkClock(time.Since(met.date))
		}
	}
	return append(checks, clock)
}

// What was met on the way to Xero.
type met struct {
	through string // " through the proxy …", or ""
	date    time.Time
	took    time.Duration
	issuer  string // of the certificate; a company's name where it looks into connections
}

func ask(ctx context.Context, way *http.Transport, address string) (m met, err error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return m, err
	}
	if proxy, from, err := xero.ProxyFor(req); err == nil && proxy != nil {
		m.through = fmt.Sprintf(" through the proxy %s (%s)", proxy.Host, from)
	}
	start := time.Now()
	resp, err := way.RoundTrip(req) // no redirects
	if err != nil {
		return m, err
	}
	_ = resp.Body.Close()
	m.took = time.Since(start)
	m.date, _ = http.ParseTime(resp.Header.Get("Date"))
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		m.issuer = issuerOf(resp.TLS.PeerCertificates[0])
	}
	return m, nil
}

// issuerOf names who vouches for a certificate.
func issuerOf(c *x509.Certificate) string {
	if len(c.Issuer.Organization) > 0 && c.Issuer.CommonName != "" {
		return fmt.Sprintf("%s (%s)", c.Issuer.Organization[0], c.Issuer.CommonName)
	}
	return cmp.Or(c.Issuer.CommonName, c.Issuer.String(), "nobody")
}

// unverifiedIssuer names who vouches for a certificate that this computer does not
// trust, "" if err is about something else.
func unverifiedIssuer(err error) string {
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) && len(refused.UnverifiedCertificates) > 0 {
		return issuerOf(refused.UnverifiedCertificates[0])
	}
	return ""
}

// The clock: id tokens bear it wrong by a minute or so, cookies by more.
const (
	skewWarning = time.Minute
	skewBad     = 5 * time.Minute
)

func checkClock(ahead time.Duration) server.Check {
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	found := fmt.Sprintf("%v %s Xero's", ahead.Abs().Round(time.Second), direction)
	switch {
	case ahead.Abs() >= skewBad:
		return bad("Clock", found, "Set the computer's clock, best by turning on its automatic time.")
	case ahead.Abs() >= skewWarning:
		return warn("Clock", found, "Set the computer's clock before it drifts further.")
	}
	return well("Clock", "agrees with Xero's")
}
