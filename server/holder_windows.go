package server

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/windows"
)

// SeesHolders: PortHolder can tell here.
const SeesHolders = true

// PortHolder says who listens at an address of this computer, and whether anybody
// does.
func PortHolder(at netip.AddrPort) (Holder, bool) {
	for _, row := range append(tcpRows(false, tableListeners), tcpRows(true, tableListeners)...) {
		if row.state == tcpListen && stopsListening(row.local, at) {
			return newHolder(programOf(row.pid), int(row.pid)), true
		}
	}
	return Holder{}, false
}

// programOf is the file name of a process, of whoever it is: the list of processes
// needs no right to any of them. Process 0 is nobody.
func programOf(pid uint32) string {
	if pid == 0 {
		return ""
	}
	list, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(list)
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(list, &entry); err == nil; err = windows.Process32Next(list, &entry) {
		if entry.ProcessID == pid {
			return windows.UTF16ToString(entry.ExeFile[:])
		}
	}
	return ""
}
