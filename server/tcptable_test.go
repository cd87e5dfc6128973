package server

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The table as Windows writes it. What Wine cannot show is shown here: another
// user's SID, services, processes that may not be read, owners of IPv6 connections.

// A fakeSystem is Windows' two tables and the processes in them.
type fakeSystem struct {
	v4, v6    [][]byte
	second    func(*fakeSystem) // happens before the second look
	processes map[uint32]process
	denied    map[uint32]bool
	held      int
}

func table(rows [][]byte) []byte {
	data := binary.LittleEndian.AppendUint32(nil, uint32(len(rows)))
	for _, row := range rows {
		data = append(data, row...)
	}
	return append(data, 0xcc, 0xcc, 0xcc) // the buffer may be larger
}

func (f *fakeSystem) table(v6 bool) []tcpRow {
	if v6 {
		return parseTCPTable(table(f.v6), true)
	}
	return parseTCPTable(table(f.v4), false)
}

func (f *fakeSystem) process(pid uint32) (process, func(), error) {
	if f.second != nil {
		defer f.second(f)
	}
	if f.denied[pid] {
		return process{}, nil, errDenied
	}
	p, ok := f.processes[pid]
	if !ok {
		return process{}, nil, errNoProcess
	}
	f.held++
	return p, func() { f.held-- }, nil
}

// port writes one as the table has it: big endian, and the upper half undefined.
func port(n uint16) []byte { return append(binary.BigEndian.AppendUint16(nil, n), 0xab, 0xcd) }

func row4(state uint32, local, remote string, pid uint32) []byte {
	l, r := netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
	row := binary.LittleEndian.AppendUint32(nil, state)
	row = append(append(row, l.Addr().AsSlice()...), port(l.Port())...)
	row = append(append(row, r.Addr().AsSlice()...), port(r.Port())...)
	return binary.LittleEndian.AppendUint32(row, pid)
}

func row6(state uint32, local, remote string, pid uint32) []byte {
	l, r := netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
	var row []byte
	for _, end := range []netip.AddrPort{l, r} {
		addr := end.Addr().As16()
		row = append(append(append(row, addr[:]...), 0, 0, 0, 0), port(end.Port())...)
	}
	row = binary.LittleEndian.AppendUint32(row, state)
	return binary.LittleEndian.AppendUint32(row, pid)
}

const (
	mine, theirs = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
	client       = "127.0.0.1:50123"
	fcc          = "127.0.0.1:8000"
	client6      = "[::1]:50123"
	fcc6         = "[::1]:8000"
)

func TestWhoIsAtTheOtherEndOnWindows(t *testing.T) {
	accepted := time.Now()
	before, after := accepted.Add(-time.Hour), accepted.Add(time.Minute)
	one := func(sid string) map[uint32]process { return map[uint32]process{7: {sid, before}} }
	established := [][]byte{row4(5, client, fcc, 7)}
	for name, c := range map[string]struct {
		system      fakeSystem
		own         string
		there, here string
		want        peer
	}{
		"the same user":                        {system: fakeSystem{v4: established, processes: one(mine)}, want: peerSame},
		"another user":                         {system: fakeSystem{v4: established, processes: one(theirs)}, want: peerOther},
		"a user whose SID begins like it":      {system: fakeSystem{v4: established, processes: one(mine + "0")}, want: peerOther},
		"LocalSystem":                          {system: fakeSystem{v4: established, processes: one("S-1-5-18")}, want: peerOther},
		"LocalService":                         {system: fakeSystem{v4: established, processes: one("S-1-5-19")}, want: peerOther},
		"NetworkService":                       {system: fakeSystem{v4: established, processes: one("S-1-5-20")}, want: peerOther},
		"LocalSystem, to one that runs as it":  {system: fakeSystem{v4: established, processes: one("S-1-5-18")}, own: "S-1-5-18", want: peerOther},
		"a process that may not be read":       {system: fakeSystem{v4: established, denied: map[uint32]bool{7: true}}, want: peerOther},
		"a process that is gone":               {system: fakeSystem{v4: established}, want: peerUnknown},
		"a process that began later":           {system: fakeSystem{v4: established, processes: map[uint32]process{7: {mine, after}}}, want: peerUnknown},
		"another's process that began later":   {system: fakeSystem{v4: established, processes: map[uint32]process{7: {theirs, after}}}, want: peerUnknown},
		"a process that began soon after":      {system: fakeSystem{v4: established, processes: map[uint32]process{7: {mine, accepted.Add(200 * time.Millisecond)}}}, want: peerUnknown},
		"a row without a process":              {system: fakeSystem{v4: [][]byte{row4(5, client, fcc, 0)}, processes: map[uint32]process{0: {mine, before}}}, want: peerUnknown},
		"no row":                               {system: fakeSystem{processes: one(mine)}, want: peerUnknown},
		"the server's own row alone":           {system: fakeSystem{v4: [][]byte{row4(5, fcc, client, 7)}, processes: one(mine)}, want: peerUnknown},
		"the port alone":                       {system: fakeSystem{v4: [][]byte{row4(5, client, "127.0.0.1:8001", 7), row4(5, "127.0.0.2:50123", fcc, 7)}, processes: one(mine)}, want: peerUnknown},
		"the same user, closing":               {system: fakeSystem{v4: [][]byte{row4(8, client, fcc, 7)}, processes: one(mine)}, want: peerUnknown},
		"another user, closing":                {system: fakeSystem{v4: [][]byte{row4(8, client, fcc, 7)}, processes: one(theirs)}, want: peerOther},
		"a listener":                           {system: fakeSystem{v4: [][]byte{row4(2, client, fcc, 7)}, processes: one(mine)}, want: peerUnknown},
		"IPv6, the same user":                  {system: fakeSystem{v6: [][]byte{row6(5, client6, fcc6, 7)}, processes: one(mine)}, there: client6, here: fcc6, want: peerSame},
		"IPv6, another user":                   {system: fakeSystem{v6: [][]byte{row6(5, client6, fcc6, 7)}, processes: one(theirs)}, there: client6, here: fcc6, want: peerOther},
		"IPv6, no process":                     {system: fakeSystem{v6: [][]byte{row6(5, client6, fcc6, 0)}, processes: one(mine)}, there: client6, here: fcc6, want: peerUnknown},
		"IPv4 in an IPv6 row":                  {system: fakeSystem{v6: [][]byte{row6(5, "[::ffff:127.0.0.1]:50123", "[::ffff:127.0.0.1]:8000", 7)}, processes: one(mine)}, want: peerSame},
		"among many":                           {system: fakeSystem{v4: append(many(300), established...), v6: [][]byte{row6(5, client6, fcc6, 9)}, processes: one(mine)}, want: peerSame},
		"gone at the second look":              {system: fakeSystem{v4: established, processes: one(mine), second: func(f *fakeSystem) { f.v4 = nil }}, want: peerUnknown},
		"another process at the second look":   {system: fakeSystem{v4: established, processes: one(mine), second: func(f *fakeSystem) { f.v4 = [][]byte{row4(5, client, fcc, 8)} }}, want: peerUnknown},
		"closing at the second look":           {system: fakeSystem{v4: established, processes: one(mine), second: func(f *fakeSystem) { f.v4 = [][]byte{row4(8, client, fcc, 7)} }}, want: peerUnknown},
		"unreadable, gone at the second look":  {system: fakeSystem{v4: established, denied: map[uint32]bool{7: true}, second: func(f *fakeSystem) { f.v4 = nil }}, want: peerUnknown},
		"another user, closing at second look": {system: fakeSystem{v4: established, processes: one(theirs), second: func(f *fakeSystem) { f.v4 = [][]byte{row4(8, client, fcc, 7)} }}, want: peerOther},
	} {
		if c.own == "" {
			c.own = mine
		}
		if c.there == "" {
			c.there, c.here = client, fcc
		}
		got := ownerAt(&c.system, c.own, netip.MustParseAddrPort(c.there), netip.MustParseAddrPort(c.here), accepted)
		if got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		if c.system.held != 0 {
			t.Errorf("%s: %d processes are still held", name, c.system.held)
		}
	}
}

func many(n int) (rows [][]byte) {
	for i := range n {
		rows = append(rows, row4(5, netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(1000+i)).String(), fcc, 9))
	}
	return rows
}

func TestATableThatIsCutOffIsReadAsFarAsItGoes(t *testing.T) {
	whole := table([][]byte{row4(5, client, fcc, 7), row4(2, fcc, "0.0.0.0:0", 8)})
	whole = whole[:len(whole)-3]
	for length := range whole {
		rows := parseTCPTable(whole[:length], false)
		if want := max(0, length-4) / 24; len(rows) != want {
			t.Errorf("%d bytes: %d rows, want %d", length, len(rows), want)
		}
	}
	rows := parseTCPTable(whole, false)
	if len(rows) != 2 || rows[0].pid != 7 || rows[1].state != tcpListen || rows[1].local.String() != fcc {
		t.Errorf("%+v", rows)
	}
	if rows := parseTCPTable([]byte{0xff, 0xff, 0xff, 0xff}, true); len(rows) != 0 {
		t.Errorf("%+v", rows)
	}
}

func TestATableIsReadOnceForAllWhoAskMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int32
		shared := newSharedTable(func() []tcpRow {
			n := reads.Add(1)
			time.Sleep(time.Second)
			return []tcpRow{{pid: uint32(n)}}
		})
		var all sync.WaitGroup
		ask := func(want uint32) {
			all.Go(func() {
				if got := shared.rows()[0].pid; got != want {
					t.Errorf("read %d, want one that began after the question: %d", got, want)
				}
			})
			synctest.Wait()
		}
		ask(1)
		for range 50 { // while the first is read
			ask(2)
		}
		time.Sleep(1500 * time.Millisecond)
		for range 50 { // while the second is
			ask(3)
		}
		all.Wait()
		if n := reads.Load(); n != 3 {
			t.Errorf("read %d times", n)
		}
	})
}
