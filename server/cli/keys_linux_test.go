package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// In Santiago 5 September 2027 begins at one o'clock: there a key ends whose last day is
// the 4th.
func TestAKeyEndsWithItsLastDayWhereTheNextHasNoMidnight(t *testing.T) {
	m := newMachine(t)
	m.set("TZ", "America/Santiago")
	m.start("serve", "--port", freePort(t))
	m.must("keys", "add", "sheet", "--expires", "2027-09-04")
	var list struct{ Keys []struct{ Expires time.Time } }
	if err := json.Unmarshal([]byte(m.must("keys", "list", "--json")), &list); err != nil || len(list.Keys) != 1 ||
		!list.Keys[0].Expires.Equal(time.Date(2027, time.September, 5, 4, 0, 0, 0, time.UTC)) {
		t.Errorf("%v %+v", err, list)
	}
	if shown := m.must("keys", "list"); !strings.Contains(shown, "4 Sep 2027  ") {
		t.Errorf("%s", shown)
	}
}
