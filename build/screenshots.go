package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"financial-command-center/build/stage"
)

const screenshotsUsage = `Usage: go run ./build screenshots [--to FOLDER] [--readme]

Photographs every page in Chromium: in each state that makes a difference to it, at
three widths, light and dark. With --readme only the README's pictures are made
anew, in their place.
`

// readmePictures are those of the README, by state and page.
var readmePictures = []struct {
	file, state, page string
	whole             bool
}{
	{"assets/pictures/dashboard.png", "demo", "dashboard", true},
	{"assets/pictures/invoices.png", "demo", "invoices", false},
	{"assets/pictures/approvals.png", "asked", "approvals", false},
}

var (
	widths  = []int64{360, 768, 1440}
	schemes = []string{"light", "dark"}
)

const height = 900 // of the screen

// screenshots drives the built program in a real browser.
func screenshots(args []string) error {
	flags := flag.NewFlagSet("screenshots", flag.ContinueOnError)
	to := flags.String("to", "screenshots", "make the pictures in this `FOLDER`")
	readme := flags.Bool("readme", false, "make the README's pictures only")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), screenshotsUsage+"\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag; see go run ./build screenshots --help", flags.Arg(0))
	}
	if err := enterModule(); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "fcc-screenshots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	program := filepath.Join(work, "fcc")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	ctx, end, err := photographer(filepath.Join(work, "profile"))
	if err != nil {
		return err
	}
	defer end()
	pictures := 0
	for _, state := range stage.States {
		shots := everyShot(*to, state)
		if *readme {
			shots = readmeShots(state)
		}
		if len(shots) == 0 {
			continue
		}
		if err := photograph(ctx, program, state, shots); err != nil {
			return fmt.Errorf("%s: %w", state.Name, err)
		}
		pictures += len(shots)
		fmt.Printf("%-18s %d pictures\n", state.Name, len(shots))
	}
	fmt.Printf("%d pictures\n", pictures)
	return nil
}

// A shot is one picture. One of a whole page is as high as the page is long.
type shot struct {
	file, path string
	width      int64
	scheme     string
	whole      bool
}

func everyShot(to string, state stage.State) []shot {
	var shots []shot
	for _, page := range stage.Pages {
		if !state.Alters(page) {
			continue
		}
		for _, width := range widths {
			for _, scheme := range schemes {
				name := fmt.Sprintf("%s_%s_%d_%s.png", page.Name, state.Name, width, scheme)
				shots = append(shots, shot{filepath.Join(to, strings.ReplaceAll(name, " ", "-")), page.Path, width, scheme, true})
			}
		}
	}
	return shots
}

func readmeShots(state stage.State) []shot {
	var shots []shot
	for _, picture := range readmePictures {
		for _, page := range stage.Pages {
			if picture.state == state.Name && picture.page == page.Name {
				shots = append(shots, shot{picture.file, page.Path, 1440, "light", picture.whole})
			}
		}
	}
	return shots
}

// photograph opens the state and makes its pictures.
func photograph(ctx context.Context, program string, state stage.State, shots []shot) error {
	s, err := stage.Open(program, state)
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if err := s.Enter(ctx, state); err != nil {
		return err
	}
	for _, shot := range shots {
		if err := shot.take(ctx, s.Base); err != nil {
			return fmt.Errorf("%s at %d: %w", shot.path, shot.width, err)
		}
	}
	return nil
}

func (s shot) take(ctx context.Context, base string) error {
	look := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(s.width, height), look, chromedp.Navigate(base+s.path)); err != nil {
		return err
	}
	if s.whole { // what stays in view while a page scrolls is as high as the page then
		long, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
		if err != nil {
			return err
		}
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(s.width, max(long, height))); err != nil {
			return err
		}
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(s.file, png, 0o644)
}

// photographer is a tab of Chromium with a fresh profile.
func photographer(profile string) (context.Context, func(), error) {
	allocator, endBrowser := chromedp.NewExecAllocator(context.Background(),
		chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	tab, endTab := chromedp.NewContext(allocator)
	end := func() { endTab(); endBrowser() }
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
		end()
		return nil, nil, fmt.Errorf("start Chromium: %w", err)
	}
	return tab, end, nil
}
