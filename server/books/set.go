package books

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A set is a part that consists of records, each with an id.
type set[R any] struct {
	part
	rows   map[string]R
	covers [2]standing
	lists  [2][]R // rows as they are shown; nil: to be made

	changed map[string]bool // ids that the state does not have as rows has them
	rewrite bool            // the state is to hold rows and nothing else
}

// How much of a set is asked for.
const (
	some = iota // what the kind's filter leaves
	everything
)

// standing is how well a set is known, as far as it is asked for.
type standing struct {
	Whole time.Time // when all was last read
	Since time.Time // by Xero's clock: later changes are not known. Zero: nothing is
	At    time.Time // when Xero last said what has changed since
}

// A kind is how records of a set are read.
type kind[R any] struct {
	name string // in the state
	need need
	path string // below the Accounting API
	// query goes with every request; with filter Xero leaves out what some does not
	// hold. A kind without some is only asked for everything.
	query, filter url.Values
	some          func(R) bool
	shown         func(R) bool // the part of some that is shown
	decode        func([]byte) (page[R], error)
	id            func(R) string
	updated       func(R) time.Time
	dead          func(R) bool // not shown at all
	compare       func(a, b R) int
}

// A page is one answer of a list.
type page[R any] struct {
	rows []R
	pagination
}

// pagination is lower case in an answer that is not (Xero-OpenAPI, accounting).
type pagination struct {
	Pages   int `json:"pageCount"`
	Records int `json:"itemCount"`
}

const (
	pageSize = 1000 // the most that Xero gives
	// What Xero's If-Modified-Since does not tell of (an invoice's due date once it is
	// part paid, whether a contact is a customer: developer.xero.com, requests and
	// responses) is known after this long: then all is read anew.
	wholeAge = 24 * time.Hour
	// An overlap, for a change that was under way when Xero answered.
	overlap = time.Minute
	// A list that changed twice while it was read is read again after this long.
	unsettledAge = time.Hour
	atOnce       = 5 // calls, as many as Xero takes
)

// readRecords returns what is known of the set, brought up to date when that is
// older than maxAge.
//
// With whole set all that cover holds is read anew, whatever is known of it.
func readRecords[R any](ctx context.Context, s *shelf, records *set[R], k kind[R], cover int, maxAge time.Duration, whole bool) Reading[[]R] {
	refused := s.bring(ctx, &records.part, work{
		need: k.need, cover: cover, whole: whole, kept: maxAge == Kept,
		fresh: func() bool { return !outdated(records.covers[cover].At, maxAge) },
		load: func(ctx context.Context) func() {
			var covers [2]standing
			rows := map[string]R{}
			found := s.books.vault.open(ctx, s.tenant, k.name, &covers, func(id string, plain []byte) error {
				var r R
				err := parse(plain, &r)
				rows[id] = r
				return err
			})
			return func() {
				if found {
					records.rows, records.covers = rows, covers
				} else {
					records.rows, records.rewrite = map[string]R{}, true
				}
				records.lists, records.changed = [2][]R{}, map[string]bool{}
			}
		},
		read: func(ctx context.Context, a *asking) (func(), error) {
			s.mu.Lock()
			covers := records.covers
			s.mu.Unlock()
			return records.read(ctx, a, k, covers, cover, whole)
		},
		lose: func() { records.rows, records.covers, records.lists = nil, [2]standing{}, [2][]R{} },
		keep: func(ctx context.Context) { records.keep(ctx, s, k) },
	})
	defer s.mu.Unlock()
	out := Reading[[]R]{At: records.covers[cover].At, Loading: records.flight != nil, Trouble: cmp.Or(refused, records.trouble)}
	if !out.At.IsZero() {
		out.Value = records.list(k, cover)
	}
	return out
}

// list is what is shown of the rows.
func (records *set[R]) list(k kind[R], cover int) []R {
	if records.lists[cover] == nil {
		list := []R{}
		for _, r := range records.rows {
			if cover == everything || k.shown(r) {
				list = append(list, r)
			}
		}
		slices.SortFunc(list, k.compare)
		records.lists[cover] = list
	}
	return records.lists[cover]
}

// read asks what has changed, or for all where that is not known well enough or wanted
// whole. The function that it returns takes it in.
func (records *set[R]) read(ctx context.Context, a *asking, k kind[R], covers [2]standing, cover int, whole bool) (func(), error) {
	if outdated(covers[cover].Whole, wholeAge) || whole && outdated(covers[everything].Whole, wholeAge) {
		return records.readWhole(ctx, a, k, cover)
	}
	changes, err := records.readChanges(ctx, a, k, covers, cover)
	if err != nil || !whole {
		return changes, err
	}
	// What is known of everything outlives a new reading of some: the changes say what
	// became of those that are gone from it.
	all, err := records.readWhole(ctx, a, k, cover)
	return func() { changes(); all() }, err
}

func (records *set[R]) readWhole(ctx context.Context, a *asking, k kind[R], cover int) (func(), error) {
	began := time.Now().UTC()
	rows, since, settled, err := k.whole(ctx, a, cover)
	next := standing{Whole: began, Since: since, At: began}
	if !settled {
		next.Whole = began.Add(unsettledAge - wholeAge)
	}
	return func() { records.replace(k, cover, rows, next) }, err
}

func (records *set[R]) readChanges(ctx context.Context, a *asking, k kind[R], covers [2]standing, cover int) (func(), error) {
	began := time.Now().UTC()
	// What is known less well of the two is brought up to date too.
	since := covers[cover].Since
	for _, c := range covers {
		if !outdated(c.Whole, wholeAge) && c.Since.Before(since) {
			since = c.Since
		}
	}
	rows, answered, err := k.changes(ctx, a, since)
	return func() {
		for _, r := range rows {
			records.put(k, r)
		}
		for n := range records.covers {
			if c := &records.covers[n]; !outdated(c.Whole, wholeAge) {
				c.Since, c.At = answered.Add(-overlap), began
			}
		}
	}, err
}

// put takes one record in.
func (records *set[R]) put(k kind[R], r R) {
	id := k.id(r)
	if k.dead(r) {
		delete(records.rows, id)
	} else {
		records.rows[id] = r
	}
	records.changed[id] = true
	records.lists = [2][]R{}
}

// replace takes rows in as all there are.
func (records *set[R]) replace(k kind[R], cover int, rows map[string]R, next standing) {
	if cover == everything {
		records.rows = map[string]R{}
		records.rewrite = true
		records.covers = [2]standing{next, next}
	}
	for _, r := range rows {
		records.put(k, r)
	}
	records.lists = [2][]R{}
	if cover == everything {
		return
	}
	records.covers[some] = next
	for id, r := range records.rows {
		if _, there := rows[id]; !there && k.some(r) {
			// What became of it is not known.
			delete(records.rows, id)
			records.changed[id] = true
			records.covers[everything] = standing{}
		}
	}
}

// keep writes what the state does not have yet.
func (records *set[R]) keep(ctx context.Context, s *shelf, k kind[R]) {
	s.mu.Lock()
	covers, all := records.covers, records.rewrite
	var put []record
	var drop []string
	if all {
		for id, r := range records.rows {
			put = append(put, record{id, r})
		}
	} else {
		for id := range records.changed {
			if r, there := records.rows[id]; there {
				put = append(put, record{id, r})
			} else {
				drop = append(drop, id)
			}
		}
	}
	records.changed, records.rewrite = map[string]bool{}, false
	s.mu.Unlock()
	saved := false
	defer func() { // also when saving it fails badly
		if !saved {
			s.mu.Lock()
			records.rewrite = true
			s.mu.Unlock()
		}
	}()
	saved = s.books.vault.save(ctx, s.tenant, k.name, covers, put, drop, all)
}

// whole reads all that cover holds. since is when the reading began, by Xero's
// clock and with some overlap.
//
// While pages are read the books may change. Pages are in the order of ids, so
// nothing moves from one to another unless a record comes or, from a filtered list,
// goes. The first shows in the count that is on each page; both are told by Xero
// afterwards as changes. Then the pages are read once more. If it happens again,
// what came is taken, settled is false, and an hour later all is read anew.
func (k kind[R]) whole(ctx context.Context, a *asking, cover int) (rows map[string]R, since time.Time, settled bool, err error) {
	query := maps.Clone(k.query)
	if cover == some {
		maps.Copy(query, k.filter)
	}
	for range 2 {
		first, answered, err := k.page(ctx, a, query, 1, time.Time{})
		if err != nil {
			return nil, since, false, err
		}
		pages := []page[R]{first}
		var later []R
		if first.Pages > 1 {
			rest, err := k.rest(ctx, a, query, first.Pages)
			if err != nil {
				return nil, since, false, err
			}
			pages = append(pages, rest...)
			if later, _, err = k.changes(ctx, a, answered.Add(-time.Second)); err != nil {
				return nil, since, false, err
			}
		}
		since = answered.Add(-overlap)
		if rows, settled = k.merge(pages, later); settled {
			break
		}
	}
	return rows, since, settled, nil
}

// merge puts pages together, and what changed while they were read. It reports
// whether nothing can be missing.
func (k kind[R]) merge(pages []page[R], later []R) (rows map[string]R, settled bool) {
	rows, settled = map[string]R{}, true
	for _, p := range pages {
		for _, r := range p.rows {
			if had, there := rows[k.id(r)]; !there || k.updated(r).After(k.updated(had)) {
				rows[k.id(r)] = r
			}
		}
	}
	for _, p := range pages {
		settled = settled && (len(pages) == 1 || p.Records == len(rows))
	}
	for _, r := range later {
		had, there := rows[k.id(r)]
		settled = settled && there && k.updated(had).Equal(k.updated(r))
		rows[k.id(r)] = r
	}
	return rows, settled
}

// rest reads the pages after the first, several at once.
func (k kind[R]) rest(ctx context.Context, a *asking, query url.Values, last int) ([]page[R], error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pages := make([]page[R], last-1)
	places := make(chan struct{}, atOnce)
	var reading sync.WaitGroup
	for n := range pages {
		places <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		reading.Go(func() {
			defer func() { <-places }()
			if err := a.books.safely(k.need.part, a.tenant, func() (err error) {
				pages[n], _, err = k.page(ctx, a, query, n+2, time.Time{})
				return err
			}); err != nil {
				cancel(err)
			}
		})
	}
	reading.Wait()
	return pages, context.Cause(ctx)
}

// changes reads what has changed since, in any state, one page after the other: a
// list of changes only grows.
func (k kind[R]) changes(ctx context.Context, a *asking, since time.Time) (rows []R, answered time.Time, err error) {
	for n := 1; ; n++ {
		p, at, err := k.page(ctx, a, k.query, n, since)
		if err != nil {
			return nil, answered, err
		}
		if n == 1 {
			answered = at
		}
		rows = append(rows, p.rows...)
		if n >= p.Pages {
			return rows, answered, nil
		}
	}
}

// page reads one page, and says when Xero answered, by its clock.
func (k kind[R]) page(ctx context.Context, a *asking, query url.Values, n int, since time.Time) (page[R], time.Time, error) {
	query = maps.Clone(query)
	query.Set("page", strconv.Itoa(n))
	query.Set("pageSize", strconv.Itoa(pageSize))
	body, answered, err := a.get(ctx, k.path, query, since)
	if err != nil {
		return page[R]{}, answered, err
	}
	p, err := k.decode(body)
	if err != nil {
		return p, answered, unread(err)
	}
	if p.Pages == 0 && len(p.rows) >= pageSize {
		return p, answered, unread(errors.New("a full page that does not say how many there are"))
	}
	return p, answered, nil
}
