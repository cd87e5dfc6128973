//go:build proof

package proof

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
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

	for _, problem := range together(20, i.callers(key)) {
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
	for _, problem := range together(50, i.callers(key)) {
		t.Error(problem)
	}
	if renewals := sim.renewals(t, before); len(renewals) != 1 {
		t.Errorf("%d renewals, not 1: %+v", len(renewals), renewals)
	}
}

// callers is a call for together: the first four ask for the books, the others for
// what Xero allows any number of at once. Of an organisation's calls it takes five.
func (i *installation) callers(key string) func() error {
	var asked atomic.Int32
	return func() error {
		if asked.Add(1) <= 4 {
			return i.asks("/api.xro/2.0/Invoices?page=1", key)
		}
		return i.answers(key)
	}
}

// answers is one call through the gateway that needs a token and must succeed.
func (i *installation) answers(key string) error { return i.asks("/connections", key) }

func (i *installation) asks(path, key string) error {
	answer, err := i.get(path, key)
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
