package assets

import _ "embed"

// The icons of the tray, one for each thing it has to say, in the form that the
// system's tray wants.
var (
	//go:embed icons/signed-in.ico
	IconSignedIn []byte
	//go:embed icons/working.ico
	IconWorking []byte
	//go:embed icons/attention.ico
	IconAttention []byte
	//go:embed icons/signed-out.ico
	IconSignedOut []byte
)
