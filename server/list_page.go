package server

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"financial-command-center/assets/words"
	"financial-command-center/server/books"
	"financial-command-center/server/sheet"
	"financial-command-center/server/xero"
)

// How old what a list shows may be before Xero is asked anew, when a person asks for
// it; a page that a script paints anew every minute takes figuresAge, else it alone
// would use up a day's calls. And how long a page waits for what it has never had: it
// is better shown as a frame that fills.
const (
	listAge      = time.Minute
	whoAge       = 24 * time.Hour // of the organisation's name and currency
	listPatience = 300 * time.Millisecond
)

// A listing is a request for a list.
type listing struct {
	*books.Ledger
	ctx          context.Context // as long as it waits for Xero
	age          time.Duration
	format       string // csv, xlsx, or "" for a page
	here         string
	who          books.Reading[books.Organisation]
	organisation books.Organisation // of who
	today        time.Time
}

// askedAge is how old what r shows may be.
func askedAge(r *http.Request) time.Duration {
	if byScript(r) {
		return figuresAge
	}
	return listAge
}

// listing reads what the requests for all lists have in common.
func (s *Server) listing(r *http.Request, c *call) (l listing, end context.CancelFunc, err error) {
	patience := listPatience
	l.age, l.here = askedAge(r), r.URL.RequestURI()
	switch l.format = r.URL.Query().Get("format"); l.format {
	case "":
	case "csv", "xlsx":
		patience = xeroPatience
	default:
		return l, nil, fail(codeBadRequest).saying(words.Say("lists.format.message"), words.Say("lists.format.action"))
	}
	if l.Ledger, err = s.ledger(r, c); err != nil {
		return l, nil, err
	}
	l.ctx, end = context.WithTimeout(r.Context(), patience)
	l.who = l.Organisation(l.ctx, whoAge)
	l.organisation = l.who.Value
	l.today = l.organisation.Today(time.Now())
	return l, end, nil
}

// listView is what the pages of lists have in common. Of Read, None and Nothing the
// later ones say more.
type listView struct {
	Title        string
	Organisation books.Organisation
	Path         string
	Unknown      *cardTrouble // see unknown
	Read         bool         // there is something to show; else it is Loading, or Trouble says why not
	None         bool         // the books have no records of the kind
	Nothing      bool         // the filters leave none
	Loading      bool         // what is shown, if anything, is being brought up to date
	At           time.Time    // when what is shown was read; Old, when that was long ago
	Age          string
	Old          bool
	Trouble      *cardTrouble
	Head         []header
	Pager        pager
	Range        string // of the rows on the page, in words
	CSV, Excel   string // addresses
	Clear        string // of the list without filters
	Bones        [8][5]struct{}
	Carry        []carried
}

// loading reports whether the page will soon have more to show.
func (v listView) loading() bool { return !v.Read && v.Trouble == nil }

// cutTo has v show q's page of rows.
func cutTo[T any](v *listView, rows []T, columns []column[T], q listQuery, usual string) []T {
	shown, pager := cut(rows, q, v.Path)
	h := v.Organisation.Habits()
	v.Nothing, v.Pager, v.Head = len(rows) == 0, pager, headers(columns, q, v.Path, usual)
	v.Range = words.Say("lists.rows.range", "First", h.Count(pager.First), "Last", h.Count(pager.Last), "Of", h.Count(pager.Of))
	return shown
}

// carried is what a filter form sends along unseen.
type carried struct{ Name, Value string }

// A choice is one of several to choose from: an option of a select, or a button.
type choice struct {
	Value, Label string
	Chosen       bool
}

// choices are none, called all, and pairs of value and label.
func choices(chosen, all string, pairs ...string) []choice {
	list := []choice{{"", all, chosen == ""}}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, choice{pairs[i], pairs[i+1], strings.EqualFold(pairs[i], chosen)})
	}
	return list
}

func listOf[T any](title string, reading books.Reading[T], who books.Reading[books.Organisation], q listQuery, here string) listView {
	path, _, _ := strings.Cut(here, "?")
	v := listView{
		Title: title, Organisation: who.Value, Path: path, Read: !reading.At.IsZero(), Loading: reading.Loading, At: reading.At,
		Trouble: listTrouble(reading.Trouble, here), Clear: q.cleared(path), CSV: q.link(path, "format", "csv"), Excel: q.link(path, "format", "xlsx"),
	}
	if v.Read {
		v.Unknown = unknown(who, here)
		v.Age, v.Old = ago(reading.At, time.Now()), time.Since(reading.At) > staleAfter
	}
	for _, name := range []string{"sort", "tenant", "contact"} {
		if value := q.values.Get(name); value != "" {
			v.Carry = append(v.Carry, carried{name, value})
		}
	}
	return v
}

// listTrouble is why a list cannot be read, with the one thing to do about it.
func listTrouble(t *books.Trouble, here string) *cardTrouble {
	if t == nil {
		return nil
	}
	said := troubleOf(t, here)
	switch {
	case t.Role:
		said.Button = button{words.Say("lists.trouble.choose"), "/profile?" + url.Values{"next": {here}}.Encode()}
	case said.Button.Label == "":
		said.Button = button{words.Say("lists.trouble.again"), here}
	}
	return said
}

// unread is why a part of the books cannot be given out.
func unread(t *books.Trouble) error {
	if t == nil {
		return fail(xero.CodeUnreachable).saying(words.Say("lists.slow.message"), words.Say("lists.slow.action"))
	}
	return t
}

// giveOut answers with a table as a file. It has been made before the first byte
// goes out, so that half a file is never taken for a whole one. One that is not of
// today's books, which were read at, says so in its name: there is nothing else that
// goes wherever a file goes.
func (s *Server) giveOut(w http.ResponseWriter, r *http.Request, l listing, at time.Time, table sheet.Sheet) error {
	var file strings.Builder
	kind, err := "text/csv; charset=utf-8", error(nil)
	if l.format == "csv" {
		err = sheet.CSV(r.Context(), &file, table)
	} else {
		kind, err = excelType, sheet.Excel(r.Context(), &file, s.cfg.DataDir, []sheet.Sheet{table}, nil)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", l.format, err)
	}
	day := l.today.Format(time.DateOnly)
	if time.Since(at) > listAge+xeroPatience {
		day = words.Say("lists.save.as-of", "Day", at.In(l.organisation.Location()).Format("2006-01-02 15.04"))
	}
	asFile(w, kind, fileName(l.organisation.Name, strings.ToLower(table.Name), day, l.format))
	_, _ = w.Write([]byte(file.String())) // the caller may have gone
	return nil
}

const excelType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// asFile has the browser keep what follows as a file.
func asFile(w http.ResponseWriter, kind, name string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
}

// fileName is a name that every system takes (learn.microsoft.com, Naming Files),
// with the day: two do not overwrite each other.
func fileName(organisation, what, day, extension string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`<>:"/\|?*;%`, r), unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // what would write the rest from right to left, too
			return -1
		}
		return r
	}, organisation)
	name = strings.Join(strings.Fields(name), " ")
	if long := []rune(name); len(long) > 80 {
		name = string(long[:80])
	}
	name = strings.Trim(name, " .-")
	if name == "" {
		name = "Xero"
	}
	return name + " " + what + " " + day + "." + extension
}
