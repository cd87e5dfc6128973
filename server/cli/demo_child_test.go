package cli_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A visitor is a browser of this user's. Its cookie is sent to whoever set it.
type visitor struct {
	t      *testing.T
	cookie string
}

func (v *visitor) ask(method, address string, form url.Values) (status int, page string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Cookie", v.cookie)
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if set := resp.Header.Get("Set-Cookie"); set != "" {
		v.cookie, _, _ = strings.Cut(set, ";")
	}
	return resp.StatusCode, string(body)
}

var linkToDemo = regexp.MustCompile(`href="(http://localhost:\d+)(/open\?ticket=[A-Za-z0-9_-]{20,})"`)

func TestTheSetUpPageOpensADemoThatEndsWithFCC(t *testing.T) {
	for name, end := range map[string]func(*running){"ends": func(r *running) { r.end() }, "is killed": (*running).kill} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.set("FCC_PORT", freePort(t))
			m.set("XERO_CLIENT_SECRET", "a secret that is nobody's business")
			m.set("FCC_XERO_ISSUER", "http://127.0.0.1:1")
			r := m.start("serve")
			before, _ := os.ReadDir(m.dataDir())
			v := &visitor{t: t}
			v.ask("GET", r.link, nil)
			open := func() (base, ticket string) {
				t.Helper()
				status, page := v.ask("POST", r.base+"/setup/demo", nil)
				found := linkToDemo.FindStringSubmatch(page)
				if status != 200 || found == nil {
					t.Fatalf("%d\n%s", status, page)
				}
				return found[1], found[2]
			}
			base, ticket := open()
			guest := &visitor{t: t}
			if status, _ := guest.ask("GET", base+ticket, nil); status != http.StatusSeeOther || guest.cookie == "" {
				t.Errorf("the link gets %d", status)
			}
			if _, page := guest.ask("GET", base+"/setup", nil); !strings.Contains(page, "these books are invented") || strings.Contains(page, "/setup/demo") {
				t.Errorf("the demo does not say what it is, or offers another:\n%s", page)
			}
			if base == r.base || health(t, base) != "demo" || health(t, r.base) != "live" {
				t.Errorf("the demo is at %s, FCC at %s", base, r.base)
			}
			again, other := open()
			if again != base || other == ticket {
				t.Errorf("the second time: %s with the same link: %t", again, other == ticket)
			}
			if after, _ := os.ReadDir(m.dataDir()); len(after) != len(before) {
				t.Errorf("the user's folder has changed: %v, was %v", after, before)
			}
			end(r)
			for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				folders, _ := filepath.Glob(filepath.Join(m.home, "fcc-demo-*"))
				if len(folders) == 0 {
					break
				}
				if time.Now().After(until) {
					t.Fatalf("the demo has left %v", folders)
				}
			}
		})
	}
}

func TestWhatFCCMayDoIsKeptInTheSettingsUnlessItWasGiven(t *testing.T) {
	m := newMachine(t)
	m.set("FCC_PORT", freePort(t))
	m.set("FCC_XERO_ISSUER", "http://127.0.0.1:1")
	r := m.start("serve")
	v := &visitor{t: t}
	v.ask("GET", r.link, nil)
	if status, page := v.ask("POST", r.base+"/setup/app", url.Values{"access": {"bookkeeper"}}); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, page)
	}
	r.end()
	if text, err := os.ReadFile(filepath.Join(m.dataDir(), "settings.json")); err != nil || !strings.Contains(string(text), "accounting.invoices ") {
		t.Errorf("the settings: %s, %v", text, err)
	}
	r = m.start("serve")
	v = &visitor{t: t}
	v.ask("GET", r.link, nil)
	if _, page := v.ask("GET", r.base+"/setup/app", nil); !strings.Contains(page, `value="bookkeeper" checked`) {
		t.Errorf("after a restart:\n%s", page)
	}
	r.end()
	m.set("XERO_SCOPES", "openid offline_access files.read")
	r = m.start("serve")
	v = &visitor{t: t}
	v.ask("GET", r.link, nil)
	if _, page := v.ask("GET", r.base+"/setup/app", nil); !strings.Contains(page, "XERO_SCOPES") || strings.Contains(page, `type="radio"`) {
		t.Errorf("with XERO_SCOPES:\n%s", page)
	}
}
