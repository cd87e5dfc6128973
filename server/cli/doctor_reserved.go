package cli

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"financial-command-center/server"
)

// Windows reserves ranges of ports, mostly for Hyper-V, WSL and containers, anew at
// each start of the computer. A port among them can be had by nobody, though nobody
// listens there (learn.microsoft.com/windows-server/networking/technologies/netsh/netsh-interface).

// A portRange is one that Windows has reserved.
type portRange struct{ first, last int }

func (r portRange) holds(port int) bool { return r.first <= port && port <= r.last }

// reservedRow is a line of netsh's table: first port, last port, and an asterisk
// where an administrator has set the port apart, which keeps nobody from it who
// asks for it by number. Words differ with the language of Windows, numbers do not.
var reservedRow = regexp.MustCompile(`(?m)^[ \t]*(\d{1,5})[ \t]+(\d{1,5})[ \t]*(\*?)[ \t]*\r?$`)

func parseReserved(text string) (ranges []portRange) {
	for _, row := range reservedRow.FindAllStringSubmatch(text, -1) {
		first, _ := strconv.Atoi(row[1])
		last, _ := strconv.Atoi(row[2])
		if row[3] == "" && first <= last && last <= 65535 {
			ranges = append(ranges, portRange{first, last})
		}
	}
	return ranges
}

// A command runs a program of the system and returns what it printed.
type command func(ctx context.Context, name string, args ...string) ([]byte, error)

// checkReserved looks whether one of the ports lies in a reserved range.
func checkReserved(ctx context.Context, run command, ports []int) server.Check {
	const name = "Reserved ports"
	var asked []string
	for _, family := range []string{"ipv4", "ipv6"} {
		args := []string{"interface", family, "show", "excludedportrange", "protocol=tcp"}
		shown := "netsh " + strings.Join(args, " ")
		ctx, cancel := bounded(ctx)
		text, err := run(ctx, "netsh", args...)
		cancel()
		if err != nil {
			return warn(name, fmt.Sprintf("Windows could not be asked: %v", err), "Look yourself, in a command window: "+shown)
		}
		for _, r := range parseReserved(string(text)) {
			for _, port := range ports {
				if r.holds(port) {
					return warn(name, fmt.Sprintf("Windows has reserved %d to %d, and %d with them (%s)", r.first, r.last, port, shown),
						fmt.Sprintf("FCC takes another of its ports meanwhile. To have it back, as an administrator: net stop winnat, then netsh interface %s add excludedportrange protocol=tcp startport=%d numberofports=1, then net start winnat. Or restart the computer.", family, port))
				}
			}
		}
		asked = append(asked, shown)
	}
	return well(name, "none of FCC's ports is reserved ("+strings.Join(asked, ", ")+")")
}
