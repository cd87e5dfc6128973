package wine

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// newNetwork makes a network of loopback alone, which is there for as long as the
// file is open.
func newNetwork() (*os.File, error) {
	type made struct {
		file *os.File
		err  error
	}
	done := make(chan made)
	go func() {
		// A network is a thread's. This goroutine keeps its thread, which ends with it.
		runtime.LockOSThread()
		file, err := enterNewNetwork()
		done <- made{file, err}
	}()
	m := <-done
	return m.file, m.err
}

func enterNewNetwork() (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("unshare: %w", err)
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket)
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return nil, err
	}
	loopback.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback); err != nil {
		return nil, fmt.Errorf("bring up loopback: %w", err)
	}
	// No connection stays in the tables after its end (TIME_WAIT): see OwnNetwork.
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_max_tw_buckets", []byte("0"), 0); err != nil {
		return nil, err
	}
	return os.Open("/proc/thread-self/ns/net")
}
