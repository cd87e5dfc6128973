package xero

import (
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// WinHTTP knows the setting of the person, which a policy may have made the
// machine's, and runs proxy scripts (learn.microsoft.com/windows/win32/winhttp/autoproxy-issues-in-winhttp).
var (
	winhttp          = windows.NewLazySystemDLL("winhttp.dll")
	currentUserProxy = winhttp.NewProc("WinHttpGetIEProxyConfigForCurrentUser")
	httpOpen         = winhttp.NewProc("WinHttpOpen")
	httpSetTimeouts  = winhttp.NewProc("WinHttpSetTimeouts")
	proxyForURL      = winhttp.NewProc("WinHttpGetProxyForUrl")
	globalFree       = windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalFree")
)

// taken copies a text that WinHTTP has made, and frees it.
func taken(text *uint16) string {
	if text == nil {
		return ""
	}
	defer globalFree.Call(uintptr(unsafe.Pointer(text)))
	return windows.UTF16PtrToString(text)
}

// systemProxy reads the setting as it is now. Where WinHTTP has none, the plain
// values of the registry count: some scripts set only those.
func systemProxy() proxySetting {
	var c struct { // WINHTTP_CURRENT_USER_IE_PROXY_CONFIG
		detect                int32
		script, proxy, bypass *uint16
	}
	var s proxySetting
	if currentUserProxy.Find() == nil {
		if ok, _, _ := currentUserProxy.Call(uintptr(unsafe.Pointer(&c))); ok != 0 {
			s = proxySetting{server: taken(c.proxy), bypass: taken(c.bypass), script: taken(c.script), detect: c.detect != 0}
		}
	}
	if s.server == "" && s.script == "" {
		if kept := registryProxy(registry.CURRENT_USER, internetSettings); kept != (proxySetting{}) {
			kept.detect = s.detect
			return kept
		}
	}
	return s
}

const internetSettings = `Software\Microsoft\Windows\CurrentVersion\Internet Settings`

func registryProxy(root registry.Key, path string) (s proxySetting) {
	key, err := registry.OpenKey(root, path, registry.QUERY_VALUE)
	if err != nil {
		return s
	}
	defer key.Close()
	if on, _, err := key.GetIntegerValue("ProxyEnable"); err == nil && on != 0 {
		s.server, _, _ = key.GetStringValue("ProxyServer")
		s.bypass, _, _ = key.GetStringValue("ProxyOverride")
	}
	s.script, _, _ = key.GetStringValue("AutoConfigURL")
	return s
}

// Names and numbers of winhttp.h.
const (
	accessNoProxy    = 1 // WINHTTP_ACCESS_TYPE_NO_PROXY
	accessNamedProxy = 3 // WINHTTP_ACCESS_TYPE_NAMED_PROXY

	autoDetect    = 1 // WINHTTP_AUTOPROXY_AUTO_DETECT
	autoConfigURL = 2 // WINHTTP_AUTOPROXY_CONFIG_URL
	detectAny     = 3 // WINHTTP_AUTO_DETECT_TYPE_DHCP | WINHTTP_AUTO_DETECT_TYPE_DNS_A

	loginFailure = windows.Errno(12015) // ERROR_WINHTTP_LOGIN_FAILURE

	scriptStep = 5000 // milliseconds for each step of fetching a script
)

// A WinHTTP session keeps the scripts that it has fetched.
var httpSession = sync.OnceValues(func() (uintptr, error) {
	if err := httpOpen.Find(); err != nil {
		return 0, err
	}
	h, _, err := httpOpen.Call(0, accessNoProxy, 0, 0, 0)
	if h == 0 {
		return 0, fmt.Errorf("WinHttpOpen: %w", err)
	}
	httpSetTimeouts.Call(h, scriptStep, scriptStep, scriptStep, scriptStep)
	return h, nil
})

// runProxyScript has Windows find the proxy for an address by the script that is
// set, else by one that the network offers.
func runProxyScript(s proxySetting, address string) (string, error) {
	session, err := httpSession()
	if err != nil {
		return "", err
	}
	to, err := windows.UTF16PtrFromString(address)
	if err != nil {
		return "", err
	}
	type options struct { // WINHTTP_AUTOPROXY_OPTIONS
		flags, detect uint32
		script        *uint16
		reserved      uintptr
		reserved2     uint32
		logon         int32 // only where a first try was refused: it is slower
	}
	var ways []options
	if s.script != "" {
		script, err := windows.UTF16PtrFromString(s.script)
		if err != nil {
			return "", err
		}
		ways = append(ways, options{flags: autoConfigURL, script: script})
	}
	if s.detect {
		ways = append(ways, options{flags: autoDetect, detect: detectAny})
	}
	for _, o := range ways {
		for _, o.logon = range []int32{0, 1} {
			var found struct { // WINHTTP_PROXY_INFO
				access        uint32
				proxy, bypass *uint16
			}
			var ok uintptr
			ok, _, err = proxyForURL.Call(session, uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(&o)), uintptr(unsafe.Pointer(&found)))
			if ok != 0 {
				list := taken(found.proxy)
				taken(found.bypass)
				if found.access != accessNamedProxy {
					list = ""
				}
				return list, nil
			}
			if err != loginFailure {
				break
			}
		}
	}
	return "", fmt.Errorf("WinHttpGetProxyForUrl: %w", err)
}
