package books

import (
	"testing"
	"time"
)

func TestEveryZoneIsThere(t *testing.T) {
	if len(zones) < 135 {
		t.Errorf("only %d zones", len(zones))
	}
	for xero, name := range zones {
		if _, err := time.LoadLocation(name); err != nil {
			t.Errorf("%s: %v", xero, err)
		}
		if zoneKey(xero) != xero {
			t.Errorf("%s is not found by its own name", xero)
		}
	}
}
