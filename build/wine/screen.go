package wine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// openScreen starts an X server on a display number that it finds itself, and a
// window manager: without one, windows of Wine come up without a place.
func (w *Wine) openScreen(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, screenTimeout)
	defer cancel()
	r, number, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	defer number.Close()
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{number}
	if _, err := w.start(x); err != nil {
		return err
	}
	if err := errors.Join(number.Close(), r.SetReadDeadline(deadline(ctx))); err != nil {
		return err
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return fmt.Errorf("no display from Xvfb: %w", err)
	}
	w.display = ":" + strings.TrimSpace(line)
	manager := exec.Command("openbox", "--sm-disable")
	manager.Env = append(os.Environ(), "DISPLAY="+w.display, "HOME="+w.dir)
	_, err = w.start(manager)
	return err
}

func deadline(ctx context.Context) time.Time {
	t, _ := ctx.Deadline()
	return t
}

// A background is a program that runs until Close, or until this process ends.
type background struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it was waited for
}

func (w *Wine) start(cmd *exec.Cmd) (*background, error) {
	cmd.SysProcAttr = endWithUs()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &background{cmd, make(chan struct{})}
	w.running = append(w.running, p)
	go func() {
		_ = cmd.Wait() // "signal: killed"
		close(p.ended)
	}()
	return p, nil
}

// Screenshot writes a picture of the whole screen to a PNG file.
func (w *Wine) Screenshot(ctx context.Context, file string) error {
	return w.step(ctx, stepTimeout, "import", "-window", "root", file)
}

// HasTrayIcon reports whether the notification area has an icon. Wine draws it as a
// window of its own, which is hidden when there is none.
func (w *Wine) HasTrayIcon(ctx context.Context) (bool, error) {
	return w.hasWindow(ctx, "--onlyvisible", "--name", "^Wine System Tray$")
}

// hasWindow asks xdotool search, which now and then never ends when a window goes
// while it looks.
func (w *Wine) hasWindow(ctx context.Context, args ...string) (found bool, err error) {
	for range 5 {
		if found, err = w.search(ctx, args...); err == nil || ctx.Err() != nil {
			break
		}
	}
	return found, err
}

func (w *Wine) search(ctx context.Context, args ...string) (found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	out, err := w.linux(ctx, "xdotool", append([]string{"search"}, args...)...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && len(out) == 0 {
		return false, nil // no such window
	}
	if err != nil {
		return false, fmt.Errorf("xdotool search %s: %w", strings.Join(args, " "), err)
	}
	return true, nil
}
