package cli

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

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
