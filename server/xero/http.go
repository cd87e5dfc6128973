package xero

import (
	"net"
	"net/http"
	"time"
)

// defaultTransport is the way to Xero: the system's certificates and, but for
// loopback, the proxy of the environment. Connections that went dead while the
// machine slept are found by pings.
func defaultTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = answerTimeout
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second}
	return t
}

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
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return
	}
	here := asked.Round(0).Add(answered.Sub(asked) / 2)
	// The header counts whole seconds: on average half a second has gone by.
	skew := at.Add(500 * time.Millisecond).Sub(here)
	c.mu.Lock()
	c.skew, c.skewKnown = skew, true
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
