package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"financial-command-center/server"
	"financial-command-center/server/desktop"
)

func TestOffersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var o offers
		var shown []string
		go func() {
			for now := range o.Watch(ctx) {
				shown = nil
				for _, offer := range now {
					shown = append(shown, offer.Label)
				}
			}
			shown = append(shown, "ended")
		}()
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(shown, want) {
				t.Fatalf("offered %q, wanted %q", shown, want)
			}
		}
		expect()
		o.Set(updateOffer, &desktop.Offer{Label: "update"})
		expect("update")
		o.Set(keystoreOffer, &desktop.Offer{Label: "file"})
		expect("file", "update")
		o.Set(updateOffer, &desktop.Offer{Label: "later update"})
		expect("file", "later update")
		o.Set(keystoreOffer, nil)
		expect("later update")
		o.Set(updateOffer, nil)
		expect()
		cancel()
		expect("ended")
	})
}

func TestABoxIsShownForAStartThatFailsUnseenAndForNothingElse(t *testing.T) {
	const words = "Port 8000 is in use."
	for name, test := range map[string]struct {
		call   *call
		code   int
		words  string
		unseen bool
		want   string
	}{
		"a double click that fails":       {&call{alone: true, log: `C:\x\fcc.log`}, 1, words, true, words + "\n\nThe log is C:\\x\\fcc.log"},
		"one that has no log yet":         {&call{alone: true}, 64, words, true, words},
		"one whose words name the log":    {&call{alone: true, log: "fcc.log"}, 1, "FCC ended. See fcc.log.", true, "FCC ended. See fcc.log."},
		"one that ends well":              {&call{alone: true}, 0, "", true, ""},
		"one that was told to end":        {&call{alone: true}, 1, "", true, ""},
		"in a terminal":                   {&call{alone: true}, 1, words, false, ""},
		"fcc stop, run by the installer":  {&call{}, 3, words, true, ""},
		"fcc stop, run in a terminal too": {&call{}, 3, words, false, ""},
	} {
		if got := test.call.box(test.code, test.words, test.unseen); got != test.want {
			t.Errorf("%s: %q, wanted %q", name, got, test.want)
		}
	}
}

func TestTheNotificationsSwitchIsKept(t *testing.T) {
	a := &app{settings: settings{dataDir: t.TempDir()}}
	if err := a.save("another", 1); err != nil {
		t.Fatal(err)
	}
	on := &watched[bool]{value: true}
	s := a.settingSwitch("Notifications", "notifications", on)
	for _, want := range []bool{false, true, false} {
		if err := s.Set(want); err != nil {
			t.Fatal(err)
		}
		for now := range s.Watch(t.Context()) {
			if now != want || on.now() != want {
				t.Errorf("it stands at %v, wanted %v", now, want)
			}
			break
		}
		read, err := readSettings(settingFlags{DataDir: &a.dataDir}, func(string) string { return "" })
		if err != nil || read.notifications != want {
			t.Errorf("settings.json says %v, %v", read.notifications, err)
		}
	}
	if err := os.Remove(a.settingsFile()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(a.settingsFile(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(true); err == nil || on.now() {
		t.Errorf("not saved: %v, and it stands at %v", err, on.now())
	}
}

func TestTheDemoChangesNoSettingOfTheUser(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for mode, want := range map[server.Mode]int{server.Demo: 0, server.Live: 2} {
		a := &app{call: &call{Program: Program{Env: func(string) string { return "" }}}, mode: mode, log: slog.New(slog.DiscardHandler)}
		a.makeSwitches()
		there := 0
		for _, s := range a.desk(t.Context(), nil, "http://localhost:8787", false).Switches {
			if s.Watch != nil {
				there++
			}
		}
		if there != want {
			t.Errorf("%s: %d switches", mode, there)
		}
	}
}

func TestAWrongSettingForNotificationsIsASentence(t *testing.T) {
	s := settings{dataDir: t.TempDir()}
	if err := s.save("notifications", "perhaps"); err != nil {
		t.Fatal(err)
	}
	_, err := readSettings(settingFlags{DataDir: &s.dataDir}, func(string) string { return "" })
	if code, words := explain(err); code != exitUsage || !strings.Contains(words, "notifications") || !strings.Contains(words, s.settingsFile()) {
		t.Errorf("%d, %q", code, words)
	}
}

func TestAPortIsToldOfWhenItIsNotTheOneOfTheLastStart(t *testing.T) {
	dir := t.TempDir()
	const note = "Port 18000 · python.exe has 8000"
	first, second := server.RegisteredPorts[0], server.RegisteredPorts[1]
	for i, start := range []struct {
		port       int
		note, want string
	}{
		{first, "", ""}, {second, note, note}, {second, note, ""}, {second, note, ""},
		{first, "", fmt.Sprintf("FCC has port %d again", first)}, {first, "", ""}, {second, note, note},
	} {
		s, err := readSettings(settingFlags{DataDir: &dir}, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		a := &app{settings: s, note: start.note}
		if got := a.whereNow(start.port); got != start.want {
			t.Errorf("start %d: %q, wanted %q", i, got, start.want)
		}
	}
}
