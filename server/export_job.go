package server

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	stack "runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
	"financial-command-center/server/xero"
)

// How long an export may take, and how long its workbook is kept.
const (
	exportPatience = 15 * time.Minute
	exportKept     = 10 * time.Minute
)

// exportFiles are the names of workbooks in the data folder.
const exportFiles = ".export-*"

// exports are the workbooks that browsers have made. Those are files of the data
// folder that only its user may read, and go after a while, at the next export of
// the same browser, when its session ends, when no sign-in reaches their organisation
// any more, or when FCC stops.
type exports struct {
	dir string
	log *slog.Logger

	mu      sync.Mutex
	all     map[string]*export
	left    []string // workbooks that could not be deleted yet: somebody reads them
	closed  bool
	working sync.WaitGroup
}

func newExports(dir string, log *slog.Logger) *exports {
	return &exports{dir: dir, log: log, all: map[string]*export{}}
}

// An export makes one workbook.
type export struct {
	id, tenant string
	cancel     context.CancelFunc
	done       chan struct{} // closed when nothing is written any more
	// Of the workbook, once status is not Running.
	path   string
	expiry *time.Timer

	mu  sync.Mutex
	now exportStatus
}

// exportStatus is how far an export is: Running, or failed by a Problem, or ready
// under a Name.
type exportStatus struct {
	Running    bool
	Reading    string // "Reading invoices and bills"; "" while rows are written
	Rows, Of   int
	Problem    *xero.Problem
	Name       string
	Until      time.Time // when the workbook goes
	Missing    []missing
	Began, End time.Time
}

// Took is how long it took.
func (e exportStatus) Took() time.Duration { return e.End.Sub(e.Began).Round(100 * time.Millisecond) }

func (e *export) status() exportStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *export) is(change func(*exportStatus)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.now)
}

func (x *exports) find(id string) *export {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.all[id]
}

// start begins to make a workbook of ledger, for the session that holds id. It goes on
// when ctx, whose caller it reads for, has long ended.
func (x *exports) start(ctx context.Context, id string, ledger *books.Ledger, demo bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportPatience)
	e := &export{id: id, tenant: ledger.TenantID(), cancel: cancel, done: make(chan struct{})}
	e.now = exportStatus{Running: true, Began: time.Now()}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		cancel()
		return fail(xero.CodeUnreachable).saying(words.Say("export.failed.stopping"), words.Say("export.failed.stopping-do"))
	}
	x.all[e.id] = e
	x.working.Go(func() {
		defer close(e.done)
		defer cancel()
		name, missing, err := e.make(ctx, x, ledger, demo)
		e.is(func(now *exportStatus) {
			now.Running, now.End = false, time.Now()
			if err == nil {
				now.Name, now.Missing, now.Until = name, missing, now.End.Add(exportKept)
				return
			}
			now.Problem = &asFailure(err).Problem
		})
		if err != nil && ctx.Err() == nil {
			x.log.Warn("export failed", "err", err)
		}
		e.expiry = time.AfterFunc(exportKept, func() { x.remove(e) })
	})
	return nil
}

// tidyExports removes, until ctx ends, the workbooks of organisations that no sign-in
// reaches any more and of sessions that have ended.
func (s *Server) tidyExports(ctx context.Context) {
	wanted := func(e *export) bool {
		reached := slices.ContainsFunc(s.cfg.Connections.Status().Organisations(), func(o xero.Organisation) bool {
			return strings.EqualFold(o.TenantID, e.tenant)
		})
		return reached && s.browsers.holds(e.id)
	}
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() {
		for range s.cfg.Connections.Watch(ctx) {
			s.exports.keepOnly(wanted)
		}
	})
	tick := time.NewTicker(tickEvery) // sessions that expire tell nobody
	defer tick.Stop()
	for {
		news := s.browsers.changed()
		s.exports.keepOnly(wanted)
		select {
		case <-news:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// make reads the books and writes the workbook. One that does not become whole is
// closed and deleted.
func (e *export) make(ctx context.Context, x *exports, ledger *books.Ledger, demo bool) (name string, left []missing, err error) {
	defer func() {
		if v := recover(); v != nil { // which would be the end of FCC: this is no request of net/http's
			x.log.Error("panic", "what", "export", "tenant", e.tenant, "value", v, "stack", string(stack.Stack()))
			err = fail(codeInternal).because(errors.New("a panic"))
		}
	}()
	read := readExport(ctx, ledger, demo, func(what string) { e.is(func(now *exportStatus) { now.Reading = what }) })
	if err := read.worth(false); err != nil {
		return "", nil, err
	}
	e.is(func(now *exportStatus) { now.Reading, now.Of = "", read.rows() })
	file, err := os.CreateTemp(x.dir, exportFiles) // 0600
	if err != nil {
		return "", nil, stateFailure(err)
	}
	e.path = file.Name()
	whole := false
	defer func() { // also when writing it fails badly
		if !whole {
			_ = file.Close() // else Windows does not delete it
			_ = os.Remove(e.path)
		}
	}()
	buffered := bufio.NewWriter(file)
	err = sheet.Excel(ctx, buffered, x.dir, read.sheets(), func(rows int) {
		e.is(func(now *exportStatus) { now.Rows = min(rows, now.Of) })
	})
	if err = errors.Join(err, buffered.Flush(), file.Close()); err != nil {
		if ctx.Err() != nil {
			return "", nil, fail(xero.CodeUnreachable).saying(words.Say("export.failed.too-long"), words.Say("export.failed.too-long-do")).because(err)
		}
		return "", nil, stateFailure(err)
	}
	name, left = read.fileName(), read.missing()
	whole = true
	return name, left, nil
}

// remove ends e, and deletes its workbook.
func (x *exports) remove(e *export) {
	e.cancel()
	<-e.done
	e.expiry.Stop()
	x.mu.Lock()
	delete(x.all, e.id)
	x.mu.Unlock()
	if e.path == "" {
		return
	}
	x.mu.Lock()
	x.left = append(x.left, e.path)
	x.mu.Unlock()
	x.clear()
}

// clear deletes the workbooks that are to go. What somebody reads cannot be deleted
// on Windows: the next call tries again.
func (x *exports) clear() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.left = slices.DeleteFunc(x.left, func(path string) bool {
		err := os.Remove(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			x.log.Warn("workbook not removed yet", "err", err)
			return false
		}
		return true
	})
}

// keepOnly removes the exports that keep does not want, and deletes what could not be
// deleted before.
func (x *exports) keepOnly(keep func(*export) bool) {
	x.mu.Lock()
	all := slices.Collect(maps.Values(x.all))
	x.mu.Unlock()
	for _, e := range all {
		if !keep(e) {
			x.remove(e)
		}
	}
	x.clear()
}

// sweep deletes the workbooks, and what they were made of, that an FCC left which did
// not come to its end.
func (x *exports) sweep() {
	entries, _ := os.ReadDir(x.dir)
	for _, entry := range entries {
		for _, pattern := range []string{exportFiles, sheet.Files} {
			if left, _ := filepath.Match(pattern, entry.Name()); left && entry.Type().IsRegular() {
				_ = os.Remove(filepath.Join(x.dir, entry.Name()))
			}
		}
	}
}

// close ends all exports and deletes their workbooks. None begins afterwards.
func (x *exports) close() {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.keepOnly(func(*export) bool { return false })
	x.working.Wait()
}
