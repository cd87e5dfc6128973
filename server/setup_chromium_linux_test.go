package server_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"financial-command-center/server/xero"
)

// The sign-in happens in another tab. The one with the set-up waits, can cancel, and
// tells how it ended, without being loaded anew.
func TestInChromiumTheSetUpWaitsForXeroAndSeesHowItEnds(t *testing.T) {
	b := newBench(t).opened()
	ctx := tab(t)
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			shown, _ := chromedp.Run(ctx, chromedp.OuterHTML("html"))
			t.Fatalf("%s: %v\n%s", what, err, shown)
		}
	}
	front := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.BringToFront, cdp.Empty{})
		return err
	})
	// atXero is the tab at Xero's page.
	atXero := func() *target.Info {
		t.Helper()
		var found *target.Info
		b.until("Xero's page is in a tab", func() bool {
			all, err := chromedp.CallBrowser(ctx, target.GetTargets, target.GetTargetsParams{})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(all.TargetInfos, func(info *target.Info) bool { return strings.Contains(info.URL, "/authorize?") })
			if i >= 0 {
				found = all.TargetInfos[i]
			}
			return i >= 0
		})
		return found
	}
	const toXero = `main a[href^="/login"]`

	do("the last step", chromedp.Navigate(b.BaseURL()+"/setup/sign-in"), chromedp.WaitVisible(toXero))
	value(t, ctx, chromedp.Evaluate[bool](`window.loadedOnce = true`))
	do("to Xero", chromedp.Click(toXero))
	first := atXero()
	do("the set-up waits", front, chromedp.WaitVisible(".waiting"))
	if !value(t, ctx, chromedp.Evaluate[bool](`window.loadedOnce === true`)) {
		t.Error("the page was loaded anew")
	}
	do("cancel", chromedp.Click(`form[action="/setup/cancel"] button`), chromedp.WaitVisible(`//p[contains(., "is cancelled")]`), chromedp.WaitNotPresent(".waiting"))

	other, closeOther := chromedp.NewContext(ctx, chromedp.WithTargetID(first.TargetID))
	value(t, other, chromedp.Evaluate[bool](`document.querySelectorAll("input[type=checkbox]").forEach(box => box.checked = true), true`))
	if err := chromedp.Do(other, chromedp.Click(`//button[@value="allow"]`), chromedp.WaitVisible(`//h1[contains(., "cancelled in FCC")]`)); err != nil {
		t.Fatalf("a late answer: %v", err)
	}
	closeOther()
	if st := b.cfg.Connections.Status(); st.State != xero.Disconnected {
		t.Fatalf("it signed in: %s", st.State)
	}

	value(t, ctx, chromedp.Evaluate[bool](`window.loadedOnce = true`))
	do("to Xero again", front, chromedp.Click(toXero))
	other, closeOther = chromedp.NewContext(ctx, chromedp.WithTargetID(atXero().TargetID))
	defer closeOther()
	value(t, other, chromedp.Evaluate[bool](`document.querySelectorAll("input[type=checkbox]").forEach(box => box.checked = true), true`))
	if err := chromedp.Do(other, chromedp.Click(`//button[@value="allow"]`), chromedp.WaitVisible(`//h1[text()="Organisations"]`)); err != nil {
		t.Fatalf("the sign-in: %v", err)
	}
	do("the set-up sees the end", front, chromedp.WaitVisible(`//h2[text()="You are signed in to Xero"]`), chromedp.WaitNotPresent(".waiting"))
	if !value(t, ctx, chromedp.Evaluate[bool](`window.loadedOnce === true`)) {
		t.Error("the page was loaded anew")
	}
}

func TestInChromiumWhatIsToBeCopiedIsCopied(t *testing.T) {
	b := newBench(t).opened()
	ctx := tab(t)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		allowed := browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, BrowserContextID: chromedp.FromContext(ctx).BrowserContextID}
		if _, err := chromedp.CallBrowser(ctx, browser.SetPermission, allowed); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, button, want string }{
		{"/setup/app", `button[data-copy="redirect-0"]`, b.xero.RedirectURI},
		{"/health", `button[data-copy="report"]`, "Financial Command Center, version test, live, on "},
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate(b.BaseURL()+c.path), chromedp.Click(c.button), chromedp.WaitVisible(`//button[text()="Copied"]`)); err != nil {
			t.Fatalf("%s: %v", c.path, err)
		}
		if got := value(t, ctx, chromedp.Evaluate[string](`navigator.clipboard.readText()`, chromedp.EvalAwaitPromise)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s copies %q, want %q", c.path, got, c.want)
		}
	}
}
