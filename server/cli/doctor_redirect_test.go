package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"financial-command-center/server"
	"financial-command-center/server/xero"
)

// What netsh prints on an English and on a German Windows.
const (
	english = "\r\nProtocol tcp Port Exclusion Ranges\r\n\r\nStart Port    End Port      \r\n----------    --------      \r\n" +
		"      5357        5357      \r\n      7980        8079      \r\n     18000       18000     *\r\n\r\n* - Administered port exclusions.\r\n\r\n"
	german = "\r\nPortausschlussbereiche f\x81r das Protokoll \"tcp\"\r\n\r\nStartport      Endport      \r\n----------    --------      \r\n" +
		"     27950       28049      \r\n     50000       50059     *\r\n\r\n* - Verwaltete Portausschl\x81sse.\r\n\r\n"
	none = "\r\nProtocol tcp Port Exclusion Ranges\r\n\r\nStart Port    End Port      \r\n----------    --------      \r\n\r\n* - Administered port exclusions.\r\n"
)

func TestReservedRangesAreReadInEveryLanguage(t *testing.T) {
	for text, want := range map[string][]portRange{
		english: {{5357, 5357}, {7980, 8079}}, german: {{27950, 28049}}, none: nil, "": nil,
		"  70000  80000\n 9 8\n a 1 2\n 1\t2": {{1, 2}},
	} {
		got := parseReserved(text)
		if len(got) != len(want) {
			t.Fatalf("%v of %q", got, text)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%v, want %v", got[i], want[i])
			}
		}
	}
}

func TestTheDoctorNamesAReservedRangeWithOneOfThePorts(t *testing.T) {
	for name, c := range map[string]struct {
		v4, v6 string
		err    error
		status server.Finding
		says   []string
	}{
		"English":       {v4: english, v6: none, status: server.FoundWarning, says: []string{"7980 to 8079", "8000", "netsh interface ipv4 show excludedportrange protocol=tcp", "net stop winnat", "startport=8000"}},
		"German, IPv6":  {v4: none, v6: german, status: server.FoundWarning, says: []string{"27950 to 28049", "28000", "netsh interface ipv6", "startport=28000"}},
		"none":          {v4: none, v6: none, status: server.FoundWell, says: []string{"netsh interface ipv4", "netsh interface ipv6"}},
		"it cannot run": {err: errors.New("access denied"), status: server.FoundWarning, says: []string{"access denied", "netsh interface ipv4"}},
	} {
		run := func(ctx context.Context, program string, args ...string) ([]byte, error) {
			if _, ok := ctx.Deadline(); !ok || program != "netsh" {
				t.Errorf("%s: %s is run without a deadline", name, program)
			}
			if args[1] == "ipv6" {
				return []byte(c.v6), c.err
			}
			return []byte(c.v4), c.err
		}
		check := checkReserved(t.Context(), run, server.RegisteredPorts)
		if check.Status != c.status {
			t.Errorf("%s: %+v", name, check)
		}
		for _, part := range c.says {
			if !strings.Contains(check.Found+check.Action, part) {
				t.Errorf("%s: %+v does not say %q", name, check, part)
			}
		}
	}
}

func TestTheDoctorSaysWhatAProxyDoesWithLocalhost(t *testing.T) {
	for _, c := range []struct {
		found  xero.LoopbackProxy
		status server.Finding
		says   string
	}{
		{xero.LoopbackProxy{}, server.FoundWell, ""},
		{xero.LoopbackProxy{Browsers: "p:8080"}, server.FoundWarning, "p:8080"},
		{xero.LoopbackProxy{Browsers: "p:8080", Forced: true}, server.FoundBad, "<-loopback>"},
		{xero.LoopbackProxy{Programs: "q:3128"}, server.FoundWarning, "NO_PROXY"},
	} {
		check := checkLoopbackProxy(c.found)
		if check.Status != c.status || !strings.Contains(check.Found+check.Action, c.says) || check.Status != server.FoundWell && check.Action == "" {
			t.Errorf("%+v: %+v", c.found, check)
		}
	}
}

func TestTheDoctorNamesWhoVouchesForXerosCertificate(t *testing.T) {
	far := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(far.Close)
	s := settings{issuer: far.URL, api: far.URL}
	issuer := issuerOf(far.Certificate()) // "Acme Co", which signed itself
	if issuer != "Acme Co" && !strings.Contains(issuer, "Acme Co") {
		t.Fatalf("the issuer is %q", issuer)
	}

	trusting := xero.DefaultTransport()
	trusting.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	trusting.TLSClientConfig.RootCAs.AddCert(far.Certificate())
	for _, check := range checkXero(t.Context(), trusting, s)[:2] {
		if check.Status != server.FoundWell || !strings.Contains(check.Found, "its certificate is from "+issuer) {
			t.Errorf("%+v", check)
		}
	}
	for _, check := range checkXero(t.Context(), xero.DefaultTransport(), s)[:2] {
		if check.Status != server.FoundBad || !strings.Contains(check.Found, "the certificate that was shown is from "+issuer) || !strings.Contains(check.Found, "not safe") {
			t.Errorf("%+v", check)
		}
	}
}

func TestTheDoctorNamesWhoHasThePortsOfFCC(t *testing.T) {
	ports := registerPorts(t, 3)
	take(t, "127.0.0.1", ports[0])
	take(t, "127.0.0.1", ports[1]) // where FCC has said it is
	who := "another program"
	if holder, ok := server.PortHolder(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(ports[0]))); ok {
		who = holder.String()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // the stranger does not answer
	defer cancel()
	c := &call{ctx: ctx}
	checks := c.checkPorts(newClient(runFile{Address: fmt.Sprintf("127.0.0.1:%d", ports[1]), ControlKey: "x"}))
	if len(checks) != 2 || checks[0].Name != portName(ports[1]) || checks[1].Name != portName(ports[0]) {
		t.Fatalf("%+v", checks)
	}
	if checks[0].Status != server.FoundBad || server.SeesHolders && !strings.Contains(checks[0].Found, who+" listens there") {
		t.Errorf("%+v", checks[0])
	}
	c.ctx = t.Context()
	checks = append(checks[1:], c.checkFreePorts(settings{})...)
	for i, want := range []server.Finding{server.FoundWarning, server.FoundWarning, server.FoundWarning, server.FoundWell} {
		if checks[i].Status != want || want != server.FoundWell && !strings.Contains(checks[i].Found, who+" has it") {
			t.Errorf("%+v", checks[i])
		}
	}
	if check := c.checkFreePorts(settings{port: ports[0]})[0]; check.Status != server.FoundBad || !strings.Contains(check.Action, "--port") {
		t.Errorf("%+v", check)
	}
	if uris := (settings{port: ports[1]}).checkRedirect().Found; strings.Count(uris, "/callback") != 3 {
		t.Errorf("the addresses to register: %s", uris)
	}
}
