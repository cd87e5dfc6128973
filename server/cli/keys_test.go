package cli_test

import (
	"strings"
	"testing"
)

// What was typed wrong is said in a sentence, before anybody is asked.
func TestKeysAddSaysWhatIsWrongWithWhatWasTyped(t *testing.T) {
	m := newMachine(t)
	for _, c := range []struct{ flag, value, says string }{
		{"--expires", "2020-01-31", "--expires is a day to come"},
		{"--expires", "31.12.2099", "--expires is a day to come"},
		{"--expires", "0d", "30d or 12h; not \"0d\"."},
		{"--expires", "-2h", "30d or 12h; not \"-2h\"."},
		{"--expires", "99999999999d", "--expires is a day to come"},
		{"--daily", "0", "--daily is a number of calls, 1 or more; not \"0\"."},
		{"--daily", "many", "--daily is a number of calls"},
		{"--max-age", "15", "--max-age is a time, as 90s, 15m or 2h; not \"15\"."},
		{"--max-age", "1ms", "--max-age is a time"},
	} {
		got := m.fcc("keys", "add", "sheet", c.flag+"="+c.value)
		if got.code != 64 || got.stdout != "" || !strings.Contains(got.stderr, c.says) {
			t.Errorf("%s=%s: %+v", c.flag, c.value, got)
		}
	}
	if got := m.fcc("keys", "add", "sheet", "--expires", "30d", "--daily", "1", "--max-age", "2d"); got.code != 3 {
		t.Errorf("right values, and nobody to ask: %+v", got)
	}
}
