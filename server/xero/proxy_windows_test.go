package xero

import (
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/sys/windows/registry"
)

const ownSettings = `Software\FCC-test-of-a-proxy`

func TestThePlainValuesOfTheRegistryAreRead(t *testing.T) {
	key, _, err := registry.CreateKey(registry.CURRENT_USER, ownSettings, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		key.Close()
		if err := registry.DeleteKey(registry.CURRENT_USER, ownSettings); err != nil {
			t.Error(err)
		}
	})
	want := func(want proxySetting) {
		t.Helper()
		if got := registryProxy(registry.CURRENT_USER, ownSettings); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	set := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want(proxySetting{})
	set(key.SetStringValue("ProxyServer", "proxy.example:8080"))
	set(key.SetStringValue("ProxyOverride", "10.*;<local>"))
	want(proxySetting{}) // it is set and turned off
	set(key.SetDWordValue("ProxyEnable", 1))
	want(proxySetting{server: "proxy.example:8080", bypass: "10.*;<local>"})
	set(key.SetDWordValue("ProxyEnable", 0))
	set(key.SetStringValue("AutoConfigURL", "http://intra.example/proxy.pac"))
	want(proxySetting{script: "http://intra.example/proxy.pac"})
}

// connectionSettings is the value that the settings page of Windows writes.
func connectionSettings(flags uint32, proxy, bypass, script string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x46)
	b = binary.LittleEndian.AppendUint32(b, 1)
	b = binary.LittleEndian.AppendUint32(b, flags) // 1 direct, 2 a fixed proxy, 4 a script, 8 look for one
	for _, text := range []string{proxy, bypass, script} {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	return append(b, make([]byte, 32)...)
}

// It is the person's own setting, so it is put back.
func TestTheSettingOfThePersonIsReadAndReadAnew(t *testing.T) {
	const name = "DefaultConnectionSettings"
	key, _, err := registry.CreateKey(registry.CURRENT_USER, internetSettings+`\Connections`, registry.SET_VALUE|registry.QUERY_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	before, _, readErr := key.GetBinaryValue(name)
	t.Cleanup(func() {
		key, err := registry.OpenKey(registry.CURRENT_USER, internetSettings+`\Connections`, registry.SET_VALUE)
		if err != nil {
			t.Fatal(err)
		}
		defer key.Close()
		if readErr == nil {
			err = key.SetBinaryValue(name, before)
		} else {
			err = key.DeleteValue(name)
		}
		if err != nil {
			t.Error(err)
		}
	})
	for _, want := range []proxySetting{
		{server: "office.example:8080", bypass: "*.intra.example;<local>"}, {script: "http://intra.example/proxy.pac"}, {},
	} {
		flags := uint32(1)
		if want.server != "" {
			flags |= 2
		}
		if want.script != "" {
			flags |= 4
		}
		if err := key.SetBinaryValue(name, connectionSettings(flags, want.server, want.bypass, want.script)); err != nil {
			t.Fatal(err)
		}
		if got := systemProxy(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestAProxyScriptIsRun(t *testing.T) {
	script := `function FindProxyForURL(url, host) {
		if (shExpMatch(host, "*.xero.com")) return "PROXY 10.1.2.3:3128; DIRECT";
		return "DIRECT";
	}`
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/proxy.pac" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-ns-proxy-autoconfig")
		_, _ = io.WriteString(w, script)
	}))
	defer far.Close()
	// The first may take long: Wine starts what runs scripts.
	if list, err := runProxyScript(proxySetting{script: far.URL + "/proxy.pac"}, "https://api.xero.com/"); err != nil || list != "10.1.2.3:3128" {
		t.Fatalf("%q, %v", list, err)
	}
	p := &proxies{setting: func() proxySetting { return proxySetting{script: far.URL + "/proxy.pac"} }, runScript: runProxyScript}
	wantProxy(t, p, "https://api.xero.com/", "10.1.2.3:3128")
	wantProxy(t, p, "https://example.com/", "")
	p = &proxies{setting: func() proxySetting { return proxySetting{server: "fixed:1", script: far.URL + "/gone.pac"} }, runScript: runProxyScript}
	wantProxy(t, p, "https://api.xero.com/", "fixed:1")
}
