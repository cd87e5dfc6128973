package server

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// ownerOf looks up the socket whose own address is there and whose other end is
// here in the tables of proc(5). An IPv4 connection may stand in tcp6 as ::ffff:,
// when the program at the other end opened an IPv6 socket.
func ownerOf(there, here netip.AddrPort, _ time.Time) peer {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if uid, established, ok := ownerIn(table, there, here); ok {
			return judge(uid, os.Geteuid(), established)
		}
	}
	return peerUnknown
}

// overflowUID stands for every user whom this process's user namespace does not
// know (user_namespaces(7)).
const overflowUID = 65534

// judge takes only an established connection for one of our own. Another user's is
// theirs even after they have said that they will send no more (shutdown(2)).
func judge(uid, own int, established bool) peer {
	switch {
	case uid != own:
		return peerOther
	case uid == overflowUID, !established:
		return peerUnknown
	}
	return peerSame
}

// ownerIn reads one table. Only a row with an inode counts: a connection that its
// owner has closed is listed as uid 0 and inode 0.
func ownerIn(table string, local, remote netip.AddrPort) (uid int, established, found bool) {
	f, err := os.Open(table)
	if err != nil {
		return 0, false, false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// sl local_address rem_address st queues tr:when retrnsmt uid timeout inode …
		row := strings.Fields(lines.Text())
		if len(row) < 10 || row[9] == "0" {
			continue
		}
		if l, ok := parseHexAddress(row[1]); !ok || l != local {
			continue
		}
		if r, ok := parseHexAddress(row[2]); !ok || r != remote {
			continue
		}
		if uid, err := strconv.Atoi(row[7]); err == nil {
			return uid, row[3] == "01", true
		}
	}
	return 0, false, false
}

// parseHexAddress reads the kernel's form: each 32-bit group of the address in
// the machine's byte order, then the port, in hex.
func parseHexAddress(text string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(text, ":")
	if !ok {
		return netip.AddrPort{}, false
	}
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	addr, ok := netip.AddrFromSlice(raw)
	number, err := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), ok && err == nil
}
