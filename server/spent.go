package server

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/store"
	"financial-command-center/server/xero"
)

// budgets are what was learnt of Xero's limits, as it was written last.
type budgets struct {
	mu      sync.Mutex // held over a write
	written map[[2]string]xero.Learnt
}

// Learnt is what xero.Config wants of what was learnt before this start. It waits for
// the state.
func (s *Server) Learnt(ctx context.Context) (all []xero.Learnt) {
	state, err := s.openedState(ctx)
	if err != nil {
		return nil
	}
	kept, err := state.Budgets(ctx)
	for _, b := range kept {
		var one xero.Learnt
		if err = json.Unmarshal(b.Data, &one); err == nil {
			all = append(all, one)
		}
	}
	if err != nil {
		s.log.Warn("what was learnt of Xero's limits cannot all be read", "err", err)
	}
	return all
}

// flushBudgets writes what was learnt of Xero's limits since it was written last.
func (s *Server) flushBudgets(ctx context.Context) error {
	s.budgets.mu.Lock()
	defer s.budgets.mu.Unlock()
	written := map[[2]string]xero.Learnt{}
	var news []store.Budget
	for _, one := range s.cfg.Connections.Learnt() {
		of := [2]string{one.Client, one.Tenant}
		written[of] = one
		if s.budgets.written[of] == one {
			continue
		}
		data, err := json.Marshal(one)
		if err != nil {
			return err
		}
		news = append(news, store.Budget{Client: one.Client, Tenant: one.Tenant, Data: data})
	}
	if len(news) == 0 {
		return nil
	}
	if err := s.state.SaveBudgets(ctx, news, time.Now()); err != nil {
		return err
	}
	s.budgets.written = written
	return nil
}

// spentView is who spent what of today's calls.
type spentView struct {
	Known bool // the list of calls could be read
	Of    []spentOf
}

// spentOf are the calls for one organisation.
type spentOf struct {
	Organisation string
	Left, Tone   string // what is left, in words
	By           []spentBy
	all          int
}

type spentBy struct {
	Who, Link string
	Calls     int
}

// spentToday counts what was asked of Xero since midnight, the organisation with most
// first.
func (s *Server) spentToday(ctx context.Context) *spentView {
	v := &spentView{}
	state, err := s.openedState(ctx)
	if err != nil {
		return v
	}
	s.stateIs(s.flushCalls(ctx))
	now := time.Now()
	counts, err := state.CountCalls(ctx, store.Which{From: midnight(now), Outcome: store.Reached})
	if err != nil {
		s.log.Warn("today's calls not counted", "err", err)
		return v
	}
	v.Known = true
	names, by := s.organisationNames(), map[string]*spentOf{}
	for _, n := range counts {
		if n.Tenant == "" { // of no organisation's day
			continue
		}
		of := by[n.Tenant]
		if of == nil {
			of = &spentOf{Organisation: names.of(n.Tenant)}
			of.Left, of.Tone = leftWords(s.cfg.Connections.Budget(n.Tenant))
			by[n.Tenant] = of
		}
		who := n.Caller
		if n.Name != "" {
			who += ":" + n.Name
		}
		link := activityFilter{Who: who, Organisation: n.Tenant, Day: now.Format(time.DateOnly)}.address(1)
		of.By = append(of.By, spentBy{callerWords(n.Caller, n.Name), link, n.Count})
		of.all += n.Count
	}
	for _, of := range by {
		slices.SortStableFunc(of.By, func(a, b spentBy) int { return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Who, b.Who)) })
		v.Of = append(v.Of, *of)
	}
	slices.SortFunc(v.Of, func(a, b spentOf) int {
		return cmp.Or(cmp.Compare(b.all, a.all), cmp.Compare(a.Organisation, b.Organisation))
	})
	return v
}

// leftWords says what is left of an organisation's calls. Tone is "" when that is
// enough, else warn or late.
func leftWords(b xero.Budget) (left, tone string) {
	switch {
	case !b.Closed.IsZero():
		return words.Say("limits.left.none", "Until", moment(b.Closed)), "late"
	case !b.Known:
		return words.Say("limits.left.unknown"), ""
	case b.Day <= b.Reserve:
		return words.Say("limits.left.kept", "Left", words.Number(b.Day)), "warn"
	case b.Few():
		tone = "warn"
	}
	return words.Say("limits.left.some", "Left", words.Number(b.Day), "Of", words.Number(b.Allowance)), tone
}

// waitedWords is how long a call took, and how long it had waited before, where that
// is worth a word.
func waitedWords(c store.Call) string {
	took := tookWords(c.Took)
	if c.Waited < time.Second {
		return took
	}
	return words.Say("limits.waited", "Took", took, "Waited", tookWords(c.Waited))
}
