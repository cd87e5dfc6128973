package server

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/gorilla/sessions"

	"financial-command-center/assets/words"
	"financial-command-center/server/sheet"
	"financial-command-center/server/xero"
)

func (s *Server) exportRoutes() []route {
	return []route{
		{pattern: "GET /export", who: page, handle: s.exportPage},
		{pattern: "POST /export", who: session, handle: s.startExport},
		{pattern: "POST /export/cancel", who: session, handle: s.cancelExport},
		{pattern: "GET /export/file", who: session, handle: s.exportFile},
		{pattern: "GET /api/export/excel", who: sessionOrKey, handle: s.exportExcel, stream: true},
	}
}

// sessionExport is the value of a session that holds the id of its export.
const sessionExport = "export"

// exportOf is the export that a browser began last, nil when it has none.
func (s *Server) exportOf(session *sessions.Session) *export {
	id, _ := session.Values[sessionExport].(string)
	return s.exports.find(id)
}

// exportView is the page of exports.
type exportView struct {
	Organisation string
	Here, File   string        // addresses: of this page, and of the workbook
	Now          *exportStatus // nil: nothing was begun
	Missing      []missingPart
}

// missingPart are parts that are missing, or old, for one reason.
type missingPart struct {
	Part string
	At   time.Time
	*cardTrouble
}

func (v exportView) loading() bool { return v.Now != nil && v.Now.Running }

// exportPage says what a workbook has in it, how far the one is that this browser
// began, and where it is.
func (s *Server) exportPage(w http.ResponseWriter, r *http.Request, c *call) error {
	ledger, err := s.ledger(r, c)
	if err != nil {
		return err
	}
	data := exportView{Organisation: ledger.Organisation(ended, whoAge).Value.Name, Here: r.URL.RequestURI(), File: "/export/file"}
	if r.URL.RawQuery != "" {
		data.File += "?" + r.URL.RawQuery
	}
	if e := s.exportOf(c.session); e != nil && e.tenant == ledger.TenantID() {
		data.Now = new(e.status())
		for _, m := range data.Now.Missing {
			same := slices.IndexFunc(data.Missing, func(other missingPart) bool {
				return other.Message == m.Message && other.At.IsZero() == m.At.IsZero()
			})
			if same < 0 {
				data.Missing = append(data.Missing, missingPart{m.Part, m.At, listTrouble(&m.Trouble, data.Here)})
				continue
			}
			data.Missing[same].Part += ", " + m.Part
			if m.At.Before(data.Missing[same].At) {
				data.Missing[same].At = m.At
			}
		}
	}
	return s.render(w, r, c, http.StatusOK, "export", words.Say("export.title"), data)
}

// startExport begins to make a workbook. A browser has one: an earlier one ends.
func (s *Server) startExport(w http.ResponseWriter, r *http.Request, c *call) error {
	ledger, err := s.ledger(r, c)
	if err != nil {
		return err
	}
	if old := s.exportOf(c.session); old != nil {
		s.exports.remove(old)
	}
	ctx := xero.WithCaller(context.Background(), c.caller())
	id := rand.Text()
	c.session.Values[sessionExport] = id // first: an export that no session holds goes
	if err := c.session.Save(r, w); err != nil {
		return err
	}
	if err := s.exports.start(ctx, id, ledger, s.cfg.Mode == Demo); err != nil {
		return err
	}
	http.Redirect(w, r, r.URL.RequestURI(), http.StatusSeeOther)
	return nil
}

func (s *Server) cancelExport(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	if e := s.exportOf(c.session); e != nil {
		s.exports.remove(e)
		if err := s.notice(w, r, c, words.Say("export.running.stopped")); err != nil {
			return err
		}
	}
	http.Redirect(w, r, localPath(r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}

// exportFile gives out the workbook that this browser's export has made, while its
// organisation is the one that r is about.
func (s *Server) exportFile(w http.ResponseWriter, r *http.Request, c *call) error {
	gone := fail(codeNotFound).saying(words.Say("export.failed.gone"), words.Say("export.failed.gone-do")).offering(words.Say("export.make"), "/export")
	ledger, err := s.ledger(r, c)
	if err != nil {
		return err
	}
	e := s.exportOf(c.session)
	if e == nil || e.tenant != ledger.TenantID() || e.status().Name == "" {
		return gone
	}
	file, err := os.Open(e.path)
	if err != nil {
		return gone.because(err)
	}
	defer file.Close()
	asFile(w, excelType, e.status().Name)
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

// exportTimeout is how long a caller may take to receive a workbook.
const exportTimeout = 2 * time.Minute

// exportExcel answers with the workbook as it is made, and stops when the caller
// hangs up. A part that another try may read fails it, and so does one that is known
// but old: a script would not see it.
func (s *Server) exportExcel(w http.ResponseWriter, r *http.Request, c *call) error {
	ledger, err := s.ledger(r, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), xeroPatience)
	defer cancel()
	e := readExport(ctx, ledger, s.cfg.Mode == Demo, func(string) {}).withoutOld()
	if err := e.worth(true); err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportTimeout)) // not every writer has one
	asFile(w, excelType, e.fileName())
	begun := &counter{w: w}
	err = sheet.Excel(r.Context(), begun, s.cfg.DataDir, e.sheets(), nil)
	switch {
	case err == nil:
		return nil
	case begun.bytes == 0:
		w.Header().Del("Content-Disposition")
		return err
	case r.Context().Err() == nil:
		s.log.Warn("workbook broke off", "err", err)
	}
	panic(http.ErrAbortHandler) // half a workbook must not look like a whole one
}

// counter counts what passes through it.
type counter struct {
	w     http.ResponseWriter
	bytes int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.bytes += int64(n)
	return n, err
}
