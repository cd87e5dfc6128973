package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// A demoChild is the demo that the set-up page starts: fcc demo as a process of its
// own, with nothing of this one's settings, and at most one at a time.
//
// It ends with FCC, however that ends: it has no icon of its own to quit it by, and
// sees its standard input end. Until then each line that it reads there has it print
// a new one-time link.
type demoChild struct {
	mu    sync.Mutex
	ask   io.WriteCloser
	links chan string // the newest that nobody took; closed when it has ended
	ended bool        // FCC ends: start no more
}

// link starts the demo unless it runs, and returns a one-time link into it.
func (d *demoChild) link(ctx context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ask != nil {
		d.forget()
		if _, err := io.WriteString(d.ask, "\n"); err == nil {
			if link, err := d.next(ctx); err == nil || ctx.Err() != nil {
				return link, err
			}
		}
	}
	if d.ended {
		return "", errQuit
	}
	if err := d.start(); err != nil {
		return "", err
	}
	link, err := d.next(ctx)
	if err != nil {
		_ = d.ask.Close() // it ends, should it still run
		d.ask = nil
	}
	return link, err
}

// forget takes away a link that somebody asked for and did not wait for: it may be
// older than links are good for.
func (d *demoChild) forget() {
	select {
	case <-d.links:
	default:
	}
}

func (d *demoChild) next(ctx context.Context) (string, error) {
	select {
	case link, ok := <-d.links:
		if !ok {
			return "", errors.New("the demo has ended")
		}
		return link, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// start starts it. The environment is this process's without FCC's settings.
func (d *demoChild) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "demo", "--child")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return slices.Contains(settingVariables, strings.ToUpper(name))
	})
	cmd.SysProcAttr = apart()
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the demo: %w", err)
	}
	links := make(chan string, 1)
	d.ask, d.links = in, links
	go func() {
		defer close(links)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if link, ok := strings.CutPrefix(lines.Text(), "Open "); ok {
				select {
				case <-links:
				default:
				}
				links <- link // there is room: nobody else sends
			}
		}
		_ = cmd.Wait() // what it died of fcc demo says, run by hand: its log is cleared away
	}()
	return nil
}

// childEnds is how long FCC waits for the demo to clear its folder away.
const childEnds = 5 * time.Second

// run ends the demo when ctx ends.
func (d *demoChild) run(ctx context.Context) error {
	<-ctx.Done()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.ask == nil {
		return nil
	}
	_ = d.ask.Close()
	for late := time.After(childEnds); ; {
		select {
		case _, more := <-d.links:
			if !more {
				return nil
			}
		case <-late:
			return nil
		}
	}
}

// obey is the other end: it prints a link for each line of stdin, and stops when that
// ends.
func (a *app) obey(ctx context.Context) error {
	lines := make(chan struct{})
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(a.Stdin); in.Scan(); {
			lines <- struct{}{}
		}
	}()
	for {
		select {
		case _, ok := <-lines:
			if !ok {
				a.stop(errQuit)
				return nil
			}
			if link, err := a.wayIn(ctx, a.self, a.dataDir, "/", false); err == nil {
				a.print("Open %s", link)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
