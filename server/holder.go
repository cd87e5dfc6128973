package server

import (
	"net/netip"
	"strings"
	"unicode"

	"financial-command-center/assets/words"
)

// A Holder is a program that listens on a port of this computer, as far as the
// system tells: another user's may have neither name nor number.
type Holder struct {
	Program string // "python.exe"
	PID     int
}

// String names it: "python.exe (process 4242)".
func (h Holder) String() string {
	if h.Program != "" && h.PID != 0 {
		return words.Say("holder.named", "Program", h.Program, "PID", h.PID)
	}
	return h.Short()
}

// Short names it where there is little room: "python.exe".
func (h Holder) Short() string {
	switch {
	case h.Program != "":
		return h.Program
	case h.PID != 0:
		return words.Say("holder.numbered", "PID", h.PID)
	}
	return words.Say("holder.unknown")
}

// newHolder leaves out of a program's name what would steer a terminal: programs
// name themselves.
func newHolder(program string, pid int) Holder {
	return Holder{strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, program), pid}
}

// stopsListening reports whether somebody who listens at there keeps others from
// listening at here: at the same address, or at all of them. One who listens at all
// IPv6 addresses may have the IPv4 ones too.
func stopsListening(there, here netip.AddrPort) bool {
	if there.Port() != here.Port() {
		return false
	}
	return there.Addr() == here.Addr() ||
		there.Addr().IsUnspecified() && (there.Addr().Is6() || here.Addr().Is4())
}
