package cli_test

import (
	"strings"
	"testing"
)

func TestEveryCommandHasHelpForAPerson(t *testing.T) {
	m := newMachine(t)
	for command, says := range map[string]string{
		"":              "fcc <command> --help",
		"demo":          "simulated Xero",
		"serve":         "one-time link",
		"open":          "--print",
		"status":        "2 needs a sign-in",
		"doctor":        "--json",
		"login":         "paste",
		"token":         "--tenant",
		"keys":          "revoke",
		"keys add":      "--any-user",
		"keys list":     "--json",
		"keys revoke":   "<name>",
		"mcp":           "--program",
		"mcp serve":     "--program",
		"mcp install":   "claude|vscode|cursor",
		"mcp uninstall": "--yes",
		"disconnect":    "--organisation",
		"erase":         "nothing is left",
		"secret rotate": "7 days",
		"stop":          "3 none ran",
		"version":       "commit",
	} {
		words := strings.Fields(command)
		got := m.fcc(append(words, "--help")...)
		if got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, says) {
			t.Errorf("fcc %s --help: %+v", command, got)
		}
		if before := m.fcc(append([]string{"-h"}, words...)...); before.stdout != got.stdout {
			t.Errorf("fcc -h %s differs:\n%s", command, before.stdout)
		}
		starts := command == "" || command == "serve"
		for flag, counts := range map[string]bool{
			"--scopes": starts, "--port": starts || command == "demo", "--data-dir": command != "demo", "28000": starts,
		} {
			if strings.Contains(got.stdout, flag) != counts {
				t.Errorf("fcc %s --help: %s is there or missing:\n%s", command, flag, got.stdout)
			}
		}
	}
}

func TestHelpNamesWhatAnAssistantStarts(t *testing.T) {
	m := newMachine(t)
	if got := m.fcc("--help"); !strings.Contains(got.stdout, "As fcc mcp: serve") {
		t.Errorf("fcc --help: %s", got.stdout)
	}
	if got := m.fcc("mcp", "--help"); !strings.Contains(got.stdout, "thin client") {
		t.Errorf("fcc mcp --help: %s", got.stdout)
	}
}

func TestVersionSaysVersionCommitAndBuild(t *testing.T) {
	if got := newMachine(t).must("version"); got != "fcc 1.2.3, commit abc, built today\n" {
		t.Errorf("%q", got)
	}
}

func TestFlagsMayStandBeforeTheWords(t *testing.T) {
	m := newMachine(t)
	m.start("--port", freePort(t), "serve")
	dir := m.dataDir()
	for _, line := range []string{
		"--print open", "open --print", "--data-dir=" + dir + " --print open", "--print --data-dir " + dir + " open",
		"keys list --json", "--json keys list", "keys --json list", "keys add --write a", "keys --write add b", "--write keys add c", "keys add d --write",
	} {
		if m.must(strings.Fields(line)...) == "" {
			t.Errorf("fcc %s printed nothing", line)
		}
	}
}
