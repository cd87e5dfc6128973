package stage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// Enter brings a browser in by the link, and goes to Xero, or chooses the
// organisation, where the state wants that.
func (s *Stage) Enter(ctx context.Context, state State) error {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) { // a ticket is not spent while FCC opens its keychain
		if err := chromedp.Do(ctx, chromedp.Navigate(s.Link)); err != nil {
			return err
		}
		shown, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.pathname + " " + document.title`))
		if err != nil {
			return err
		}
		if !strings.HasPrefix(shown, "/open") || state.sealed {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("the link leads to %s", shown)
		}
	}
	if state.begins {
		return chromedp.Do(ctx, chromedp.Navigate(s.Base+"/login"))
	}
	if state.Chosen == "" {
		return nil
	}
	button := fmt.Sprintf(`//button[@aria-label="Choose %s"]`, state.Chosen)
	return chromedp.Do(ctx, chromedp.Navigate(s.Base+"/profile"), chromedp.Click(button), chromedp.WaitNotPresent(button))
}
