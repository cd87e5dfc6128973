//go:build !linux && !windows

package server

import "net/netip"

// SeesHolders: PortHolder can tell here.
const SeesHolders = false

// PortHolder cannot tell here.
func PortHolder(netip.AddrPort) (Holder, bool) { return Holder{}, false }
