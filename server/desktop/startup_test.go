//go:build linux || windows

package desktop_test

import (
	"testing"
	"time"

	"financial-command-center/server/desktop"
)

// watch passes on what the switch says; said waits for it to say something new.
func watch(t *testing.T, s desktop.Switch) (said func(want bool)) {
	t.Helper()
	states := make(chan bool)
	ended := make(chan struct{})
	t.Cleanup(func() { // after the context has ended
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("the watching does not end")
		}
	})
	go func() {
		defer close(ended)
		for on := range s.Watch(t.Context()) {
			states <- on
		}
	}()
	return func(want bool) {
		t.Helper()
		select {
		case got := <-states:
			if got != want {
				t.Fatalf("the switch says %v, wanted %v", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("the switch does not say %v", want)
		}
	}
}

func set(t *testing.T, s desktop.Switch, on bool) {
	t.Helper()
	if err := s.Set(on); err != nil {
		t.Fatal(err)
	}
}
