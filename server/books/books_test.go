package books_test

import (
	"sync"
	"testing"
	"time"
)

func TestColdDashboard(t *testing.T) {
	for _, name := range []string{joinery, café, kauri} {
		b := newBench(t)
		start := b.now()
		began := time.Now()
		d := b.ledger(name).Dashboard(t.Context(), time.Minute)
		t.Log(name, time.Since(began), len(b.calls(start)), d.Months.Trouble)
		read(t, d.Organisation)
		read(t, d.Cash)
		owed := read(t, d.Owed)
		t.Log(d.Organisation.Value, d.Cash.Value, owed)
		read(t, d.Overdue)
		all := read(t, b.ledger(name).Invoices(t.Context(), 0))
		t.Log(len(all), time.Since(began), len(b.calls(start)))
		b.stop()
		began = time.Now()
		b.restart()
		began = time.Now()
		again := read(t, b.ledger(name).Invoices(t.Context(), time.Hour))
		t.Log(len(again), time.Since(began), len(b.calls(start)))
	}
}

func TestTenReadersCostOneCall(t *testing.T) {
	b := newBench(t)
	start := b.now()
	l := b.ledger(joinery)
	var readers sync.WaitGroup
	for range 10 {
		readers.Go(func() { read(t, l.Contacts(t.Context(), 0)) })
	}
	readers.Wait()
	if n := len(b.calls(start)); n != 1 {
		t.Errorf("%d calls", n)
	}
}
