package server

import (
	"errors"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// ownerOf looks up the socket whose own address is there and whose other end is
// here in the system's table, then its process, then that one's user. The same user
// in another session of a terminal server is the same user.
func ownerOf(there, here netip.AddrPort, accepted time.Time) peer {
	own, err := ownSID()
	if err != nil {
		return peerUnknown
	}
	return ownerAt(windowsSystem{}, own, there, here, accepted)
}

var ownSID = sync.OnceValues(func() (string, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", err
	}
	return user.User.Sid.String(), nil
})

type windowsSystem struct{}

var (
	connections4 = newSharedTable(func() []tcpRow { return tcpRows(false, tableConnections) })
	connections6 = newSharedTable(func() []tcpRow { return tcpRows(true, tableConnections) })
)

func (windowsSystem) table(v6 bool) []tcpRow {
	if v6 {
		return connections6.rows()
	}
	return connections4.rows()
}

func (windowsSystem) process(pid uint32) (p process, release func(), err error) {
	handle, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return p, nil, whyNoOwner(err)
	}
	release = func() { _ = windows.CloseHandle(handle) }
	if p, err = lookAt(handle); err != nil {
		release()
		return p, nil, whyNoOwner(err)
	}
	return p, release, nil
}

func lookAt(handle windows.Handle) (p process, err error) {
	var token windows.Token
	if err := windows.OpenProcessToken(handle, windows.TOKEN_QUERY, &token); err != nil {
		return p, err
	}
	defer token.Close()
	user, err := token.GetTokenUser()
	if err != nil {
		return p, err
	}
	var began, ended, kernel, other windows.Filetime
	if err := windows.GetProcessTimes(handle, &began, &ended, &kernel, &other); err != nil {
		return p, err
	}
	return process{user.User.Sid.String(), time.Unix(0, began.Nanoseconds())}, nil
}

// whyNoOwner: OpenProcess says ERROR_INVALID_PARAMETER for a number that no process
// has (learn.microsoft.com/windows/win32/api/processthreadsapi/nf-processthreadsapi-openprocess).
func whyNoOwner(err error) error {
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return errDenied
	}
	return errNoProcess
}

// Classes of table (TCP_TABLE_CLASS, iprtrmib.h).
const (
	tableListeners   = 3 // TCP_TABLE_OWNER_PID_LISTENER
	tableConnections = 4 // TCP_TABLE_OWNER_PID_CONNECTIONS: all but the listeners
)

var getExtendedTCPTable = windows.NewLazySystemDLL("iphlpapi.dll").NewProc("GetExtendedTcpTable")

// tcpRows reads a table, or nothing if the system does not give it. It may grow
// between the question for its size and the reading: hence the tries.
func tcpRows(v6 bool, class uintptr) []tcpRow {
	family := uintptr(windows.AF_INET)
	if v6 {
		family = windows.AF_INET6
	}
	size := uint32(16 << 10)
	for range 8 {
		buf := make([]byte, size)
		code, _, _ := getExtendedTCPTable.Call(uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&size)), 0, family, class, 0)
		switch windows.Errno(code) {
		case windows.NO_ERROR:
			return parseTCPTable(buf, v6)
		case windows.ERROR_INSUFFICIENT_BUFFER:
			size += size / 4
		default:
			return nil
		}
	}
	return nil
}
