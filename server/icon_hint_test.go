package server

import (
	"bytes"
	"strings"
	"testing"
)

func TestWindowsGetsAPictureOfItsTaskbar(t *testing.T) {
	pages, err := parsePages()
	if err != nil {
		t.Fatal(err)
	}
	for system, want := range map[string]string{
		"windows": "behind the ^ there",
		"linux":   "in your desktop&#39;s panel",
		"darwin":  "in the menu bar",
	} {
		var page bytes.Buffer
		if err := pages["dashboard"].Execute(&page, view{Data: homeView{Icon: iconHintFor(system)}}); err != nil {
			t.Fatal(err)
		}
		got := page.String()
		if !strings.Contains(got, want) {
			t.Errorf("on %s the page says\n%s", system, got)
		}
		for _, picture := range []string{"/assets/taskbar-light.svg", "/assets/taskbar-dark.svg"} {
			if strings.Contains(got, picture) != (system == "windows") {
				t.Errorf("on %s: %s, wanted on Windows alone", system, picture)
			}
		}
	}
}
