//go:build !windows

package xero

import "errors"

// systemProxy: desktops here tell programs of a proxy by the environment, if at all.
func systemProxy() proxySetting { return proxySetting{} }

func runProxyScript(proxySetting, string) (string, error) {
	return "", errors.New("there are no proxy scripts here")
}
