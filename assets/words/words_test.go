package words

import (
	"html"
	"strings"
	"testing"
	"testing/fstest"
)

func TestSayPutsInDataAndChoosesThePlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 organisations", 1: "1 organisation", 2: "2 organisations"} {
		if got := Say("common.organisations", "N", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestWhatIsPutInIsNoMarkupAndNoTemplate(t *testing.T) {
	const nasty = `<no value> {{.N}} <b>"&amp;'`
	if got, want := Say("layout.view.looking", "Name", nasty), "You look at "+nasty+"."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := string(Mark("layout.view.looking", "Name", nasty)), "You look at "+html.EscapeString(nasty)+"."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReadNamesTheFileThatIsWrong(t *testing.T) {
	for name, text := range map[string]string{"syntax": "a = ", "a template": `a = "{{.N"`} {
		_, err := read(fstest.MapFS{"en/broken.toml": {Data: []byte(text)}})
		if err == nil && name == "syntax" || err != nil && !strings.Contains(err.Error(), "broken") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMistakeInTheProgramPanics(t *testing.T) {
	for name, data := range map[string][]any{"common.missing": nil, "common.organisations": nil} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Say(%q) said something", name)
				}
			}()
			Say(name, data...)
		}()
	}
}

// Names come from Xero and from what people type.
func TestDataMayBeAnyText(t *testing.T) {
	const odd = `{{.N}} <no value> "&`
	if got := Say("help.troubles.none", "Query", odd); !strings.Contains(got, odd) {
		t.Errorf("%q", got)
	}
	if got := Mark("help.troubles.none", "Query", odd); !strings.Contains(string(got), "{{.N}} &lt;no value&gt; &#34;&amp;") {
		t.Errorf("%q", got)
	}
}

func TestNumbersHaveSeparators(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567", -100: "-100", -1000: "-1,000"} {
		if got := Number(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
