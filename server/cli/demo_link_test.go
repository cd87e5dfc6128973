package cli

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

// The test binary is fcc when it is told so: see TestMain.
func TestALinkIntoTheDemoThatNobodyWaitedForIsNotGivenToTheNext(t *testing.T) {
	t.Setenv("FCC_TEST_AS_FCC", "1")
	var d demoChild
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = d.run(ctx)
	}()
	defer func() {
		end()
		<-ended
	}()
	first, err := d.link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(d.ask, "\n"); err != nil { // as for somebody who leaves then
		t.Fatal(err)
	}
	var missed string
	select {
	case missed = <-d.links:
		d.links <- missed
	case <-time.After(20 * time.Second):
		t.Fatal("no link came")
	}
	next, err := d.link(t.Context())
	if err != nil || next == missed || next == first || !strings.HasPrefix(next, "http://localhost:") {
		t.Errorf("%q, %v; %q was missed, %q came first", next, err, missed, first)
	}
}
