package cli

import (
	"bytes"
	"testing"

	"financial-command-center/server/xero"
)

func TestANameFromXeroCannotSteerTheTerminal(t *testing.T) {
	var out bytes.Buffer
	c := &call{Program: Program{Stdout: &out, Stderr: &out}}
	c.signedIn([]xero.Organisation{{Name: "Kauri\x1b]0;owned\x07 &\u00a0\u202eSons\u009b31m\r\t<b>Ā</b>"}})
	if got := out.String(); got != "Signed in. FCC reaches Kauri]0;owned & Sons31m  <b>Ā</b>.\n" {
		t.Errorf("%q", got)
	}
}
