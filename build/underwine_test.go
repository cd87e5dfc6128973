package main

import "testing"

func TestPackagesThatAreNotTestedUnderWineAreThereWithAReason(t *testing.T) {
	there := map[string]bool{}
	for _, s := range sources(t) {
		there[s.pkg] = true
	}
	for pkg, reason := range notUnderWine {
		if !there[pkg] || reason == "" {
			t.Errorf("%q, %q", pkg, reason)
		}
	}
}
