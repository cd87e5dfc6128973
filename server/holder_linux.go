package server

import (
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SeesHolders: PortHolder can tell here.
const SeesHolders = true

// PortHolder says who listens at an address of this computer, and whether anybody
// does. The tables of proc(5) name the socket, and the folders of the processes that
// this user may look into name its owner.
func PortHolder(at netip.AddrPort) (Holder, bool) {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			row := strings.Fields(line)
			if len(row) < 10 || row[3] != "0A" { // TCP_LISTEN
				continue
			}
			if local, ok := parseHexAddress(row[1]); ok && stopsListening(local, at) {
				return holderOf("socket:[" + row[9] + "]"), true
			}
		}
	}
	return Holder{}, false
}

func holderOf(socket string) Holder {
	open, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range open {
		if to, err := os.Readlink(fd); err != nil || to != socket {
			continue
		}
		folder := filepath.Dir(filepath.Dir(fd))
		name, _ := os.ReadFile(filepath.Join(folder, "comm"))
		pid, _ := strconv.Atoi(filepath.Base(folder))
		return newHolder(strings.TrimSpace(string(name)), pid)
	}
	return Holder{}
}
