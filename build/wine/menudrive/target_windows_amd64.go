package main

import (
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A target is the program whose menu is read: a page of memory in it, through
// which functions of its user32.dll are called.
type target struct {
	process windows.Handle
	page    uintptr
	moved   int64 // where user32.dll lies there, less where it lies here
}

// The page: code, then the arguments it takes, then what they point to.
const (
	atCall = 0x40
	atItem = 0x100
	atText = 0x200
	size   = 0x1000
	text   = 256 // letters, less the last 0
)

// A call is what the code is given, and where it leaves the result.
type call struct {
	function uintptr
	args     [4]uintptr
	result   uintptr
}

// code calls the function of a call whose address is its own argument, by the
// convention of learn.microsoft.com/cpp/build/x64-calling-convention.
const code = "\x53" + // push rbx
	"\x48\x83\xec\x20" + // sub rsp, 32
	"\x48\x89\xcb" + // mov rbx, rcx
	"\x48\x8b\x4b\x08" + // mov rcx, [rbx+8]
	"\x48\x8b\x53\x10" + // mov rdx, [rbx+16]
	"\x4c\x8b\x43\x18" + // mov r8, [rbx+24]
	"\x4c\x8b\x4b\x20" + // mov r9, [rbx+32]
	"\xff\x13" + // call [rbx]
	"\x48\x89\x43\x28" + // mov [rbx+40], rax
	"\x48\x83\xc4\x20" + // add rsp, 32
	"\x5b" + // pop rbx
	"\xc3" // ret

var (
	kernel             = windows.NewLazySystemDLL("kernel32.dll")
	virtualAllocEx     = kernel.NewProc("VirtualAllocEx")
	virtualFreeEx      = kernel.NewProc("VirtualFreeEx")
	createRemoteThread = kernel.NewProc("CreateRemoteThread")
)

func attach(pid uint32) (*target, error) {
	process, err := windows.OpenProcess(windows.PROCESS_ALL_ACCESS, false, pid)
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	t := &target{process: process}
	if t.moved, err = moved(pid); err != nil {
		t.close()
		return nil, err
	}
	t.page, _, err = virtualAllocEx.Call(uintptr(process), 0, size, windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_EXECUTE_READWRITE)
	if t.page == 0 {
		t.close()
		return nil, fmt.Errorf("VirtualAllocEx: %w", err)
	}
	if err := t.write(0, unsafe.Pointer(unsafe.StringData(code)), uintptr(len(code))); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *target) close() {
	if t.page != 0 {
		_, _, _ = virtualFreeEx.Call(uintptr(t.process), t.page, 0, windows.MEM_RELEASE)
	}
	_ = windows.CloseHandle(t.process)
}

func moved(pid uint32) (int64, error) {
	modules, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPMODULE, pid)
	if err != nil {
		return 0, fmt.Errorf("list the DLLs of process %d: %w", pid, err)
	}
	defer windows.CloseHandle(modules)
	m := windows.ModuleEntry32{Size: uint32(unsafe.Sizeof(windows.ModuleEntry32{}))}
	for err = windows.Module32First(modules, &m); err == nil; err = windows.Module32Next(modules, &m) {
		if strings.EqualFold(windows.UTF16ToString(m.Module[:]), "user32.dll") {
			return int64(m.ModBaseAddr) - int64(user.Handle()), nil
		}
	}
	return 0, fmt.Errorf("process %d has no user32.dll: %w", pid, err)
}

func (t *target) write(at uintptr, from unsafe.Pointer, n uintptr) error {
	return windows.WriteProcessMemory(t.process, t.page+at, (*byte)(from), n, nil)
}

func (t *target) read(at uintptr, to unsafe.Pointer, n uintptr) error {
	return windows.ReadProcessMemory(t.process, t.page+at, (*byte)(to), n, nil)
}

// call calls a function of user32.dll inside the target.
func (t *target) call(name string, args ...uintptr) (uintptr, error) {
	c := call{function: uintptr(int64(user.NewProc(name).Addr()) + t.moved)}
	copy(c.args[:], args)
	if err := t.write(atCall, unsafe.Pointer(&c), unsafe.Sizeof(c)); err != nil {
		return 0, err
	}
	thread, _, err := createRemoteThread.Call(uintptr(t.process), 0, 0, t.page, t.page+atCall, 0, 0)
	if thread == 0 {
		return 0, fmt.Errorf("CreateRemoteThread: %w", err)
	}
	defer windows.CloseHandle(windows.Handle(thread))
	if ended, err := windows.WaitForSingleObject(windows.Handle(thread), uint32(patience.Milliseconds())); ended != windows.WAIT_OBJECT_0 {
		return 0, fmt.Errorf("%s does not return: %d, %v", name, ended, err)
	}
	err = t.read(atCall, unsafe.Pointer(&c), unsafe.Sizeof(c))
	return c.result, err
}

// menuItemInfo is MENUITEMINFOW,
// learn.microsoft.com/windows/win32/api/winuser/ns-winuser-menuiteminfow.
type menuItemInfo struct {
	size, mask, kind, state, id       uint32
	submenu, checked, unchecked, data uintptr
	text                              uintptr
	letters                           uint32
	picture                           uintptr
}

const (
	wantedOfItem = 0x1 | 0x2 | 0x4 | 0x40 | 0x100 // MIIM_STATE, _ID, _SUBMENU, _STRING, _FTYPE
	isDisabled   = 0x3                            // MFS_DISABLED
	isChecked    = 0x8                            // MFS_CHECKED
)

// lines reads a menu and its submenus.
func (t *target) lines(menu uintptr) ([]line, error) {
	count, err := t.call("GetMenuItemCount", menu)
	if err != nil {
		return nil, err
	}
	if int32(count) < 0 {
		return nil, fmt.Errorf("%#x is no menu", menu)
	}
	lines := make([]line, 0, count)
	for i := range count {
		item := menuItemInfo{mask: wantedOfItem, text: t.page + atText, letters: text}
		item.size = uint32(unsafe.Sizeof(item))
		var label [text + 1]uint16
		if err := t.write(atItem, unsafe.Pointer(&item), unsafe.Sizeof(item)); err != nil {
			return nil, err
		}
		if err := t.write(atText, unsafe.Pointer(&label), unsafe.Sizeof(label)); err != nil {
			return nil, err
		}
		if ok, err := t.call("GetMenuItemInfoW", menu, i, 1, t.page+atItem); err != nil || ok == 0 {
			return nil, fmt.Errorf("line %d cannot be read: %v", i, err)
		}
		if err := t.read(atItem, unsafe.Pointer(&item), unsafe.Sizeof(item)); err != nil {
			return nil, err
		}
		if err := t.read(atText, unsafe.Pointer(&label), unsafe.Sizeof(label)); err != nil {
			return nil, err
		}
		l := line{
			Label: windows.UTF16ToString(label[:]), id: item.id,
			Disabled: item.state&isDisabled != 0, Checked: item.state&isChecked != 0,
		}
		if item.submenu != 0 {
			if l.Under, err = t.lines(item.submenu); err != nil {
				return nil, err
			}
		}
		lines = append(lines, l)
	}
	return lines, nil
}
