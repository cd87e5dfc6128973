package xero

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWindowsListOfProxiesIsReadForEachScheme(t *testing.T) {
	for list, want := range map[string][2]string{ // for http, for https
		"":                      {"", ""},
		"proxy.example:8080":    {"http://proxy.example:8080", "http://proxy.example:8080"},
		"http://proxy.example":  {"http://proxy.example", "http://proxy.example"},
		"https://proxy.example": {"https://proxy.example", "https://proxy.example"},
		"http=a:1;https=b:2":    {"http://a:1", "http://b:2"},
		"http=a:1 https=b:2":    {"http://a:1", "http://b:2"},
		"HTTPS=b:2;ftp=c:3":     {"", "http://b:2"},
		"socks=c:1080":          {"socks5://c:1080", "socks5://c:1080"},
		"https=b:2;socks=c:3":   {"socks5://c:3", "http://b:2"},
		"a:1;b:2":               {"http://a:1", "http://a:1"},
		"10.0.0.1:3128":         {"http://10.0.0.1:3128", "http://10.0.0.1:3128"},
		"[fd00::1]:3128":        {"http://[fd00::1]:3128", "http://[fd00::1]:3128"},
		"http=;https=":          {"", ""},
		"::::":                  {"", ""},
		"http://a:1/path?x":     {"http://a:1", "http://a:1"},
	} {
		for i, scheme := range []string{"http", "https"} {
			got := ""
			if u := proxyAddress(list, scheme); u != nil {
				got = u.String()
			}
			if got != want[i] {
				t.Errorf("%q for %s: %q, want %q", list, scheme, got, want[i])
			}
		}
	}
}

func TestWindowsListOfExceptions(t *testing.T) {
	for _, c := range []struct {
		exceptions, address string
		want                bool
	}{
		{"", "https://api.xero.com", false},
		{"*.xero.com", "https://api.xero.com", true},
		{"*.XERO.com", "https://API.xero.com", true},
		{"*.xero.com", "https://xero.com", false},
		{"xero.com", "https://api.xero.com", false},
		{"*xero.com", "https://xero.com", true},
		{"intra;10.*;192.168.*", "https://10.1.2.3", true},
		{"10.*", "https://110.1.2.3", false},
		{"<local>", "https://intranet/x", true},
		{"<local>", "https://intranet.example", false},
		{"<local>", "https://[fd00::1]/", false},
		{"a; b\tapi.xero.com", "https://api.xero.com", true},
		{"https://api.xero.com", "https://api.xero.com", true},
		{"http://api.xero.com", "https://api.xero.com", false},
		{"api.xero.com:443", "https://api.xero.com", true},
		{"api.xero.com:8443", "https://api.xero.com", false},
		{"[fd00::1]", "https://[fd00::1]/", true},
		{"[", "https://api.xero.com", false},
		{"*", "https://api.xero.com", true},
	} {
		u, err := url.Parse(c.address)
		if err != nil {
			t.Fatal(err)
		}
		if got := bypassed(c.exceptions, u); got != c.want {
			t.Errorf("%q, %s: %v", c.exceptions, c.address, got)
		}
	}
}

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantProxy(t *testing.T, p *proxies, address, want string) {
	t.Helper()
	proxy, err := p.forRequest(request(t, address))
	got := ""
	if proxy != nil {
		got = proxy.Host
	}
	if err != nil || got != want {
		t.Errorf("%s goes through %q, %v; want %q", address, got, err, want)
	}
}

func TestWhatIsOnThisComputerNeverGoesThroughAProxy(t *testing.T) {
	every := &url.URL{Scheme: "http", Host: "every:1"}
	for name, p := range map[string]*proxies{
		"the environment": {fromEnvironment: http.ProxyURL(every)},
		"the setting":     {setting: func() proxySetting { return proxySetting{server: "every:1", bypass: "<-loopback>"} }},
		"a script": {
			setting:   func() proxySetting { return proxySetting{script: "http://wpad/wpad.dat"} },
			runScript: func(proxySetting, string) (string, error) { return "every:1", nil },
		},
	} {
		for _, host := range []string{"localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.8.7", "[::1]", "[::ffff:127.0.0.1]"} {
			for _, address := range []string{"http://" + host + ":8000/callback", "https://" + host + "/"} {
				if proxy, from, err := p.find(request(t, address)); proxy != nil || err != nil {
					t.Errorf("%s: %s goes through %v of %q, %v", name, address, proxy, from, err)
				}
			}
		}
		wantProxy(t, p, "https://api.xero.com/", "every:1")
		wantProxy(t, p, "https://localhost.example.com/", "every:1")
	}
}

func TestTheEnvironmentCountsBeforeWindowsSetting(t *testing.T) {
	asked := false
	p := &proxies{
		fromEnvironment: func(*http.Request) (*url.URL, error) { return nil, nil }, // NO_PROXY names it
		setting:         func() proxySetting { asked = true; return proxySetting{server: "windows:1"} },
	}
	wantProxy(t, p, "https://api.xero.com/", "")
	if asked {
		t.Error("the setting was read")
	}
	p.fromEnvironment = nil
	wantProxy(t, p, "https://api.xero.com/", "windows:1")
}

func TestAScriptCountsBeforeTheFixedProxyAndFailingLeadsToIt(t *testing.T) {
	for _, c := range []struct {
		list string
		err  error
		want string
	}{
		{"script:1;other:2", nil, "script:1"}, {"", nil, ""}, {"", errors.New("no such script"), "fixed:1"},
	} {
		p := &proxies{
			setting:   func() proxySetting { return proxySetting{server: "fixed:1", detect: true} },
			runScript: func(proxySetting, string) (string, error) { return c.list, c.err },
		}
		wantProxy(t, p, "https://api.xero.com/", c.want)
	}
}

func TestTheSettingIsReadAnewWhenItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, now := 0, proxySetting{server: "office:1"}
		p := &proxies{setting: func() proxySetting { reads++; return now }}
		for range 100 {
			wantProxy(t, p, "https://api.xero.com/", "office:1")
		}
		if reads != 1 {
			t.Errorf("read %d times at once", reads)
		}
		now = proxySetting{}
		time.Sleep(settingFresh)
		wantProxy(t, p, "https://api.xero.com/", "")
	})
}

func TestAScriptIsAskedOnceForManyAndAgainAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked, answer := map[string]int{}, "office:1"
		p := &proxies{
			setting: func() proxySetting { return proxySetting{detect: true} },
			runScript: func(_ proxySetting, address string) (string, error) {
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				asked[address]++
				return answer, nil
			},
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { wantProxy(t, p, "https://api.xero.com/api.xro/2.0/Invoices?page=1", "office:1") })
		}
		all.Wait()
		wantProxy(t, p, "https://identity.xero.com/connect/token", "office:1")
		if len(asked) != 2 || asked["https://api.xero.com/"] != 1 || asked["https://identity.xero.com/"] != 1 {
			t.Errorf("asked %v", asked)
		}
		answer = ""
		time.Sleep(scriptFresh)
		wantProxy(t, p, "https://api.xero.com/", "")
	})
}

func TestAScriptThatIsLateHoldsARequestUpNoLongerThanFourSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &proxies{
			setting:   func() proxySetting { return proxySetting{server: "fixed:1", script: "http://slow/proxy.pac"} },
			runScript: func(proxySetting, string) (string, error) { time.Sleep(20 * time.Second); return "script:1", nil },
		}
		begun := time.Now()
		wantProxy(t, p, "https://api.xero.com/", "fixed:1")
		if took := time.Since(begun); took != scriptPatience {
			t.Errorf("it took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.forRequest(request(t, "https://api.xero.com/").WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a request that is given up meanwhile: %v", err)
		}
		time.Sleep(20 * time.Second)
		wantProxy(t, p, "https://api.xero.com/", "script:1")
	})
}

func TestANetworkWithoutAScriptIsNotSearchedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		searched := 0
		p := &proxies{
			setting:   func() proxySetting { return proxySetting{detect: true} },
			runScript: func(proxySetting, string) (string, error) { searched++; return "", errors.New("none") },
		}
		for range 20 {
			_, _ = p.forRequest(request(t, "https://api.xero.com/"))
			time.Sleep(time.Minute)
		}
		if searched != 2 {
			t.Errorf("searched %d times in 20 minutes", searched)
		}
	})
}

// A forwarder is a proxy of which every connection ends at one server.
type forwarder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
	says int // the status of CONNECT
}

func newForwarder(t *testing.T, to string) *forwarder {
	f := &forwarder{says: http.StatusOK}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r.Method+" "+r.RequestURI)
		says := f.says
		f.mu.Unlock()
		if r.Method != http.MethodConnect || says != http.StatusOK {
			w.WriteHeader(says)
			return
		}
		far, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		near, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(far, buffered); far.Close() }()
		_, _ = io.Copy(near, far)
		near.Close()
	}))
	t.Cleanup(f.Close)
	return f
}

func TestXeroIsReachedThroughTheProxyAndThisComputerIsNot(t *testing.T) {
	far := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	t.Cleanup(far.Close)
	f := newForwarder(t, far.Listener.Addr().String())
	p := &proxies{setting: func() proxySetting { return proxySetting{server: f.Listener.Addr().String(), bypass: "<-loopback>"} }}
	way := DefaultTransport()
	way.Proxy = p.forRequest
	way.TLSClientConfig = far.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	t.Cleanup(way.CloseIdleConnections)

	for _, address := range []string{"https://example.com/", far.URL} { // the certificate is good for both
		resp, err := way.RoundTrip(request(t, address))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if got := strings.Join(f.seen, ", "); got != "CONNECT example.com:443" {
		t.Errorf("the proxy saw %q", got)
	}

	f.says = http.StatusProxyAuthRequired
	_, err := way.RoundTrip(request(t, "https://other.example.com/"))
	if said := unreachable(err); !strings.Contains(said.Message, f.Listener.Addr().String()) || !strings.Contains(said.Message, "name and password") || !isNetwork(err) {
		t.Errorf("%v is said as %q", err, said.Message)
	}
	f.Close()
	_, err = way.RoundTrip(request(t, "https://other.example.com/"))
	if said := unreachable(err); !strings.Contains(said.Message, "The proxy") {
		t.Errorf("%v is said as %q", err, said.Message)
	}
}

func TestWhatOthersDoWithLocalhost(t *testing.T) {
	for _, c := range []struct {
		setting proxySetting
		env     map[string]string
		want    LoopbackProxy
	}{
		{},
		{setting: proxySetting{server: "p:8080", bypass: "<local>"}},
		{setting: proxySetting{server: "p:8080", bypass: "localhost;127.*"}},
		{setting: proxySetting{server: "https=p:8080"}},
		{setting: proxySetting{server: "p:8080", bypass: "*.intra"}, want: LoopbackProxy{Browsers: "p:8080"}},
		{setting: proxySetting{server: "p:8080", bypass: "<-loopback>"}, want: LoopbackProxy{Browsers: "p:8080", Forced: true}},
		{env: map[string]string{"http_proxy": "http://q:3128"}, want: LoopbackProxy{Programs: "q:3128"}},
		{env: map[string]string{"HTTP_PROXY": "q:3128", "NO_PROXY": "example.com,localhost,::1"}},
		{env: map[string]string{"HTTPS_PROXY": "q:3128"}},
	} {
		if got := loopbackProxy(c.setting, func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%+v, %v: %+v, want %+v", c.setting, c.env, got, c.want)
		}
	}
}
