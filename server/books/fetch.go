package books

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"financial-command-center/server/xero"
)

// asking is asking Xero on behalf of one reading.
type asking struct {
	books   *Books
	session *xero.Session
	tenant  string
	need    need
}

const (
	// mostAnswer bounds what is read of one answer: a page of a thousand records is a
	// few MB.
	mostAnswer = 64 << 20
	// MostWait is how long one call waits for Xero's limits, whoever waits for it.
	MostWait = 3 * time.Minute
	// callPatience is how long one call may take, that and a slow body included.
	callPatience = MostWait + time.Minute
)

// get reads JSON below the Accounting API, and says when Xero answered, by its own
// clock: that is the one which If-Modified-Since is compared with. since is not sent
// when it is zero.
func (a *asking) get(ctx context.Context, path string, query url.Values, since time.Time) ([]byte, time.Time, error) {
	ctx, cancel := context.WithTimeout(xero.WithPatience(ctx, MostWait), callPatience) // it is not for its caller alone
	defer cancel()
	u := a.books.cfg.Connections.API().JoinPath("/api.xro/2.0", path)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, time.Time{}, err
	}
	r.Header.Set("Accept", "application/json") // Xero answers XML else
	r.Header.Set("Xero-Tenant-Id", a.tenant)
	if !since.IsZero() {
		// UTC to the second and without a zone (developer.xero.com, requests and responses).
		r.Header.Set("If-Modified-Since", since.UTC().Format(xeroTime))
	}
	answer, err := a.session.Transport().RoundTrip(r)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, time.Time{}, a.need.refused(answer)
	}
	answered, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		skew, _ := a.books.cfg.Connections.Skew()
		answered = time.Now().Add(skew).UTC().Truncate(time.Second)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return nil, answered, unread(errors.New("an answer that broke off"))
	}
	return body, answered, nil
}

// xeroTime is how Xero writes a time without a zone.
const xeroTime = "2006-01-02T15:04:05"

// parse reads JSON. Its error is fit for the log: it says which field is not what it
// should be, and nothing of what is in it, which belongs to the books.
func parse(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("the field %q is no %s", wrong.Field, wrong.Type)
	}
	if broken, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("no JSON at byte %d", broken.Offset)
	}
	return errors.New("a field that is not as it should be")
}

// not is for a value that is no T. The decoder adds the field that it is in.
func not[T any]() error { return &json.UnmarshalTypeError{Type: reflect.TypeFor[T]()} }

// A day is a calendar day in Xero's JSON. It has no zone, and is not shifted.
type day struct{ time.Time }

func (d *day) UnmarshalJSON(text []byte) error {
	var m moment
	if err := m.UnmarshalJSON(text); err != nil {
		return err
	}
	d.Time = midnight(m.Time)
	return nil
}

// midnight is the calendar day of t, as t has it.
func midnight(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// A moment is a time in Xero's JSON: /Date(1439434356790+0000)/, whose offset says
// nothing, as the milliseconds are UTC's; or ISO 8601, UTC without saying so.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(text []byte) error {
	value := strings.ReplaceAll(strings.Trim(string(text), `"`), `\/`, `/`)
	if value == "" || value == "null" {
		return nil
	}
	if rest, ok := strings.CutPrefix(value, "/Date("); ok {
		var ms int64
		if _, err := fmt.Sscanf(rest, "%d", &ms); err != nil {
			return not[moment]()
		}
		m.Time = time.UnixMilli(ms).UTC()
		return nil
	}
	at, err := time.Parse(xeroTime, strings.TrimSuffix(value, "Z")) // takes a fraction too
	if err != nil {
		return not[moment]()
	}
	m.Time = at
	return nil
}

// An amount is a number in Xero's JSON, in quotes or not.
type amount struct{ decimal.Decimal }

func (a *amount) UnmarshalJSON(text []byte) error {
	value := strings.Trim(string(text), `"`)
	if value == "" || value == "null" {
		return nil
	}
	d, err := parseAmount(value)
	if err != nil {
		return not[amount]()
	}
	a.Decimal = d
	return nil
}

// parseAmount reads a number that can be money: one with an exponent of a million
// would take all the memory there is.
func parseAmount(text string) (decimal.Decimal, error) {
	d, err := decimal.NewFromString(text)
	if err != nil || d.Exponent() < -18 || d.Exponent() > 18 || len(text) > 60 {
		return decimal.Zero, errors.New("a text where an amount should be")
	}
	return d, nil
}

// truth is a boolean that some of Xero's answers have in quotes.
type truth bool

func (t *truth) UnmarshalJSON(text []byte) error {
	*t = strings.Trim(string(text), `"`) == "true"
	return nil
}
