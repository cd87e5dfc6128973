// Package assets holds what is shown: icons, pages and styles.
package assets

import _ "embed"

// Icon is the program's own icon, as /favicon.ico gives it out.
//
//go:embed icons/favicon.ico
var Icon []byte
