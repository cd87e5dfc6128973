package server

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// peer says whose process is at the other end of a connection.
type peer int

const (
	peerUnknown peer = iota // cannot be proved
	peerSame                // this OS user's
	peerOther               // another OS user's
)

type peerKey struct{}

// withPeer has the owner of each connection's other end asked for, once, at the
// first request: the accept loop never waits for it.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	accepted := time.Now()
	return context.WithValue(ctx, peerKey{}, sync.OnceValue(func() peer {
		here, ok := address(conn.LocalAddr())
		there, too := address(conn.RemoteAddr())
		if !ok || !too {
			return peerUnknown
		}
		return ownerOf(there, here, accepted)
	}))
}

func address(a net.Addr) (netip.AddrPort, bool) {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port()), ap.IsValid()
}

// peerOf is who sent r.
func peerOf(r *http.Request) peer {
	if ask, ok := r.Context().Value(peerKey{}).(func() peer); ok {
		return ask()
	}
	return peerUnknown
}
