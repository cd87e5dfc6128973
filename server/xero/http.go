package xero

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"
)

// keptConnections are as many as are kept open to one host where HTTP/2 is not spoken
// (a proxy may not): five calls at once for each of many organisations.
const keptConnections = 50

// DefaultTransport is the way to Xero: the system's certificates and, but for
// loopback, the proxy of the environment or of the system's setting, which is read
// anew when it changes. Connections that went dead while the machine slept are
// found by pings.
func DefaultTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = newProxies().forRequest
	t.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode == http.StatusProxyAuthRequired {
			return &proxyError{host: proxy.Host}
		}
		return nil
	}
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = answerTimeout
	t.MaxIdleConnsPerHost = keptConnections
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}
	return t
}

// A proxyError is a proxy that wants to know who asks.
type proxyError struct{ host string }

func (e *proxyError) Error() string { return "the proxy " + e.host + " asks for a name and password" }

// do sends a request of our own to the issuer or the API, follows no redirect, and
// learns the time from the answer.
func (c *Connections) do(req *http.Request) (*http.Response, error) {
	asked := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, bare(err)
	}
	c.learnTime(resp, asked, time.Now())
	return resp, nil
}

// learnTime compares Xero's clock, read from the Date header, with this computer's.
func (c *Connections) learnTime(resp *http.Response, asked, answered time.Time) {
	c.mu.Lock()
	late := !c.skewKnown || answered.Sub(c.skewAt).Abs() >= time.Second
	c.mu.Unlock()
	if !late {
		return // a storm of calls teaches nothing new
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	here := asked.Round(0).Add(answered.Sub(asked) / 2)
	// The header counts whole seconds: on average half a second has gone by.
	skew := at.Add(500 * time.Millisecond).Sub(here)
	c.mu.Lock()
	c.skew, c.skewAt, c.skewKnown = skew, answered, true
	c.mu.Unlock()
}

// Skew is how far Xero's clock is ahead of this computer's (negative: behind), to
// about a second, and whether Xero has been heard of yet.
func (c *Connections) Skew() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.skewKnown
}

// xeroNow is the time by Xero's clock.
func (c *Connections) xeroNow() time.Time {
	skew, _ := c.Skew()
	return time.Now().Add(skew)
}
