package server

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"financial-command-center/assets/words"
	"financial-command-center/server/sheet"
)

const (
	listRows   = 50  // on a page
	mostSearch = 200 // characters
)

// A column of a list: its header, its order, and its cell in CSV and XLSX, where
// what a page says in one cell may take two (Key "": not on the page).
type column[T any] struct {
	Key string
	sheet.Column
	text    func(T) string   // by which it is ordered, as people read it,
	compare func(a, b T) int // or this; neither: no order
	cell    func(T) any
}

// A listQuery is what every list's address asks for. Its values hold what was asked
// and nothing else, so that links can carry it on.
type listQuery struct {
	values url.Values
	Search string
	words  []string // of Search, folded
	sort   string   // the key of a column
	down   bool
	page   int // from 1
}

// readList reads the address of a list with columns. usual is the order for who asks
// for none, and filters are the list's own.
func readList[T any](asked url.Values, columns []column[T], usual string, filters ...string) (listQuery, error) {
	q := listQuery{values: url.Values{}, page: 1}
	for _, name := range append(filters, "q", "sort", "page", "tenant") {
		if value := strings.TrimSpace(asked.Get(name)); value != "" {
			q.values.Set(name, value)
		}
	}
	q.Search = q.values.Get("q")
	if long := []rune(q.Search); len(long) > mostSearch {
		q.Search = string(long[:mostSearch])
		q.values.Set("q", q.Search)
	}
	q.words = strings.Fields(fold(q.Search))
	q.sort, q.down = strings.CutPrefix(cmp.Or(q.values.Get("sort"), usual), "-")
	if q.sort == "" || !slices.ContainsFunc(columns, func(c column[T]) bool { return c.Key == q.sort }) {
		return q, fail(codeBadRequest).saying(words.Say("lists.order.message"), words.Say("lists.order.action"))
	}
	if page := q.values.Get("page"); page != "" {
		var err error
		if q.page, err = strconv.Atoi(page); err != nil || q.page < 1 {
			return q, fail(codeBadRequest).saying(words.Say("common.no-page"), words.Say("lists.page.action"))
		}
	}
	return q, nil
}

// Filtered reports whether the list leaves something out.
func (q listQuery) Filtered() bool {
	for name := range q.values {
		if name != "sort" && name != "page" && name != "tenant" {
			return true
		}
	}
	return false
}

// cleared is the address of the list at path without its filters.
func (q listQuery) cleared(path string) string {
	whole := listQuery{values: url.Values{}}
	if tenant := q.values.Get("tenant"); tenant != "" {
		whole.values.Set("tenant", tenant)
	}
	return whole.link(path, "sort", q.values.Get("sort"))
}

// link is the address of this list at path with name as value, "" without it. It
// begins with the first page.
func (q listQuery) link(path, name, value string) string {
	values := url.Values{}
	for key := range q.values {
		if key != "page" {
			values.Set(key, q.values.Get(key))
		}
	}
	values.Set(name, value)
	if value == "" {
		values.Del(name)
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// sorted puts rows in the order that q asks for. Where it says nothing they keep
// the one they have.
func sorted[T any](rows []T, columns []column[T], q listQuery) []T {
	i := slices.IndexFunc(columns, func(c column[T]) bool { return c.Key == q.sort })
	c := columns[i]
	sign := 1
	if q.down {
		sign = -1
	}
	// Rows are large: what is moved about is their places.
	places, keys := make([]int, len(rows)), []string(nil)
	order := func(a, b int) int { return sign * c.compare(rows[a], rows[b]) }
	if c.text != nil {
		keys = make([]string, len(rows))
		order = func(a, b int) int { return sign * cmp.Compare(keys[a], keys[b]) }
	}
	for i := range rows {
		places[i] = i
		if keys != nil {
			keys[i] = orderKey(c.text(rows[i]))
		}
	}
	slices.SortStableFunc(places, order)
	all := make([]T, len(rows))
	for i, place := range places {
		all[i] = rows[place]
	}
	return all
}

// has reports whether text, folded, has all words in it.
func has(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// letters that are not taken apart by Unicode's decomposition.
var letters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ł", "l", "þ", "th", "ı", "i", "ħ", "h")

// fold is text as it is searched: without case, accents and what cannot be seen, so
// that "otepoti" finds "Ōtepoti".
func fold(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
		return strings.ToLower(text)
	}
	var plain strings.Builder
	for _, r := range norm.NFKD.String(text) {
		if !unicode.In(r, unicode.Mn, unicode.Cf) {
			plain.WriteRune(unicode.ToLower(r))
		}
	}
	return letters.Replace(plain.String())
}

// orderKey is text as it is ordered: folded, and with numbers by their size, so that
// INV-9 comes before INV-10.
func orderKey(text string) string {
	text = fold(text)
	if !strings.ContainsAny(text, "0123456789") {
		return text
	}
	var key strings.Builder
	for text != "" {
		end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(text)
		}
		if end > 0 {
			number := strings.TrimLeft(text[:end], "0")
			key.WriteByte('0')
			key.WriteByte(byte(min(len(number), 255)))
			key.WriteString(number)
		}
		text = text[end:]
		next := strings.IndexAny(text, "0123456789")
		if next < 0 {
			next = len(text)
		}
		key.WriteString(text[:next])
		text = text[next:]
	}
	return key.String()
}

// A header is the head of a column on a page.
type header struct {
	Title  string
	Figure bool
	Link   string
	Sort   string // aria-sort: ascending, descending, or ""
}

// headers are those of the columns that a page shows.
func headers[T any](columns []column[T], q listQuery, path, usual string) []header {
	var all []header
	for _, c := range columns {
		if c.Key == "" {
			continue
		}
		h := header{Title: c.Title, Figure: c.Kind == sheet.Money || c.Kind == sheet.Integer}
		// Figures and days are first wanted from the largest and the latest.
		next := c.Key
		if c.text == nil {
			next = "-" + c.Key
		}
		if c.Key == q.sort {
			h.Sort, next = "ascending", "-"+c.Key
			if q.down {
				h.Sort, next = "descending", c.Key
			}
		}
		if next == usual {
			next = ""
		}
		h.Link = q.link(path, "sort", next)
		all = append(all, h)
	}
	return all
}

// A pager says which rows of a list a page shows, and where the others are.
type pager struct {
	First, Last, Of int // rows, from 1
	Page, Pages     int
	Before, After   string // "" at the ends
}

// cut is q's page of all. A page behind the last is the last.
func cut[T any](all []T, q listQuery, path string) ([]T, pager) {
	pages := max(1, (len(all)+listRows-1)/listRows)
	at := min(q.page, pages)
	p := pager{First: (at-1)*listRows + 1, Last: min(at*listRows, len(all)), Of: len(all), Page: at, Pages: pages}
	if at == 2 {
		p.Before = q.link(path, "page", "")
	} else if at > 2 {
		p.Before = q.link(path, "page", strconv.Itoa(at-1))
	}
	if at < pages {
		p.After = q.link(path, "page", strconv.Itoa(at+1))
	}
	return all[p.First-1 : p.Last], p
}

// sheetOf is rows as CSV and XLSX have them.
func sheetOf[T any](name string, columns []column[T], rows []T) sheet.Sheet {
	s := sheet.Sheet{Name: name}
	for _, c := range columns {
		s.Columns = append(s.Columns, c.Column)
	}
	s.Rows = func(yield func(sheet.Row) bool) {
		cells := make([]any, len(columns))
		for _, row := range rows {
			for i, c := range columns {
				cells[i] = c.cell(row)
			}
			if !yield(sheet.Row{Cells: cells}) {
				return
			}
		}
	}
	return s
}
