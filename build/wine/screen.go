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
	if err := w.background(x); err != nil {
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
	return w.background(manager)
}

func deadline(ctx context.Context) time.Time {
	t, _ := ctx.Deadline()
	return t
}

// background starts a program that runs until Close, or until this process ends.
func (w *Wine) background(cmd *exec.Cmd) error {
	cmd.SysProcAttr = endWithUs()
	if err := cmd.Start(); err != nil {
		return err
	}
	w.running = append(w.running, cmd)
	return nil
}

// Screenshot writes a picture of the whole screen to a PNG file.
func (w *Wine) Screenshot(ctx context.Context, file string) error {
	return w.step(ctx, stepTimeout, "import", "-window", "root", file)
}

// HasTrayIcon reports whether the notification area has an icon. Wine draws it as a
// window of its own, which is hidden when there is none.
func (w *Wine) HasTrayIcon(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	out, err := w.linux(ctx, "xdotool", "search", "--onlyvisible", "--name", "^Wine System Tray$").Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && len(out) == 0 {
		return false, nil // no such window
	}
	if err != nil {
		return false, fmt.Errorf("look for the tray: %w", err)
	}
	return true, nil
}
