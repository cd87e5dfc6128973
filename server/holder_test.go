package server

import (
	"net/netip"
	"testing"
)

func TestAHolderIsNamedAsFarAsItIsKnown(t *testing.T) {
	for _, c := range []struct {
		holder      Holder
		long, short string
	}{
		{newHolder("python.exe", 4242), "python.exe (process 4242)", "python.exe"},
		{newHolder("", 4242), "process 4242", "process 4242"},
		{newHolder("", 0), "another program", "another program"},
		{newHolder("a\x1b[31mb\n\u202e", 1), "a[31mb (process 1)", "a[31mb"},
	} {
		if c.holder.String() != c.long || c.holder.Short() != c.short {
			t.Errorf("%q, %q; want %q, %q", c.holder, c.holder.Short(), c.long, c.short)
		}
	}
}

func TestWhoListensAtAllAddressesHasTheLoopbackOnesToo(t *testing.T) {
	for _, c := range []struct {
		there, here string
		want        bool
	}{
		{"127.0.0.1:8000", "127.0.0.1:8000", true},
		{"0.0.0.0:8000", "127.0.0.1:8000", true},
		{"[::]:8000", "127.0.0.1:8000", true},
		{"[::]:8000", "[::1]:8000", true},
		{"[::1]:8000", "[::1]:8000", true},
		{"0.0.0.0:8000", "[::1]:8000", false},
		{"127.0.0.2:8000", "127.0.0.1:8000", false},
		{"[::1]:8000", "127.0.0.1:8000", false},
		{"127.0.0.1:8001", "127.0.0.1:8000", false},
	} {
		if got := stopsListening(netip.MustParseAddrPort(c.there), netip.MustParseAddrPort(c.here)); got != c.want {
			t.Errorf("%s for %s: %v", c.there, c.here, got)
		}
	}
}
