package wine

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// newNetwork makes a network of loopback alone, which is there for as long as the
// file is open.
func newNetwork() (*os.File, error) { return apart(enterNewNetwork) }

// dialIn connects within a network. The address is one, and no name: then the
// connection is made in the thread that asks.
func dialIn(ctx context.Context, in *os.File, network, address string) (net.Conn, error) {
	return apart(func() (net.Conn, error) {
		if err := unix.Setns(int(in.Fd()), unix.CLONE_NEWNET); err != nil {
			return nil, fmt.Errorf("enter the network: %w", err)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	})
}

// apart runs f in a thread that ends with it: a network is a thread's.
func apart[T any](f func() (T, error)) (result T, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		result, err = f()
	}()
	<-done
	return result, err
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
