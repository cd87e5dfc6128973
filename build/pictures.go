package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const picturesUsage = `Usage: go run ./build pictures [--to FOLDER]

Starts the demo, goes through it in Chromium as a person would, and photographs
the pages. Without --to only the README's picture is made anew, in its place.
`

// readmePicture is the page after a sign-in, as the README shows it.
const readmePicture = "assets/pictures/start.png"

// pictures drives the built program in a real browser.
func pictures(args []string) error {
	flags := flag.NewFlagSet("pictures", flag.ContinueOnError)
	to := flags.String("to", "", "make pictures of all pages in this `FOLDER`, light, dark and narrow")
	flags.Usage = func() { fmt.Fprint(flags.Output(), picturesUsage) }
	if err := flags.Parse(args); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "fcc-pictures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	program := filepath.Join(work, "fcc")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	demo := exec.Command(program, "demo")
	demo.Env = append(os.Environ(), "DISPLAY=", "WAYLAND_DISPLAY=", "DBUS_SESSION_BUS_ADDRESS=disabled:")
	lines, err := demo.StdoutPipe()
	if err != nil {
		return err
	}
	if err := demo.Start(); err != nil {
		return err
	}
	defer func() {
		_ = demo.Process.Signal(syscall.SIGTERM)
		_ = demo.Wait()
	}()
	said := bufio.NewScanner(lines)
	if !said.Scan() {
		return errors.New("the demo said nothing")
	}
	link := strings.TrimPrefix(said.Text(), "Open ")

	options := []chromedp.ExecAllocatorOption{
		chromedp.UserDataDir(filepath.Join(work, "profile")), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	tab, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	p := photographer{ctx: ctx, to: *to}
	return p.walk(link)
}

type photographer struct {
	ctx context.Context
	to  string
}

// walk is the tour: before, during and after a sign-in.
func (p photographer) walk(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return errors.New("the demo's first line holds no link")
	}
	base := u.Scheme + "://" + u.Host
	steps := []func() error{
		func() error { return p.do(chromedp.EmulateViewport(1100, 720), chromedp.Navigate(link)) },
		func() error { return p.take("signed-out") },
		func() error { return p.page(base, "/setup") },
		func() error {
			return p.do(chromedp.Navigate(base+"/login"), chromedp.WaitVisible(`//button[@value="allow"]`))
		},
		func() error { return p.take("consent") },
		func() error {
			if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](`document.querySelectorAll("input[type=checkbox]").forEach(box => box.checked = true), true`)); err != nil {
				return err
			}
			return p.do(chromedp.Click(`//button[@value="allow"]`), chromedp.WaitNotPresent(`//button[@value="allow"]`))
		},
		func() error { return p.take("choose") },
		func() error {
			return p.do(chromedp.Click(`(//button[text()="Choose"])[2]`), chromedp.WaitNotPresent(`//button[text()="Choose"]`))
		},
		func() error { return p.take("start") },
		func() error { return errors.Join(p.look(1100, 720, "light"), p.picture(readmePicture)) },
		func() error { return p.page(base, "/profile") },
		func() error { return p.page(base, "/disconnect") },
		func() error { return p.page(base, "/health") },
		func() error { return p.page(base, "/nowhere") },
		func() error { return p.page(base, "/callback?state=wrong&code=x") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (p photographer) page(base, path string) error {
	if p.to == "" {
		return nil
	}
	if err := p.do(chromedp.Navigate(base + path)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "?")
	return p.take(name)
}

func (p photographer) do(steps ...chromedp.Action[chromedp.Void]) error {
	return chromedp.Do(p.ctx, steps...)
}

// take makes the page's picture as a person with a light screen, a dark one and a
// phone sees it.
func (p photographer) take(name string) error {
	if p.to == "" {
		return nil
	}
	if err := os.MkdirAll(p.to, 0o755); err != nil {
		return err
	}
	for kind, look := range map[string]struct {
		width, height int64
		scheme        string
	}{"light": {1100, 720, "light"}, "dark": {1100, 720, "dark"}, "narrow": {360, 720, "light"}} {
		if err := p.look(look.width, look.height, look.scheme); err != nil {
			return err
		}
		if err := p.picture(filepath.Join(p.to, name+"-"+kind+".png")); err != nil {
			return err
		}
	}
	return p.look(1100, 720, "light")
}

func (p photographer) look(width, height int64, scheme string) error {
	return p.do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

func (p photographer) picture(path string) error {
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, png, 0o644)
}
