package books

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"financial-command-center/server/store"
)

// An Answer is one of Xero's, as it came. It is everybody's: nobody changes it.
//
// Answers are kept beside the records, and never made from them: of a record only the
// fields that FCC shows are kept, by names of its own, and what Xero would have written
// of it (its lines and links, the spelling of its amounts, the order, a filter's
// result) cannot be told from those. So only the very same question is answered.
type Answer struct {
	At     time.Time   // when it was asked for: what it says is no older
	Header http.Header // that its question's callers may see
	Body   []byte
}

// A Question stands for all that an answer depends on besides the organisation: a
// hash of it.
type Question [sha256.Size]byte

const (
	// mostAge is how long an answer is kept. Who takes the last known one gets none
	// that is older.
	mostAge = 30 * 24 * time.Hour
	// Of an organisation so many are kept, the newest of them, and so many bytes; in
	// memory, those used last, of all organisations together.
	mostAnswers     = 1000
	mostAnswerBytes = 64 << 20
	mostFront       = 32 << 20
)

// kindAnswer is what kept answers are sealed as.
const kindAnswer = "answer"

// Age is how old the answer is, at most. ok is false when the clock was set so that
// nobody can tell.
func (a *Answer) Age(now time.Time) (age time.Duration, ok bool) {
	wall := now.Round(0).Sub(a.At.Round(0)) // counts a sleep of the computer
	return max(wall, now.Sub(a.At), 0), wall >= -time.Minute
}

func (a *Answer) young(now time.Time, maxAge time.Duration) bool {
	age, ok := a.Age(now)
	return ok && age <= min(maxAge, mostAge)
}

// Answer is what Xero answered to the question last, where that is kept and no older
// than maxAge; else nil.
func (l *Ledger) Answer(ctx context.Context, q Question, maxAge time.Duration) *Answer {
	b, id := l.books, strings.ToLower(l.tenantID)
	now := time.Now()
	a, edition, disk := b.front.find(id, q)
	if a == nil && disk && !b.isOwed(id) {
		if a = b.vault.answer(ctx, id, q); a != nil && !b.front.put(id, q, edition, a) {
			return nil // something was written meanwhile
		}
	}
	if a == nil || !a.young(now, maxAge) {
		return nil
	}
	return a
}

// Edition changes with all that is written to the organisation: an answer to what was
// asked in another edition may be from before.
func (l *Ledger) Edition() uint64 { return l.books.front.edition(strings.ToLower(l.tenantID)) }

// KeepAnswer keeps what Xero answered to the question, asked in an edition. If that is
// over, it does not.
func (l *Ledger) KeepAnswer(q Question, edition uint64, a *Answer) {
	b, id := l.books, strings.ToLower(l.tenantID)
	if !b.front.put(id, q, edition, a) || !b.begin() {
		return
	}
	go func() {
		defer b.busy.Done()
		ctx, cancel := context.WithTimeout(context.Background(), keepPatience)
		defer cancel()
		_ = b.safely(kindAnswer, id, func() error {
			s := b.keeping(id)
			defer s.keeping.Unlock()
			if b.front.edition(id) == edition {
				b.vault.saved(kindAnswer, b.vault.saveAnswer(ctx, id, q, a))
			}
			return nil
		})
	}()
}

// Wrote drops the answers that are kept of an organisation, as something of it may have
// changed. When it returns, none of them is given out any more.
func (b *Books) Wrote(tenantID string) {
	id := strings.ToLower(tenantID)
	ctx, cancel := context.WithTimeout(context.Background(), keepPatience)
	defer cancel()
	s := b.keeping(id)
	defer s.keeping.Unlock()
	state, err := b.cfg.State(ctx)
	if err == nil {
		err = state.DropAnswers(ctx, id)
	}
	if err != nil {
		b.log.Warn("answers from before a write are not deleted yet; they are not used", "tenant", id, "err", err)
	}
	b.front.drop(id, err != nil)
}

// SweepAnswers deletes the answers that are too old for anybody.
func (b *Books) SweepAnswers(ctx context.Context, now time.Time) error {
	state, err := b.cfg.State(ctx)
	if err != nil {
		return err
	}
	return state.SweepAnswers(ctx, now.Add(-mostAge))
}

// answer opens what saveAnswer kept; nil: there is none that can be read.
func (v *vault) answer(ctx context.Context, tenant string, q Question) *Answer {
	aead, err := v.key(ctx)
	if err != nil {
		return nil // who keeps records says so
	}
	state, err := v.books.cfg.State(ctx)
	if err != nil {
		return nil
	}
	sealed, err := state.Answer(ctx, tenant, q[:])
	if err != nil || sealed == nil {
		return nil
	}
	a := &Answer{}
	plain, err := aead.Open(nil, nil, sealed, about(tenant, kindAnswer, q.String()))
	head, body, _ := bytes.Cut(plain, []byte("\n"))
	if err == nil {
		err = parse(head, a)
	}
	if err != nil {
		v.books.log.Warn("a kept answer cannot be read; Xero is asked", "tenant", tenant, "err", err)
		return nil
	}
	a.Body = body
	return a
}

func (v *vault) saveAnswer(ctx context.Context, tenant string, q Question, a *Answer) error {
	aead, err := v.key(ctx)
	if err != nil {
		return err
	}
	state, err := v.books.cfg.State(ctx)
	if err != nil {
		return err
	}
	if v.books.front.isUnclean(tenant) {
		if err := state.DropAnswers(ctx, tenant); err != nil {
			return err
		}
		v.books.front.clean(tenant)
	}
	head, err := json.Marshal(Answer{At: a.At, Header: a.Header})
	if err != nil {
		return err
	}
	plain := append(append(head, '\n'), a.Body...) // JSON has no line breaks of its own here
	sealed := aead.Seal(nil, nil, plain, about(tenant, kindAnswer, q.String()))
	return state.SaveAnswer(ctx, tenant, store.Answer{ID: q[:], At: a.At, Data: sealed}, mostAnswers, mostAnswerBytes)
}

func (q Question) String() string { return hex.EncodeToString(q[:]) }

// A front is the answers in memory, so that giving one out again needs no disk. Ids
// of organisations are in lower case. Its zero value is empty.
type front struct {
	mu       sync.Mutex // held for moments
	places   map[place]*list.Element
	order    list.List // of *shown, used last first
	bytes    int
	last     uint64            // edition that was begun last, of all organisations
	editions map[string]uint64 // by organisation; 0: nothing was written since FCC started
	unclean  map[string]bool   // of these there may be answers on the disk that count no more
}

type place struct {
	tenant   string
	question Question
}

type shown struct {
	place
	answer *Answer
	size   int
}

// find also says what to know for looking on the disk: the edition, and whether to look
// at all.
func (f *front) find(tenant string, q Question) (a *Answer, edition uint64, disk bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.places[place{tenant, q}]; e != nil {
		f.order.MoveToFront(e)
		a = e.Value.(*shown).answer
	}
	return a, f.editions[tenant], !f.unclean[tenant]
}

func (f *front) edition(tenant string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.editions[tenant]
}

// put reports whether the edition is not over. A newer answer stays in its place.
func (f *front) put(tenant string, q Question, edition uint64, a *Answer) bool {
	size := len(a.Body) + 1<<10 // its header, and what it takes to find it
	for name, values := range a.Header {
		size += len(name)
		for _, value := range values {
			size += len(value)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.editions[tenant] != edition {
		return false
	}
	at := place{tenant, q}
	if e := f.places[at]; e != nil {
		if e.Value.(*shown).answer.At.After(a.At) {
			return true
		}
		f.removeLocked(e)
	}
	if f.places == nil {
		f.places = map[place]*list.Element{}
	}
	f.places[at] = f.order.PushFront(&shown{at, a, size})
	for f.bytes += size; f.bytes > mostFront; {
		f.removeLocked(f.order.Back())
	}
	return true
}

func (f *front) removeLocked(e *list.Element) {
	s := f.order.Remove(e).(*shown)
	delete(f.places, s.place)
	f.bytes -= s.size
}

// drop begins a new edition of an organisation. unclean: its answers could not be
// deleted from the disk.
func (f *front) drop(tenant string, unclean bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for at, e := range f.places {
		if at.tenant == tenant {
			f.removeLocked(e)
		}
	}
	if f.editions == nil {
		f.editions, f.unclean = map[string]uint64{}, map[string]bool{}
	}
	f.last++
	f.editions[tenant] = f.last
	if delete(f.unclean, tenant); unclean {
		f.unclean[tenant] = true
	}
}

func (f *front) isUnclean(tenant string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unclean[tenant]
}

func (f *front) clean(tenant string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.unclean, tenant)
}
