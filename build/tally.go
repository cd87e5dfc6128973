package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

// modulePrefix is what the full name of a package begins with.
const modulePrefix = "financial-command-center/"

// A tally counts checks and tests, and shows each as it ends.
type tally struct {
	passed, failed, skipped int
	failures                []string
	verbose                 bool   // shows the tests that pass, too
	place                   string // before the names of tests, where they run elsewhere
}

// add counts what another tally has counted, too.
func (t *tally) add(other tally) {
	t.passed += other.passed
	t.failed += other.failed
	t.skipped += other.skipped
	t.failures = append(t.failures, other.failures...)
}

// check runs one check and shows its output when it fails.
func (t *tally) check(name string, run func() (output string, err error)) {
	fmt.Printf("%-44s", name)
	begun := time.Now()
	output, err := run()
	if err == nil {
		t.passed++
		fmt.Printf("ok      %s\n", since(begun))
		return
	}
	t.fail(name)
	fmt.Printf("FAILED  %s\n%s%v\n", since(begun), output, err)
}

// run is check for a program; env is added to the environment.
func (t *tally) run(name string, env []string, argv ...string) {
	t.check(name, func() (string, error) {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = testEnv(env...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	})
}

// fail counts a failure, with the first lines of output that say where it came from.
func (t *tally) fail(name string, output ...string) {
	t.failed++
	reason := t.place + name
	said := 0
	for _, line := range output {
		if said < 5 && whereSaid.MatchString(line) {
			said++
			reason += fmt.Sprintf("\n    %.200s", strings.TrimSpace(line))
		}
	}
	t.failures = append(t.failures, reason)
}

// whereSaid matches the beginning of what a test says.
var whereSaid = regexp.MustCompile(`^\s*\w+_test\.go:\d+: `)

// A testEvent is one line of go test -json (go doc test2json).
type testEvent struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// tests runs go test with args, and counts each test and subtest. Output is
// shown of what failed only. A package that fails without a failed test (it did
// not compile, it ran out of time) counts as one.
func (t *tally) tests(env []string, args ...string) {
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1", "-timeout=20m"}, args...)...)
	cmd.Env = env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.fail("go test")
		fmt.Println(err)
		return
	}
	failedBefore := t.failed
	output := map[string][]string{} // by package, or package and test
	failedTests := map[string]int{} // by package
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			t.event(line, output, failedTests)
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil && t.failed == failedBefore {
		t.fail("go test")
		fmt.Printf("%sgo test: %v\n", t.place, err)
	}
	if t.failed > failedBefore {
		os.Stdout.Write(stderr.Bytes())
	}
}

func (t *tally) event(line []byte, output map[string][]string, failedTests map[string]int) {
	var e testEvent
	if json.Unmarshal(line, &e) != nil {
		fmt.Printf("%s", line) // go itself, not a test
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		output[key] = append(output[key], e.Output)
	case "build-output":
		fmt.Print(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.packageEnd(e, output, failedTests[e.Package])
			return
		}
		switch e.Action {
		case "pass":
			t.passed++
			if t.verbose {
				fmt.Print(strings.Join(output[key], ""))
			}
		case "skip":
			t.skipped++
			t.failures = append(t.failures, t.place+key+" (skipped)")
			fmt.Printf("--- SKIPPED %s%s\n%s", t.place, key, strings.Join(output[key], ""))
		case "fail":
			t.fail(key, output[key]...)
			failedTests[e.Package]++
			fmt.Printf("--- FAILED %s%s\n%s", t.place, key, strings.Join(output[key], ""))
		}
		delete(output, key)
	}
}

// packageEnd shows how a package ended. Where it failed, so does what its tests said that
// have not ended: one of them may be why.
func (t *tally) packageEnd(e testEvent, output map[string][]string, failedTests int) {
	took := time.Duration(e.Elapsed * float64(time.Second))
	name := t.place + strings.TrimPrefix(e.Package, modulePrefix)
	switch {
	case e.Action == "skip": // go test's word for a package without tests
		fmt.Printf("%-44sno tests\n", name)
	case e.Action == "pass":
		fmt.Printf("%-44sok      %s\n", name, took.Round(100*time.Millisecond))
	default:
		var open []string
		for key := range output {
			if test := strings.TrimPrefix(key, e.Package+" "); test != key && test != "" {
				open = append(open, test)
			}
		}
		slices.Sort(open)
		if failedTests == 0 {
			t.fail(strings.TrimSpace(e.Package + " " + strings.Join(open, " ")))
		}
		fmt.Printf("%-44sFAILED  %s\n%s", name, took.Round(100*time.Millisecond), strings.Join(output[e.Package+" "], ""))
		for _, test := range open {
			fmt.Printf("--- NOT ENDED %s%s %s\n%s", t.place, e.Package, test, strings.Join(output[e.Package+" "+test], ""))
		}
	}
}

// close prints what failed, and the counts last.
func (t *tally) close(begun time.Time) error {
	for _, f := range slices.Sorted(slices.Values(t.failures)) {
		fmt.Println("failed: " + f)
	}
	fmt.Printf("took %s\n", since(begun))
	fmt.Printf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	if t.failed > 0 || t.skipped > 0 {
		return errSaid
	}
	return nil
}

func since(begun time.Time) time.Duration {
	return time.Since(begun).Round(100 * time.Millisecond)
}
