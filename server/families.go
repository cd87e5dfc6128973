package server

import "strings"

// A family is one of Xero's APIs, by the name that keys are limited to it with.
type family struct{ name, prefix string }

// families are Xero's APIs that the gateway reaches: paths there are paths here. A
// longer prefix stands before the one that it begins with.
var families = []family{
	{"accounting", "/api.xro/"},
	{"assets", "/assets.xro/"},
	{"files", "/files.xro/"},
	{"payroll", "/payroll.xro/"},
	{"projects", "/projects.xro/"},
}

// familyOf is the family that path belongs to, "" for none.
func familyOf(path string) string {
	for _, f := range families {
		if strings.HasPrefix(path, f.prefix) {
			return f.name
		}
	}
	return ""
}
