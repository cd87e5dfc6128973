//go:build !windows

package assets

import _ "embed"

// The icons of the tray, one for each thing it has to say, in the form that the
// system's tray wants.
var (
	//go:embed icons/signed-in.png
	IconSignedIn []byte
	//go:embed icons/working.png
	IconWorking []byte
	//go:embed icons/attention.png
	IconAttention []byte
	//go:embed icons/signed-out.png
	IconSignedOut []byte
)
