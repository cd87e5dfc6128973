package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"financial-command-center/server"
	"financial-command-center/server/desktop"
	"financial-command-center/server/update"
	"financial-command-center/server/xero"
)

// Update is where a newer version is found. Both are set when the program is
// linked; without them FCC looks for none.
type Update struct {
	Address string // see server/update
	Key     string
}

func (s settings) updateFolder() string { return filepath.Join(s.dataDir, "updates") }

// An updater offers a newer version in the tray.
type updater struct {
	*app
	looker *update.Looker
	ctx    context.Context // the part's own
	on     *watched[bool]
	taking atomic.Bool // a click is being obeyed: the line is its own until it is done
}

// offerUpdates adds what looks for a newer version, where this build does and there
// is a tray to say so; else it returns nothing.
func (a *app) offerUpdates() (parts []func(context.Context) error) {
	if a.Update == (Update{}) || a.Tray == nil || !a.desktop {
		return nil
	}
	u := &updater{app: a}
	var err error
	u.looker, err = update.New(update.Config{
		Address: a.Update.Address, Key: a.Update.Key, Version: a.Version.Version, Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Folder: a.updateFolder(), On: a.updates, HTTP: xero.DefaultTransport(), Log: a.log, Found: u.found,
	})
	if err != nil { // of a build that is no release, or was linked wrongly
		a.log.Warn("no updates are looked for", "err", err)
		return nil
	}
	u.on = &watched[bool]{value: a.updates}
	a.updateSwitch = a.settingSwitch("Look for updates", "updates", u.on)
	return []func(context.Context) error{func(ctx context.Context) error {
		u.ctx = ctx
		var switching sync.WaitGroup
		defer switching.Wait()
		switching.Go(func() {
			for on := range u.on.Watch(ctx) {
				u.looker.SetOn(on)
			}
		})
		return u.looker.Run(ctx)
	}}
}

// found is called while nothing else is.
func (u *updater) found(r *update.Release, isNew bool) {
	if u.taking.Load() {
		return
	}
	if r == nil {
		u.offers.Set(updateOffer, nil)
		return
	}
	offer := &desktop.Offer{Label: fmt.Sprintf("Update to %s…", r.Version), Take: func() { u.take(r) }}
	if isNew {
		offer.Title = fmt.Sprintf("Version %s of Financial Command Center is ready", r.Version)
		offer.Text = r.Notes
		if offer.Text == "" {
			offer.Text = "Install it from the menu when it suits you."
		}
	}
	u.offers.Set(updateOffer, offer)
}

// take is a click on the offer: the installer is fetched, checked and started, and
// shows itself. Where there is none, the page of the new version is opened.
func (u *updater) take(r *update.Release) {
	if !r.HasInstaller() {
		if err := startBrowser(u.Env, r.Page); err != nil {
			u.say("Version %s is at %s", r.Version, r.Page)
		}
		return
	}
	if !u.taking.CompareAndSwap(false, true) {
		return
	}
	defer func() {
		u.taking.Store(false)
		if !u.on.now() { // turned off meanwhile: found was not listened to
			u.offers.Set(updateOffer, nil)
		}
	}()
	u.offers.Set(updateOffer, &desktop.Offer{Label: fmt.Sprintf("Fetching version %s…", r.Version), Take: func() {}})
	wrong := "The update could not be fetched"
	_, err := u.looker.Fetch(u.ctx, r)
	if u.ctx.Err() != nil || !u.on.now() {
		return
	}
	if err == nil {
		wrong = "The update could not be started"
		err = u.looker.Start(r, startInstaller)
	}
	again := &desktop.Offer{Label: fmt.Sprintf("Update to %s…", r.Version), Take: func() { u.take(r) }}
	if err != nil {
		u.log.Warn("an update was not installed", "version", r.Version, "err", err)
		again.Label = fmt.Sprintf("Try to update to %s again…", r.Version)
		again.Title, again.Text = wrong, "FCC goes on as it is. Try again later, from the menu."
	}
	u.offers.Set(updateOffer, again)
}

// startInstaller does not wait: the installer asks this FCC to stop.
func startInstaller(path string) error {
	cmd := exec.Command(path)
	cmd.Dir = filepath.Dir(path)
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// checkUpdates says which version this is, and the newest that was seen.
func (c *call) checkUpdates(s settings) server.Check {
	const name = "Version"
	if c.Update == (Update{}) {
		return well(name, c.Version.Version+"; this build does not look for updates")
	}
	seen, err := update.ReadSeen(s.updateFolder())
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return warn(name, fmt.Sprintf("%s; %v", c.Version.Version, err), "Nothing needs doing: FCC looks again within a day.")
	case !s.updates:
		return well(name, c.Version.Version+"; looking for updates is switched off in the tray")
	case seen.Looked.IsZero():
		return well(name, c.Version.Version+"; FCC has not looked for an update yet")
	case seen.Wrong != "":
		return warn(name, fmt.Sprintf("%s; an update was looked for on %s and not found: %s", c.Version.Version, moment(seen.Looked), seen.Wrong), "Nothing needs doing: FCC looks again within a day.")
	}
	return well(name, fmt.Sprintf("%s; the newest is %s, as of %s", c.Version.Version, seen.Newest, moment(seen.Looked)))
}
