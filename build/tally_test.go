package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestATallyFailsOnWhateverDidNotPass(t *testing.T) {
	const begun = `{"Action":"run","Package":"p","Test":"TestA"}`
	for _, c := range []struct {
		name                    string
		events                  []string
		passed, failed, skipped int
	}{
		{"a test that passes", []string{begun, `{"Action":"pass","Package":"p","Test":"TestA"}`, `{"Action":"pass","Package":"p"}`}, 1, 0, 0},
		{"a test that skips", []string{begun, `{"Action":"skip","Package":"p","Test":"TestA"}`, `{"Action":"pass","Package":"p"}`}, 0, 0, 1},
		{"a test that fails", []string{begun, `{"Action":"fail","Package":"p","Test":"TestA"}`, `{"Action":"fail","Package":"p"}`}, 0, 1, 0},
		{"a package that does not compile", []string{`{"Action":"fail","Package":"p"}`}, 0, 1, 0},
		{"a package that runs out of time", []string{begun, `{"Action":"fail","Package":"p"}`}, 0, 1, 0},
		{"a package without tests", []string{`{"Action":"skip","Package":"p"}`}, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tally tally
			output, failedTests := map[string][]string{}, map[string]int{}
			for _, e := range c.events {
				tally.event([]byte(e), output, failedTests)
			}
			if tally.passed != c.passed || tally.failed != c.failed || tally.skipped != c.skipped {
				t.Errorf("%d passed, %d failed, %d skipped", tally.passed, tally.failed, tally.skipped)
			}
			if err := tally.close(time.Now()); (err == nil) != (c.failed+c.skipped == 0) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

func TestTheListOfWhatFailedSaysWhyAndWhere(t *testing.T) {
	elsewhere := tally{place: "under Wine: "}
	output, failedTests := map[string][]string{}, map[string]int{}
	for _, e := range []string{
		`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: no icon\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"        the log of a program\n"}`,
		`{"Action":"fail","Package":"p","Test":"TestA"}`,
		`{"Action":"fail","Package":"p"}`,
	} {
		elsewhere.event([]byte(e), output, failedTests)
	}
	for _, e := range []string{
		`{"Action":"output","Package":"q","Test":"TestB","Output":"=== RUN   TestB\n"}`,
		`{"Action":"output","Package":"q","Output":"FAIL\n"}`,
		`{"Action":"fail","Package":"q"}`,
	} {
		elsewhere.event([]byte(e), output, failedTests)
	}
	all := tally{passed: 2, failed: 1, failures: []string{"gofmt"}}
	all.add(elsewhere)
	want := []string{"gofmt", "under Wine: p TestA\n    a_test.go:7: no icon", "under Wine: q TestB"}
	if all.passed != 2 || all.failed != 3 || !slices.Equal(all.failures, want) {
		t.Errorf("%d passed, %d failed: %q", all.passed, all.failed, all.failures)
	}
}

func TestWhatIsMissingIsFoundByProgramAndByFile(t *testing.T) {
	missing := missingNeeds([]need{
		{file: "go"}, {file: "no-such-program-of-fcc"}, {file: "/"}, {file: "/no/such/file"},
	})
	if len(missing) != 2 || missing[0].file != "no-such-program-of-fcc" || missing[1].file != "/no/such/file" {
		t.Errorf("missing: %v", missing)
	}
}

func TestWhoMayNotRunTheTestsIsToldBeforeTheyBegin(t *testing.T) {
	if err := mayTest("linux", 1000); err == nil || !strings.Contains(err.Error(), "sudo") {
		t.Errorf("a plain user on Linux is told %v", err)
	}
	for goos, euid := range map[string]int{"linux": 0, "windows": -1, "darwin": 501} {
		if err := mayTest(goos, euid); err != nil {
			t.Errorf("%s, user %d: %v", goos, euid, err)
		}
	}
}
