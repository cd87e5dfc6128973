package xerosim_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"runtime"
	"strings"
	"testing"
	"time"

	"financial-command-center/server/xero/xerosim"
)

const (
	filesPath = "/files.xro/1.0/Files"
	noteName  = "Lieferschein № 7.txt"
)

// owed is an open sales invoice of the organisation.
func (a *app) owed(organisation string) string {
	a.t.Helper()
	var list struct{ Invoices []invoice }
	a.read("/api.xro/2.0/Invoices?page=1&pageSize=1&where=Type%3D%3D%22ACCREC%22+AND+Status%3D%3D%22AUTHORISED%22+AND+AmountDue%3E5", organisation, &list)
	return list.Invoices[0].InvoiceID
}

// send sends body as it is, and reads the answer as it comes.
func (a *app) stream(method, path, organisation string, header map[string]string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, body)
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Bearer "+a.token)
	r.Header.Set("Xero-Tenant-Id", a.tenant(organisation))
	return a.client.Do(r)
}

func (a *app) sends(method, path, organisation string, header map[string]string, body io.Reader) answer {
	a.t.Helper()
	got, err := a.stream(method, path, organisation, header, body)
	if err != nil {
		a.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

func sum(t *testing.T, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// form is a file as a form sends it.
func form(t *testing.T, part textproto.MIMEHeader, content io.Reader, fields map[string]string) (kind string, body io.Reader) {
	t.Helper()
	from, to := io.Pipe()
	w := multipart.NewWriter(to)
	go func() {
		p, err := w.CreatePart(part)
		if err == nil {
			_, err = io.Copy(p, content)
		}
		for name, value := range fields {
			if err == nil {
				err = w.WriteField(name, value)
			}
		}
		if err == nil {
			err = w.Close()
		}
		_ = to.CloseWithError(err)
	}()
	return w.FormDataContentType(), from
}

func TestAFileIsUploadedShownReadInPartsAndDeleted(t *testing.T) {
	a := newSite(t).narrow("openid files")
	type fileList struct {
		TotalCount int
		Items      []struct {
			ID, Name, MimeType string
			Size               int64
			User               struct{ FullName string }
		}
	}
	var before fileList
	a.read(filesPath, joinery, &before)
	if before.TotalCount == 0 || len(before.Items) != before.TotalCount {
		t.Fatalf("there are %+v", before)
	}
	kind, body := form(t, textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="anything"; filename="scan.pdf"`}, "Content-Type": {"application/pdf"},
	}, strings.NewReader("0123456789"), nil)
	made := a.sends(http.MethodPost, filesPath, joinery, map[string]string{"Content-Type": kind}, body)
	file := decode[struct{ ID, Name, MimeType string }](t, made.body)
	if made.status != http.StatusCreated || file.Name != "scan.pdf" || file.MimeType != "application/pdf" {
		t.Fatalf("uploaded: %d %s", made.status, made.body)
	}
	// As xero-node sends it: no file name, and the name in a field of its own.
	kind, body = form(t, textproto.MIMEHeader{"Content-Disposition": {`form-data; name="upload"`}}, strings.NewReader("x"),
		map[string]string{"name": "upload", "filename": "a.bin", "mimeType": "application/x"})
	if got := a.sends(http.MethodPost, filesPath, joinery, map[string]string{"Content-Type": kind}, body); got.status != http.StatusCreated ||
		!strings.Contains(got.body, `"Name":"a.bin","MimeType":"application/x","Size":1,`) {
		t.Errorf("uploaded as the SDK does: %d %s", got.status, got.body)
	}
	var after fileList
	a.read(filesPath+"?sort=Name&direction=DESC&page=1&pagesize=1", joinery, &after)
	if after.TotalCount != before.TotalCount+2 || len(after.Items) != 1 || after.Items[0].Name != "scan.pdf" || after.Items[0].User.FullName != "Aroha Ngata" {
		t.Errorf("the list's page: %+v", after)
	}
	for header, want := range map[string]struct {
		status        int
		content, said string
	}{
		"":              {200, "0123456789", ""},
		"bytes=2-4":     {206, "234", "bytes 2-4/10"},
		"bytes=7-":      {206, "789", "bytes 7-9/10"},
		"bytes=-1":      {206, "9", "bytes 9-9/10"},
		"bytes=8-99":    {206, "89", "bytes 8-9/10"},
		"bytes=10-":     {416, "", "bytes */10"},
		"bytes=0-1,3-4": {200, "0123456789", ""},
		"lines=1-2":     {200, "0123456789", ""},
	} {
		got := a.sends(http.MethodGet, filesPath+"/"+file.ID+"/Content", joinery, map[string]string{"Range": header}, nil)
		if got.status != want.status || got.body != want.content || got.header.Get("Content-Range") != want.said {
			t.Errorf("Range %q: %d %q %q", header, got.status, got.body, got.header.Get("Content-Range"))
		}
	}
	if got := a.get(filesPath+"/"+file.ID, cafe); got.status != 404 {
		t.Errorf("another organisation sees it: %d", got.status)
	}
	if got := a.call(http.MethodDelete, filesPath+"/"+file.ID, joinery, ""); got.status != http.StatusNoContent {
		t.Errorf("deleted: %d %s", got.status, got.body)
	}
	for _, path := range []string{"", "/Content"} {
		if got := a.get(filesPath+"/"+file.ID+path, joinery); got.status != 404 {
			t.Errorf("after that %s: %d", path, got.status)
		}
	}
	for says, send := range map[string]func() answer{
		"multipart": func() answer { return a.call(http.MethodPost, filesPath, joinery, "{}") },
		"pagesize":  func() answer { return a.get(filesPath+"?pagesize=101", joinery) },
		"sorted by": func() answer { return a.get(filesPath+"?sort=Colour", joinery) },
		"file and its name": func() answer {
			kind, body := form(t, textproto.MIMEHeader{"Content-Disposition": {`form-data; name="x"`}}, strings.NewReader("x"), nil)
			return a.sends(http.MethodPost, filesPath, joinery, map[string]string{"Content-Type": kind}, body)
		},
	} {
		if got := send(); got.status != 400 || !strings.Contains(got.body, says) {
			t.Errorf("%s: %d %s", says, got.status, got.body)
		}
	}
}

func TestAnAttachmentIsPutReplacedAndRead(t *testing.T) {
	a := newSite(t).narrow("openid accounting.attachments accounting.invoices.read")
	id := a.owed(joinery)
	path := "/api.xro/2.0/Invoices/" + id + "/Attachments/" + "Lieferschein%20%E2%84%96%207.txt"
	for _, content := range []string{"Noted.", "Noted again."} {
		got := a.sends(http.MethodPut, path, joinery, map[string]string{"Content-Type": "text/plain; charset=utf-8"}, strings.NewReader(content))
		list := decode[struct {
			Attachments []struct {
				FileName, MimeType string
				ContentLength      int
			}
		}](t, got.body)
		if got.status != 200 || len(list.Attachments) != 1 || list.Attachments[0].FileName != noteName || list.Attachments[0].MimeType != "text/plain" ||
			list.Attachments[0].ContentLength != len(content) {
			t.Fatalf("put: %d %s", got.status, got.body)
		}
		if got := a.get(path, joinery); got.status != 200 || got.body != content || got.header.Get("Content-Type") != "text/plain" {
			t.Errorf("read: %d %q %v", got.status, got.body, got.header)
		}
	}
	var invoices struct {
		Invoices []struct{ HasAttachments bool }
	}
	a.read("/api.xro/2.0/Invoices/"+id, joinery, &invoices)
	if !invoices.Invoices[0].HasAttachments {
		t.Error("the invoice has none")
	}
	for n := range 9 {
		if got := a.sends(http.MethodPost, path+fmt.Sprint(n), joinery, nil, strings.NewReader("x")); got.status != 200 {
			t.Fatalf("one more: %d %s", got.status, got.body)
		}
	}
	for name, got := range map[string]answer{
		"an eleventh": a.sends(http.MethodPost, path+"x", joinery, nil, strings.NewReader("x")),
		"an empty":    a.sends(http.MethodPost, path, joinery, nil, nil),
		"a nameless":  a.sends(http.MethodPost, "/api.xro/2.0/Invoices/"+id+"/Attachments", joinery, nil, strings.NewReader("x")),
	} {
		if got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := a.sends(http.MethodPost, path, joinery, nil, bytes.NewReader(make([]byte, 10<<20+1))); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than 10 MB: %d", got.status)
	}
	reader := newSite(t).narrow("openid accounting.attachments.read accounting.invoices")
	if got := reader.sends(http.MethodPut, path, joinery, nil, strings.NewReader("x")); got.status != 401 {
		t.Errorf("without the right to: %d", got.status)
	}
}

// peak is the most memory that was in use while f ran, above what was before.
func peak(f func()) int64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	most := int64(0)
	look := time.NewTicker(10 * time.Millisecond) // each look stops the world
	defer look.Stop()
	for {
		runtime.ReadMemStats(&now)
		most = max(most, int64(now.HeapInuse)-int64(before.HeapInuse))
		select {
		case <-done:
			return most
		case <-look.C:
		}
	}
}

func TestAFillerOf100MBTakesNoMemory(t *testing.T) {
	const size, fileSize = 100 << 20, 12 << 20
	a := newSite(t).narrow("openid files accounting.attachments accounting.invoices.read")
	attachment := "/api.xro/2.0/Invoices/" + a.owed(joinery) + "/Attachments/big.bin"
	want := sum(t, xerosim.Filler(7, size))
	var file struct{ ID string }
	most := peak(func() {
		if got := a.sends(http.MethodPut, attachment, joinery, nil, xerosim.Filler(7, size)); got.status != 200 || !strings.Contains(got.body, fmt.Sprint(size)) {
			t.Errorf("up as an attachment: %d %s", got.status, got.body)
		}
		kind, body := form(t, textproto.MIMEHeader{"Content-Disposition": {`form-data; name="x"; filename="big.bin"`}}, xerosim.Filler(8, fileSize), nil)
		made := a.sends(http.MethodPost, filesPath, joinery, map[string]string{"Content-Type": kind}, body)
		if made.status != http.StatusCreated {
			t.Errorf("up as a file: %d %s", made.status, made.body)
			return
		}
		file = decode[struct{ ID string }](t, made.body)
		down, err := a.stream(http.MethodGet, attachment, joinery, nil, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer down.Body.Close()
		if got := sum(t, down.Body); got != want {
			t.Error("down it is another")
		}
	})
	if most > 20<<20 {
		t.Errorf("it took %d MB", most>>20)
	}
	from := fileSize - 5
	got := a.sends(http.MethodGet, filesPath+"/"+file.ID+"/Content", joinery, map[string]string{"Range": fmt.Sprintf("bytes=%d-", from)}, nil)
	end, err := io.ReadAll(io.NewSectionReader(xerosim.Filler(8, fileSize), int64(from), 5))
	if got.status != 206 || err != nil || got.body != string(end) {
		t.Errorf("its end: %d %q, want %q (%v)", got.status, got.body, end, err)
	}
	changed := io.MultiReader(io.LimitReader(xerosim.Filler(7, size), 70_000), strings.NewReader("!"), xerosim.Filler(7, 50_000))
	if got := a.sends(http.MethodPut, attachment, joinery, nil, changed); got.status != 400 {
		t.Errorf("changed on its way: %d %s", got.status, got.body)
	}
}
