package server

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"sync"
	"time"
)

// Windows' table of TCP connections with the process of each: what of it needs no
// Windows.

// A tcpRow is one end of a connection, or a listener.
type tcpRow struct {
	state         uint32
	local, remote netip.AddrPort
	pid           uint32 // 0: nobody's any more, or not told
}

// The states of a row that matter (MIB_TCP_STATE, tcpmib.h).
const (
	tcpListen      = 2
	tcpEstablished = 5
)

// parseTCPTable reads what GetExtendedTcpTable writes for TCP_TABLE_OWNER_PID_*: a
// count and then rows, MIB_TCPROW_OWNER_PID or MIB_TCP6ROW_OWNER_PID
// (learn.microsoft.com/windows/win32/api/tcpmib). Ports stand in the first two
// bytes of theirs, the higher byte first. Rows that the buffer cuts off are left
// out. An IPv4 address in an IPv6 row, ::ffff:, is taken as what it is.
func parseTCPTable(data []byte, v6 bool) []tcpRow {
	if len(data) < 4 {
		return nil
	}
	count, rest := binary.LittleEndian.Uint32(data), data[4:]
	size := 24
	if v6 {
		size = 56
	}
	count = min(count, uint32(len(rest)/size))
	rows := make([]tcpRow, 0, count)
	for ; count > 0; count-- {
		b := rest[:size]
		rest = rest[size:]
		if v6 { // local address, scope, port; remote address, scope, port; state, pid
			rows = append(rows, tcpRow{
				state:  binary.LittleEndian.Uint32(b[48:]),
				local:  netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[:16])).Unmap(), binary.BigEndian.Uint16(b[20:])),
				remote: netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[24:40])).Unmap(), binary.BigEndian.Uint16(b[44:])),
				pid:    binary.LittleEndian.Uint32(b[52:]),
			})
			continue
		}
		rows = append(rows, tcpRow{ // state; local address, port; remote address, port; pid
			state:  binary.LittleEndian.Uint32(b),
			local:  netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[8:])),
			remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:16])), binary.BigEndian.Uint16(b[16:])),
			pid:    binary.LittleEndian.Uint32(b[20:]),
		})
	}
	return rows
}

// A sharedTable reads a table once for all who ask at a time: many connections at
// once, as in a flood, make it long, and would each read it whole.
type sharedTable struct {
	read func() []tcpRow

	reading chan struct{} // one slot: filled over a read
	mu      sync.Mutex
	next    *tableRead // the one that has not begun
}

func newSharedTable(read func() []tcpRow) *sharedTable {
	return &sharedTable{read: read, reading: make(chan struct{}, 1)}
}

type tableRead struct {
	done chan struct{}
	rows []tcpRow // nobody changes them
}

// rows are those of a read that began after the call.
func (t *sharedTable) rows() []tcpRow {
	t.mu.Lock()
	r, first := t.next, t.next == nil
	if first {
		r = &tableRead{done: make(chan struct{})}
		t.next = r
	}
	t.mu.Unlock()
	if !first {
		<-r.done
		return r.rows
	}
	t.reading <- struct{}{}
	defer func() { <-t.reading }()
	t.mu.Lock()
	t.next = nil // who comes now is too late for this one
	t.mu.Unlock()
	defer close(r.done)
	r.rows = t.read()
	return r.rows
}

// A process as the system lets one see it.
type process struct {
	sid   string    // of the user in whose name it runs
	began time.Time // when it started
}

// What can be said of a process instead.
var (
	errNoProcess = errors.New("no such process")
	errDenied    = errors.New("its owner may not be read")
)

// A system is where connections and their owners are looked up.
type system interface {
	table(v6 bool) []tcpRow
	// process looks at a process and holds it until release: its number is given to
	// no other process meanwhile.
	process(pid uint32) (p process, release func(), err error)
}

// ownerAt says whose the socket is whose own address is there and whose other end
// is here, to one whose SID is own. Only an established connection is taken for
// one's own; another user's is theirs also while it ends. The number of a process
// that has ended goes to a later one, so a process that began after the connection
// was accepted proves nothing, nor does one whose row is another at a second look.
func ownerAt(s system, own string, there, here netip.AddrPort, accepted time.Time) peer {
	v6 := there.Addr().Is6()
	row, ok := findRow(s.table(v6), there, here)
	if !ok && !v6 {
		// The program at the other end may have opened an IPv6 socket.
		v6 = true
		row, ok = findRow(s.table(v6), there, here)
	}
	if !ok {
		return peerUnknown
	}
	p, release, err := s.process(row.pid)
	switch {
	case err == nil:
		defer release()
		if p.began.After(accepted.Add(clockSlack)) {
			return peerUnknown
		}
	case !errors.Is(err, errDenied):
		return peerUnknown
	}
	again, ok := findRow(s.table(v6), there, here)
	switch {
	case !ok || again.pid != row.pid:
		return peerUnknown
	case err != nil, p.sid != own, isService(p.sid):
		return peerOther
	case row.state != tcpEstablished || again.state != tcpEstablished:
		return peerUnknown
	}
	return peerSame
}

// clockSlack is more than the steps in which Windows counts the time, 16 ms, and no
// longer: within it the number of a process that has ended may be another's already.
const clockSlack = 32 * time.Millisecond

func findRow(rows []tcpRow, local, remote netip.AddrPort) (tcpRow, bool) {
	for _, row := range rows {
		if row.pid != 0 && row.state != tcpListen && row.local == local && row.remote == remote {
			return row, true
		}
	}
	return tcpRow{}, false
}

// isService: LocalSystem, LocalService and NetworkService serve every user of the
// computer, so that what comes from them may be anybody's
// (learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers).
func isService(sid string) bool {
	return sid == "S-1-5-18" || sid == "S-1-5-19" || sid == "S-1-5-20"
}
