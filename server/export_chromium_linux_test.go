package server_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestInChromiumAnExportIsFollowedToItsEnd(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	b.signIn(b.visit(), joinery)
	ctx := tab(t)
	for _, step := range []chromedp.Action[chromedp.Void]{
		chromedp.Navigate(b.BaseURL() + "/export"),
		chromedp.Click(`//button[text()="Export to Excel"]`),
		chromedp.WaitVisible(`//a[text()="Save the workbook"]`), // without a reload of ours
	} {
		if err := chromedp.Do(ctx, step); err != nil {
			page, _ := chromedp.Run(ctx, chromedp.OuterHTML("html"))
			t.Fatalf("%v\n%s", err, text(page))
		}
	}
	if link := value(t, ctx, chromedp.Evaluate[string](`document.querySelector("a.main").getAttribute("href")`)); link != "/export/file" {
		t.Errorf("the link leads to %s", link)
	}
}
