package server

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/store"
)

func (s *Server) approvalRoutes() []route {
	return []route{
		{pattern: "GET /approvals", who: page, handle: s.approvalsPage},
		{pattern: "GET /approvals/request", who: page, handle: s.approvalPage},
		{pattern: "POST /approvals/refuse", who: session, handle: s.refuseWrite},
		{pattern: "POST /approvals/allow", who: session, handle: s.allowWrite},
		{pattern: "GET /activity/changes", who: page, handle: s.changesPage},
	}
}

const (
	shownRecords = 10 // of a request on the page of all, and
	shownFields  = 50 // values of its body; its own page has the rest
)

// approvalsView is what waits and what was answered lately; with One, that request in
// full.
type approvalsView struct {
	Waiting, Answered []approvalCard
	One               bool
}

type approvalCard struct {
	askedCard
	ID, Program, Organisation string
	Until                     string
	Waits                     bool
	Shown                     bool     // what was in it is there to be shown
	Ended, Tone               string   // how it ended
	Links                     []button // to what was written
	Undo                      string
	Mend                      button // where the sign-in is in the way
	Method, Address           string
	Many                      bool
	MoreRecords, MoreLines    int
	Hidden                    []string // warnings of records that are not shown
	Cut                       bool     // it does not show everything, and cannot be allowed here
	All                       string   // address of its own page
}

func (v *approvalsView) add(card approvalCard) {
	if card.Waits {
		v.Waiting = append(v.Waiting, card)
	} else {
		v.Answered = append(v.Answered, card)
	}
}

func (s *Server) approvalsPage(w http.ResponseWriter, r *http.Request, c *call) error {
	var v approvalsView
	for _, h := range s.approvals.list(time.Now()) {
		v.add(s.cardOfWrite(h, false))
	}
	title := words.Say("approvals.title")
	if len(v.Waiting) == 0 {
		title = words.Say("approvals.nothing")
	}
	return s.render(w, r, c, http.StatusOK, "approvals", title, v)
}

// approvalPage shows one request with every value in it, and notes to whom: not what a
// browser fetches beforehand, for that nobody may ever look at.
func (s *Server) approvalPage(w http.ResponseWriter, r *http.Request, c *call) error {
	id := r.URL.Query().Get("id")
	session, err := hashOf(c.session)
	if err != nil {
		return err
	}
	for _, h := range s.approvals.list(time.Now()) {
		if h.id == id {
			v := approvalsView{One: true}
			v.add(s.cardOfWrite(h, true))
			err := s.render(w, r, c, http.StatusOK, "approvals", h.card.Title, v)
			if h := s.approvals.find(id); h != nil && err == nil && r.Method == http.MethodGet && r.Header.Get("Sec-Purpose") == "" {
				s.approvals.show(h, session)
			}
			return err
		}
	}
	http.Redirect(w, r, "/approvals", http.StatusSeeOther) // it was there a moment ago
	return nil
}

func (s *Server) cardOfWrite(h heldWrite, whole bool) approvalCard {
	v := approvalCard{
		askedCard: h.card, ID: h.id, Program: visible(h.key.Name), Organisation: visible(h.organisation.Name), Until: h.until.Local().Format("15:04:05"),
		Waits: h.state == waiting, Shown: h.ended.IsZero(), Method: visible(h.proposal.method), Address: visible(h.proposal.address),
		Many: len(h.card.Records) > 1, All: "/approvals/request?" + url.Values{"id": {h.id}}.Encode(),
	}
	if !whole {
		if v.MoreRecords = max(0, len(v.Records)-shownRecords); v.MoreRecords > 0 {
			for _, hidden := range v.Records[shownRecords:] {
				for _, warning := range hidden.Warnings {
					if !slices.Contains(v.Hidden, warning) {
						v.Hidden = append(v.Hidden, warning)
					}
				}
			}
			v.Records = v.Records[:shownRecords]
		}
		if v.MoreLines = max(0, len(v.Lines)-shownFields); v.MoreLines > 0 {
			v.Lines = v.Lines[:shownFields]
		}
		if text := []rune(v.Raw); len(text) > 2000 {
			v.Raw, v.MoreLines = string(text[:2000]), v.MoreLines+len(text)-2000
		}
		v.Cut = v.MoreRecords > 0 || v.MoreLines > 0
	}
	v.Ended, v.Tone = h.howEnded()
	if !v.Waits { // what to look at before the answer is of no use after it
		v.Unclear, v.Records = "", slices.Clone(v.Records)
		for i := range v.Records {
			v.Records[i].Warnings = nil
		}
	}
	switch {
	case h.state == sent && h.status < http.StatusBadRequest:
		v.Undo = words.Say("approvals.undo." + undoOf(h.card.what))
		if v.Links, _ = s.linksTo(h.organisation.TenantID, h.card.what, h.records); len(v.Links) > 0 {
			for i := range v.Records {
				v.Records[i].Link = ""
			}
		}
	case h.state == sent:
		v.Mend = mendOf(h.status)
	}
	return v
}

// howEnded says how a write ended, "" while it waits.
func (h *heldWrite) howEnded() (said, tone string) {
	at := h.ended.Local().Format("15:04:05")
	switch h.state {
	case allowed:
		return words.Say("approvals.ended.allowed"), ""
	case sent:
		if h.status >= http.StatusBadRequest {
			went, tone := wentOf(h.status)
			return words.Say("approvals.ended.xero-refused", "At", at, "Went", went), tone
		}
		return words.Say("approvals.ended.sent", "At", at), ""
	case unsent:
		return words.Say("approvals.ended.unsent"), "late"
	case refused:
		return words.Say("approvals.ended.refused", "At", at), "off"
	case unanswered:
		return words.Say("approvals.ended.unanswered"), "warn"
	case gone:
		return words.Say("approvals.ended.gone"), "warn"
	}
	return "", ""
}

// wentOf says of an answer of Xero's what Activity says of it.
func wentOf(status int) (went, tone string) {
	_, went, tone = inWords(store.Call{Method: http.MethodPost, Status: status})
	return went, tone
}

// mendOf leads to where the sign-in is given more, if that is what an answer was about.
func mendOf(status int) button {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return answers[codeWriteRefused].button
	}
	return button{}
}

func (s *Server) refuseWrite(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.decide(w, r, c, refused)
}

func (s *Server) allowWrite(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.decide(w, r, c, allowed)
}

// decide answers for a write, once: who comes second is told how it was answered.
func (s *Server) decide(w http.ResponseWriter, r *http.Request, c *call, as heldState) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	h := s.approvals.find(r.PostForm.Get("id"))
	if h == nil {
		return s.settled(w, r, c, words.Say("approvals.not-waiting"), "/approvals")
	}
	if as == allowed {
		if err := s.unseen(h, c); err != nil {
			return err
		}
	}
	said := words.Say("approvals.said.refused")
	decided := false
	switch {
	case s.keys.over(&h.key, time.Now()) != nil:
		s.end(h, waiting, gone)
		said, decided = words.Say("approvals.said.revoked"), true
	case time.Now().After(h.until):
		s.end(h, waiting, unanswered)
	case as == allowed:
		said, decided = words.Say("approvals.said.allowed"), s.approvals.answer(h, allowed, s.browsers.knownFor(r.Context(), c.session))
	default:
		if decided = s.approvals.answer(h, refused, s.browsers.knownFor(r.Context(), c.session)); decided {
			s.noteEnd(h)
		}
	}
	if !decided {
		s.approvals.mu.Lock()
		now, _ := h.howEnded()
		s.approvals.mu.Unlock()
		said = words.Say("approvals.said.before", "How", now)
	}
	return s.settled(w, r, c, said, "/approvals")
}

// unseen is why h cannot be allowed from this session: it was not shown all of it.
func (s *Server) unseen(h *heldWrite, c *call) error {
	session, err := hashOf(c.session)
	if err != nil {
		return err
	}
	s.approvals.mu.Lock()
	now := *h
	s.approvals.mu.Unlock()
	if card := s.cardOfWrite(now, false); now.state == waiting && card.Cut && !slices.Contains(now.shown, session) {
		return fail(codeBadRequest).saying(words.Say("approvals.unseen"), words.Say("approvals.unseen-action")).offering(words.Say("approvals.show-all"), card.All)
	}
	return nil
}

// changesView is what programs have written, and wanted to.
type changesView struct {
	Rows         []changeRow
	First, Last  int
	All          int
	Newer, Older string
}

type changeRow struct {
	At           time.Time
	When         string
	What         string
	Number       string // of the record
	Program      string
	Organisation string
	Went, Tone   string
	Note         string   // on who answered
	Links        []button // to the records in Xero
	More         int      // records without one
	Undo         string
	Mend         button // where the sign-in is in the way
}

// youngBrowser is how long a browser has been known that need not be mentioned. A
// program can open the page of what waits as a browser does, and answer there: see
// README.
const youngBrowser = time.Minute

// mostLinks of one row lead into Xero.
const mostLinks = 3

// changesPage is the part of the activity list that is about writes.
func (s *Server) changesPage(w http.ResponseWriter, r *http.Request, c *call) error {
	number, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("page"), "1"))
	if err != nil || number < 1 || number > 1_000_000 {
		return fail(codeBadRequest).saying(words.Say("common.no-page"), words.Say("approvals.changes.no-page-action")).
			offering(words.Say("approvals.changes.newest"), "/activity/changes")
	}
	state, err := s.openedState(r.Context())
	if err != nil {
		return err
	}
	s.stateIs(s.flushWrites(r.Context()))
	skip := (number - 1) * activityRows
	writes, all, err := state.Writes(r.Context(), skip, activityRows)
	if err != nil {
		return stateFailure(err)
	}
	v := changesView{All: all, First: skip + 1, Last: skip + len(writes)}
	names, now := s.organisationNames(), time.Now()
	for _, one := range writes {
		v.Rows = append(v.Rows, s.changeRow(one, names, now))
	}
	if number > 1 {
		v.Newer = changesAddress(min(number-1, max(1, (all+activityRows-1)/activityRows)))
	}
	if v.Last < all && len(writes) > 0 {
		v.Older = changesAddress(number + 1)
	}
	return s.render(w, r, c, http.StatusOK, "changes", words.Say("approvals.changes.title"), v)
}

func changesAddress(number int) string {
	if number == 1 {
		return "/activity/changes"
	}
	return "/activity/changes?page=" + strconv.Itoa(number)
}

func (s *Server) changeRow(w store.Write, names organisationNames, now time.Time) changeRow {
	row := changeRow{At: w.At, When: whenWords(w.At, now), Program: visible(w.Name), Organisation: names.of(w.Tenant), Number: visible(w.Number)}
	done := heldState(w.Outcome) == sent && w.Status < http.StatusBadRequest
	thing := visible(resourceWords(w.Path))
	if row.What = words.Say("approvals.would."+w.What, "Thing", thing); done {
		row.What = words.Say("approvals.did."+w.What, "Thing", thing)
	}
	if w.Many > 1 {
		row.What = words.Say("approvals.did-many", "What", row.What, "N", w.Many)
	}
	if w.Known > 0 && w.Known < youngBrowser {
		row.Note = words.Say("approvals.young-browser", "N", max(1, int(w.Known.Seconds())))
	}
	switch heldState(w.Outcome) {
	case sent:
		switch {
		case !done:
			row.Went, row.Tone = wentOf(w.Status)
			row.Mend = mendOf(w.Status)
			return row
		case w.Asked:
			row.Went = words.Say("approvals.went.allowed")
		default:
			row.Went = words.Say("approvals.went.sent")
		}
	case unsent:
		row.Went, row.Tone = words.Say("approvals.went.unsent"), "late"
		row.Undo = words.Say("approvals.undo.unsent")
		return row
	case refused:
		row.Went = words.Say("approvals.went.refused")
		return row
	case unanswered:
		row.Went, row.Tone = words.Say("approvals.went.unanswered"), "warn"
		return row
	default:
		row.Went, row.Tone = words.Say("approvals.went.gone"), "warn"
		return row
	}
	row.Undo = words.Say("approvals.undo." + undoOf(w.What))
	row.Links, row.More = s.linksTo(w.Tenant, w.What, w.Records)
	return row
}

// linksTo lead to records in Xero; more are those without one.
func (s *Server) linksTo(tenant, what string, ids []string) (links []button, more int) {
	o := s.books.Of(tenant).Organisation(ended, books.Kept).Value
	for i, id := range ids {
		link := linkOf(o, what, id)
		if link == "" || i == mostLinks {
			return links, len(ids) - i
		}
		links = append(links, button{words.Say("approvals.changes.open", "N", i+1), link})
	}
	return links, 0
}

// undoOf is the way to undo a write of this kind.
func undoOf(what string) string {
	kind, act, _ := strings.Cut(strings.TrimPrefix(what, "supplier-"), "-")
	switch {
	case kind == "other":
		return "rest"
	case kind == "attachment", kind == "email", kind == "bank":
		return kind
	case kind == "payment":
		if act == "delete" {
			return "payment-delete"
		}
		return "payment"
	case kind == "contact" && act != "change" && act != "archive":
		return "contact"
	case act == "draft", act == "submit":
		return "draft"
	case kind == "journal" && act == "post":
		return "journal"
	case act == "approve", act == "approve-new":
		return "approve"
	case act == "void", act == "delete", act == "archive":
		return act
	}
	return "change"
}
