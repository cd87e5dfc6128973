package xerosim

import (
	"cmp"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A file is one of the Files API, or an attachment of an invoice.
type file struct {
	id, name, mime   string
	content          *io.SectionReader
	created, updated time.Time
	owner            *person // who uploaded it; nil: somebody in Xero
}

func findFiles(name, key string) resource {
	if name != "files" {
		return resource{}
	}
	return resource{scopes: []string{"files"}, list: listFiles, one: oneFile, save: saveFile, remove: removeFile}
}

type filesJSON struct {
	TotalCount, Page, PerPage int
	Items                     []fileJSON
}

type fileJSON struct {
	Name, MimeType                 string
	Size                           int64
	CreatedDateUtc, UpdatedDateUtc string
	User                           *userJSON `json:",omitempty"`
	ID                             string    `json:"Id"`
	FolderID                       string    `json:"FolderId"`
}

type userJSON struct {
	ID                                  string `json:"Id"`
	Name, FirstName, LastName, FullName string
}

func (b *books) fileJSON(f *file) fileJSON {
	out := fileJSON{
		Name: f.name, MimeType: f.mime, Size: f.content.Size(), CreatedDateUtc: sevenDigits(f.created), UpdatedDateUtc: sevenDigits(f.updated),
		ID: f.id, FolderID: b.inbox,
	}
	if p := f.owner; p != nil {
		out.User = &userJSON{p.userID, p.email, p.given, p.family, p.name()}
	}
	return out
}

// listFiles takes page, pagesize, sort and direction.
func listFiles(c *call) (any, error) {
	q := c.request.URL.Query()
	page, err1 := within(cmp.Or(q.Get("page"), "1"), 1<<20)
	size, err2 := within(cmp.Or(q.Get("pagesize"), "50"), 100)
	if err1 != nil || err2 != nil {
		return nil, badRequest("page and pagesize are numbers from 1, pagesize to 100")
	}
	compare, known := map[string]func(a, b *file) int{
		"":               func(a, b *file) int { return a.created.Compare(b.created) },
		"CREATEDDATEUTC": func(a, b *file) int { return a.created.Compare(b.created) },
		"NAME":           func(a, b *file) int { return strings.Compare(a.name, b.name) },
		"SIZE":           func(a, b *file) int { return cmp.Compare(a.content.Size(), b.content.Size()) },
	}[strings.ToUpper(q.Get("sort"))]
	if !known {
		return nil, badRequest("files are sorted by Name, Size or CreatedDateUTC")
	}
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := slices.SortedStableFunc(slices.Values(b.files), compare)
	if strings.EqualFold(q.Get("direction"), "DESC") {
		slices.Reverse(all)
	}
	out := filesJSON{TotalCount: len(all), Page: page, PerPage: size, Items: []fileJSON{}}
	some, _ := cut(query{page: page, size: size}, all)
	for _, f := range some {
		out.Items = append(out.Items, b.fileJSON(f))
	}
	return out, nil
}

// oneFile shows a file, or with /Content what is in it.
func oneFile(c *call) (any, error) {
	id, part, _ := strings.Cut(c.key, "/")
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	switch f := b.file(id); {
	case f == nil:
		return nil, errNotFound
	case part == "":
		return b.fileJSON(f), nil
	case strings.EqualFold(part, "Content"):
		return f.answer(c.request), nil
	}
	return nil, errNotFound
}

func (b *books) file(id string) *file {
	return first(b.files, func(f *file) bool { return strings.EqualFold(f.id, id) })
}

// saveFile takes a form of several parts. Which of them is the file is told apart by
// what it is not: Xero's SDK names it as the caller pleases, gives it no file name,
// and sends the name in a field of its own.
func saveFile(c *call) (any, error) {
	if c.request.Method != http.MethodPost || c.key != "" {
		return nil, errMethod
	}
	form, err := c.request.MultipartReader()
	if err != nil {
		return nil, badRequest(err.Error())
	}
	f := &file{created: c.now, updated: c.now, owner: c.access.person}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = f.take(part)
		}
		if failed, ok := err.(*apiError); ok {
			return nil, failed
		}
		if err != nil {
			return nil, badRequest(err.Error())
		}
	}
	if f.content == nil || f.name == "" {
		return nil, badRequest("a file and its name are wanted")
	}
	f.mime = cmp.Or(f.mime, "application/octet-stream")
	b := c.books
	b.lock()
	defer b.mu.Unlock()
	f.id = b.id()
	b.files = append(b.files, f)
	return response{status: http.StatusCreated, kind: jsonType, body: encode(b.fileJSON(f))}, nil
}

// take reads one part of the form.
func (f *file) take(part *multipart.Part) error {
	field := map[string]*string{"name": new(string), "filename": &f.name, "mimetype": &f.mime}[strings.ToLower(part.FormName())]
	if field == nil {
		f.name = cmp.Or(f.name, part.FileName())
		f.mime = cmp.Or(f.mime, part.Header.Get("Content-Type"))
		content, err := receive(part)
		f.content = content
		return err
	}
	text, err := io.ReadAll(io.LimitReader(part, 1<<10))
	*field = cmp.Or(string(text), *field)
	return err
}

func removeFile(c *call) (any, error) {
	b := c.books
	b.lock()
	defer b.mu.Unlock()
	f := b.file(c.key)
	if f == nil {
		return nil, errNotFound
	}
	b.files = slices.DeleteFunc(b.files, func(o *file) bool { return o == f })
	return response{status: http.StatusNoContent}, nil
}

// badRequest is how the newer APIs refuse: RFC 9457.
func badRequest(detail string) error {
	return &apiError{status: http.StatusBadRequest, json: struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"Bad Request", http.StatusBadRequest, detail}}
}

// answer is the content, or the one range of it that r asks for (RFC 9110, section
// 14; of several ranges it may be all).
func (f *file) answer(r *http.Request) response {
	out := response{status: http.StatusOK, kind: f.mime, long: f.content, header: http.Header{"Accept-Ranges": {"bytes"}}}
	from, to, asked := oneRange(r.Header.Get("Range"), f.content.Size())
	if !asked || r.Method != http.MethodGet {
		return out
	}
	size := f.content.Size()
	if from >= to {
		out.header.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
		out.status, out.long = http.StatusRequestedRangeNotSatisfiable, io.NewSectionReader(f.content, 0, 0)
		return out
	}
	out.header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, size))
	out.status, out.long = http.StatusPartialContent, io.NewSectionReader(f.content, from, to-from)
	return out
}

// oneRange reads bytes=1-2, bytes=1- and bytes=-2. It is empty where the content has
// no such bytes.
func oneRange(header string, size int64) (from, to int64, asked bool) {
	text, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(text, "-")
	if !ok || !dash {
		return 0, 0, false
	}
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && err2 == nil:
		return max(size-to, 0), size, true
	case err1 == nil && last == "":
		return from, size, true
	case err1 == nil && err2 == nil && from <= to:
		return from, min(to, size-1) + 1, true
	}
	return 0, 0, false
}

// attachmentResource are the attachments of an invoice.
var attachmentResource = resource{scopes: []string{"accounting.attachments"}, one: oneAttachment, save: saveAttachment}

// isAttachment reports whether what follows /Invoices/ in a path is about one's
// attachments.
func isAttachment(key string) bool {
	_, rest, _ := strings.Cut(key, "/")
	word, _, _ := strings.Cut(rest, "/")
	return strings.EqualFold(word, "Attachments")
}

type attachmentsJSON struct {
	head
	Attachments []attachmentJSON
}

type attachmentJSON struct {
	AttachmentID, FileName string
	URL                    string `json:"Url"`
	MimeType               string
	ContentLength          int64
}

func (c *call) attachments(i *invoice, files ...*file) attachmentsJSON {
	out := attachmentsJSON{head: c.head(), Attachments: []attachmentJSON{}}
	for _, f := range files {
		address := "https://api.xero.com/api.xro/2.0/Invoices/" + i.id + "/Attachments/" + url.PathEscape(f.name)
		out.Attachments = append(out.Attachments, attachmentJSON{f.id, f.name, address, f.mime, f.content.Size()})
	}
	return out
}

// attached is the invoice that the path names, and its attachment of that name or
// id, if there is one.
func (c *call) attached() (i *invoice, name string, found *file) {
	parts := strings.SplitN(c.key, "/", 3)
	i = c.books.findInvoice(parts[0])
	if i == nil || len(parts) < 3 {
		return i, "", nil
	}
	return i, parts[2], first(i.attachments, func(f *file) bool { return f.name == parts[2] || strings.EqualFold(f.id, parts[2]) })
}

func oneAttachment(c *call) (any, error) {
	b := c.books
	b.mu.RLock()
	defer b.mu.RUnlock()
	i, name, found := c.attached()
	switch {
	case i == nil:
		return nil, errNotFound
	case name == "":
		return c.attachments(i, i.attachments...), nil
	case found == nil:
		return nil, errNotFound
	}
	return found.answer(c.request), nil
}

// mostAttachments is how many a record may have
// (developer.xero.com/documentation/api/accounting/attachments).
const mostAttachments = 10

// saveAttachment puts the body under the name in the path: in the place of what has
// that name, or beside the others. Whether Xero then shows another UpdatedDateUTC of
// the invoice is not known; here it stays.
func saveAttachment(c *call) (any, error) {
	content, err := receive(c.request.Body)
	if err != nil {
		return nil, err
	}
	b := c.books
	b.lock()
	defer b.mu.Unlock()
	i, name, found := c.attached()
	switch {
	case i == nil:
		return nil, errNotFound
	case name == "":
		return nil, badData("the path ends in the attachment's name")
	case content.Size() == 0:
		return nil, badData("the attachment is empty")
	case found == nil && len(i.attachments) >= mostAttachments:
		return nil, badData("10 attachments are there already")
	case found == nil:
		found = &file{id: b.id(), name: name, created: c.now}
		i.attachments = append(i.attachments, found)
	}
	kind, _, err := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if err != nil {
		kind, _, _ = mime.ParseMediaType(mime.TypeByExtension(path.Ext(name)))
	}
	found.mime, found.content, found.updated = cmp.Or(kind, "application/octet-stream"), content, c.now
	return c.attachments(i, found), nil
}
