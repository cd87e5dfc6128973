// Command relay passes connections on to another address, for the tests of build/wine: what
// comes to FCC through one that runs in its Windows comes from that Windows' user.
// Wine cannot tell FCC who the user of a program of Linux is.
//
//	relay 127.0.0.1:PORT
//
// It prints the address on which it listens, and runs until it is killed.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: relay HOST:PORT")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	for {
		near, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go relay(near.(*net.TCPConn), os.Args[1])
	}
}

// relay passes on what each side says until both have ended.
func relay(near *net.TCPConn, address string) {
	defer near.Close()
	far, err := net.Dial("tcp4", address)
	if err != nil {
		log.Print(err)
		return
	}
	defer far.Close()
	back := make(chan struct{})
	go func() {
		pass(near, far.(*net.TCPConn))
		close(back)
	}()
	pass(far.(*net.TCPConn), near)
	<-back
}

func pass(to, from *net.TCPConn) {
	_, _ = io.Copy(to, from) // a side that breaks off has ended
	_ = to.CloseWrite()
}
