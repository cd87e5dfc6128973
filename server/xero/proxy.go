package xero

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"financial-command-center/assets/words"
)

// The proxy on the way to Xero: the environment's (HTTPS_PROXY, HTTP_PROXY and
// NO_PROXY), else the one that the person has set in Windows. What is on this
// computer is never sent through either.
//
// Not taken: github.com/mattn/go-ieproxy v0.0.12, which knows neither "10.*" nor
// "<local>" among the exceptions, fetches a script again for every request without
// a time limit, and races when it is read anew.

// A proxySetting is what a person sets in Windows: Settings, Network, Proxy.
type proxySetting struct {
	server string // "host:8080", or "http=host:8080;https=host:8443;socks=host:1080"
	bypass string // "localhost;10.*;*.intra.example;<local>"
	script string // address of a proxy auto-configuration script
	detect bool   // look for such a script in the network (WPAD)
}

// How long what was found is believed: a laptop goes from the office to a café.
const (
	settingFresh = 5 * time.Second
	scriptFresh  = 30 * time.Second
	// failureFresh: where the network has no script, as most have none, looking for
	// one costs every time what scriptPatience allows.
	failureFresh = 10 * time.Minute
	// scriptPatience is how long a request waits for a script. Windows may look for
	// one for many seconds where there is none, with its setting as it comes; such a
	// request goes without, and the next one has the answer.
	scriptPatience = 4 * time.Second
)

// proxies finds the proxy for each request. Its fields are functions so that the
// rules can be tried on any system.
type proxies struct {
	fromEnvironment func(*http.Request) (*url.URL, error) // nil: it names none
	setting         func() proxySetting
	runScript       func(s proxySetting, address string) (list string, err error) // may take its time

	mu      sync.Mutex
	read    time.Time
	now     proxySetting
	answers map[string]*scriptAnswer // by scheme and host
}

type scriptAnswer struct {
	setting proxySetting
	begun   time.Time
	done    chan struct{}
	list    string // "host:8080;other:8080", "" for none; read after done
	err     error
}

func newProxies() *proxies {
	p := &proxies{setting: systemProxy, runScript: runProxyScript}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if os.Getenv(name) != "" {
			p.fromEnvironment = http.ProxyFromEnvironment
		}
	}
	return p
}

// forRequest is what http.Transport.Proxy wants.
func (p *proxies) forRequest(r *http.Request) (*url.URL, error) {
	found, _, err := p.find(r)
	return found, err
}

// Who names a proxy. They are said once: each request asks for its proxy.
var (
	bySetting     = words.Say("xero.proxy-from.setting")
	byScript      = words.Say("xero.proxy-from.script")
	byEnvironment = words.Say("xero.proxy-from.environment")
)

// find returns the proxy for a request and who named it, nil for none.
func (p *proxies) find(r *http.Request) (proxy *url.URL, from string, err error) {
	switch {
	case isLoopback(r.URL.Hostname()):
		return nil, "", nil
	case p.fromEnvironment != nil:
		proxy, err = p.fromEnvironment(r)
		return proxy, byEnvironment, err
	}
	s := p.current()
	if s.script != "" || s.detect {
		list, err := p.ask(r.Context(), s, r.URL)
		switch {
		case err == nil:
			return proxyAddress(list, r.URL.Scheme), byScript, nil
		case r.Context().Err() != nil:
			return nil, "", r.Context().Err()
		}
	}
	if s.server == "" || bypassed(s.bypass, r.URL) {
		return nil, "", nil
	}
	return proxyAddress(s.server, r.URL.Scheme), bySetting, nil
}

func (p *proxies) current() proxySetting {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.read.IsZero() || now.Sub(p.read) >= settingFresh {
		p.read, p.now = now, p.setting()
	}
	return p.now
}

// ask has the script answer for a host, once for all who ask at a time.
func (p *proxies) ask(ctx context.Context, s proxySetting, u *url.URL) (string, error) {
	key := u.Scheme + "://" + u.Host
	p.mu.Lock()
	a := p.answers[key]
	if a == nil || a.setting != s || a.old() {
		a = &scriptAnswer{setting: s, begun: time.Now(), done: make(chan struct{})}
		if p.answers == nil {
			p.answers = map[string]*scriptAnswer{}
		}
		p.answers[key] = a
		go func() {
			defer close(a.done)
			a.list, a.err = p.runScript(s, key+"/")
		}()
	}
	p.mu.Unlock()
	late := time.NewTimer(scriptPatience)
	defer late.Stop()
	select {
	case <-a.done:
		return a.list, a.err
	case <-late.C:
		return "", errors.New("the proxy script did not answer in time")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// old reports whether the script should be asked again.
func (a *scriptAnswer) old() bool {
	fresh := scriptFresh
	select {
	case <-a.done:
		if a.err != nil && a.setting.script == "" {
			fresh = failureFresh
		}
	default: // still asked
		fresh = failureFresh
	}
	return time.Since(a.begun) >= fresh
}

// isLoopback reports whether a host is this computer (RFC 6761 section 6.3, RFC
// 1122 section 3.2.1.3).
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// between are what entries of a list stand between.
func between(r rune) bool { return strings.ContainsRune("; \t\r\n,", r) }

// proxyAddress finds the first proxy for a scheme in a list as Windows writes it:
// "host:80", or "http=host:80;https=http://other:80;socks=third:1080"
// (learn.microsoft.com/windows/win32/wininet/enabling-internet-functionality). It is
// nil for none.
func proxyAddress(list, scheme string) *url.URL {
	var general, own, socks string
	for entry := range strings.FieldsFuncSeq(list, between) {
		kind, address, named := strings.Cut(entry, "=")
		switch {
		case !named:
			general = cmp.Or(general, entry)
		case address == "":
		case strings.EqualFold(kind, scheme):
			own = cmp.Or(own, address)
		case strings.EqualFold(kind, "socks"):
			socks = cmp.Or(socks, "socks5://"+address)
		}
	}
	address := cmp.Or(own, general, socks)
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil
	}
	return &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}
}

// bypassed reports whether an address is among the exceptions: host names and
// addresses with asterisks, with a scheme or port or without, and <local> for names
// without a dot (learn.microsoft.com/windows/win32/wininet/enabling-internet-functionality,
// "Listing the Proxy Bypass").
func bypassed(exceptions string, u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	for entry := range strings.FieldsFuncSeq(strings.ToLower(exceptions), between) {
		if entry == "<local>" {
			if !strings.ContainsAny(host, ".:") {
				return true
			}
			continue
		}
		if scheme, rest, ok := strings.Cut(entry, "://"); ok {
			if scheme != u.Scheme {
				continue
			}
			entry = rest
		}
		if name, only, err := net.SplitHostPort(entry); err == nil {
			if only != port {
				continue
			}
			entry = name
		}
		if ok, err := path.Match(strings.Trim(entry, "[]"), host); ok && err == nil { // a host has no slash
			return true
		}
	}
	return false
}

// ProxyFor is the proxy that FCC itself goes through for a request, and who named
// it; nil for none.
func ProxyFor(r *http.Request) (proxy *url.URL, from string, err error) { return newProxies().find(r) }

// LoopbackProxy is what others do with http://localhost, which FCC sends through no
// proxy.
type LoopbackProxy struct {
	// Browsers is the proxy that Windows' setting has for it, "" for none. Today's
	// browsers leave localhost out of that all the same, unless they are Forced to
	// by <-loopback> among the exceptions.
	Browsers string
	Forced   bool
	// Programs is the proxy that the environment has for it, "" for none: curl and
	// others that know no better send localhost through it.
	Programs string
}

// FindLoopbackProxy looks at Windows' setting and the environment.
func FindLoopbackProxy(env func(string) string) LoopbackProxy {
	return loopbackProxy(systemProxy(), env)
}

func loopbackProxy(s proxySetting, env func(string) string) (found LoopbackProxy) {
	here := &url.URL{Scheme: "http", Host: "localhost:8000"}
	if proxy := proxyAddress(s.server, "http"); proxy != nil && !bypassed(s.bypass, here) {
		found.Browsers = proxy.Host
		found.Forced = strings.Contains(strings.ToLower(s.bypass), "<-loopback>")
	}
	exceptions := cmp.Or(env("no_proxy"), env("NO_PROXY"))
	// curl reads HTTP_PROXY in lower case only, others in both.
	if proxy := proxyAddress(cmp.Or(env("http_proxy"), env("HTTP_PROXY")), "http"); proxy != nil && !bypassed(exceptions, here) {
		found.Programs = proxy.Host
	}
	return found
}
