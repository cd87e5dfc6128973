//go:build proof

package proof

import (
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestAfterASleepOfThreeTokenLivesOneRenewalServesAll(t *testing.T) {
	const life = 8 * time.Second
	port := freePort(t)
	sim := startSim(t, []int{port}, "--token-life", life.String())
	i := install(t, port, sim.settings()...)
	f := i.start(t)
	i.signIn(t, sim, café)
	key := i.addKey(t, "sheet")
	i.connected(t, key)

	// Right after a renewal none is under way.
	renewed := sim.count(t, "token-answered")
	sim.wait(t, "token-answered", renewed)
	i.connected(t, key)
	i.invoices(t, key)
	f.signal(t, syscall.SIGSTOP)
	before := sim.last(t)
	time.Sleep(3 * life) // the sleep itself
	f.signal(t, syscall.SIGCONT)

	for _, problem := range together(20, func() error { return i.answers(key) }) {
		t.Error(problem)
	}
	if renewals := sim.renewals(t, before); len(renewals) != 1 {
		t.Errorf("%d renewals after the sleep, not 1: %+v", len(renewals), renewals)
	}
}

func Test50CallersOnAnExpiredTokenMakeOneRenewal(t *testing.T) {
	port := freePort(t)
	sim := startSim(t, []int{port})
	i := install(t, port, sim.settings()...)
	i.start(t)
	i.signIn(t, sim, café)
	key := i.addKey(t, "sheet")
	i.connected(t, key)
	i.invoices(t, key)
	before := sim.last(t)
	sim.control(t, "expire", nil, nil)
	for _, problem := range together(50, func() error { return i.answers(key) }) {
		t.Error(problem)
	}
	if renewals := sim.renewals(t, before); len(renewals) != 1 {
		t.Errorf("%d renewals, not 1: %+v", len(renewals), renewals)
	}
}

// answers is one call through the gateway that needs a token and must succeed. It
// is one that Xero allows any number of at once: of an organisation's it takes 5.
func (i *installation) answers(key string) error {
	answer, err := i.get("/connections", key)
	if err == nil && answer.status != http.StatusOK {
		err = fmt.Errorf("%d: %s", answer.status, answer.body)
	}
	return err
}

// together calls n times at once and returns what went wrong.
func together(n int, call func() error) []error {
	var (
		begin   = make(chan struct{})
		callers sync.WaitGroup
		mu      sync.Mutex
		wrong   []error
	)
	for range n {
		callers.Go(func() {
			<-begin
			if err := call(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				wrong = append(wrong, err)
			}
		})
	}
	close(begin)
	callers.Wait()
	return wrong
}
