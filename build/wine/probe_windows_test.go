package wine_test

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strconv"
	"testing"

	"fyne.io/systray"
	"golang.org/x/sys/windows"

	"financial-command-center/assets"
)

// The test binary for Windows is the program that the tests of Linux run in Wine.
func TestMain(m *testing.M) {
	verb, ok := os.LookupEnv(asProbe)
	if !ok {
		os.Exit(m.Run())
	}
	if err := probe(verb, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func probe(verb string, args []string) error {
	switch verb {
	case "random":
		fmt.Println(rand.Text())
	case "exit":
		code, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		os.Exit(code)
	case "say":
		fmt.Println(args[0])
		fmt.Fprintln(os.Stderr, args[1])
	case "environment":
		fmt.Println(os.Getenv(args[0]))
	case "open":
		return open(args[0])
	case "remove":
		return removeTree()
	case "listen":
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println(l.Addr())
		for range 3 {
			if _, err := l.Accept(); err != nil {
				return err
			}
		}
	case "dial":
		_, err := net.Dial("tcp4", args[0])
		return err
	case "tray":
		systray.Run(func() { err := tray(); fmt.Println("ready", err) }, nil)
	default:
		return fmt.Errorf("no verb %q", verb)
	}
	return nil
}

func open(address string) error {
	verb, err := windows.UTF16PtrFromString("open")
	if err != nil {
		return err
	}
	file, err := windows.UTF16PtrFromString(address)
	if err != nil {
		return err
	}
	return windows.ShellExecute(0, verb, file, nil, nil, windows.SW_SHOWNORMAL)
}

func removeTree() error {
	dir, err := os.MkdirTemp("", "probe-")
	if err != nil {
		return err
	}
	if err := os.WriteFile(dir+`\file`, nil, 0o600); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		return fmt.Errorf("%s is still there: %v", dir, err)
	}
	return nil
}

// tray shows a menu with one line of each kind, and prints the line clicked.
func tray() error {
	systray.SetIcon(assets.IconSignedIn)
	items := []*systray.MenuItem{systray.AddMenuItem("Open · Größe", "")}
	systray.AddSeparator()
	items = append(items, systray.AddMenuItem("Grey", ""))
	items[1].Disable()
	parent := systray.AddMenuItem("More", "")
	items = append(items, parent.AddSubMenuItemCheckbox("Café && Co", "", true), parent.AddSubMenuItem("Grey", ""))
	for n, item := range items {
		go func() {
			for range item.ClickedCh {
				fmt.Println("clicked", n)
			}
		}()
	}
	go func() { // ends with its standard input
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		systray.Quit()
	}()
	return nil
}
