package xerosim

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// A kind is what a field holds, by the name that .NET has for it.
type kind string

const (
	textKind   kind = "String"
	guidKind   kind = "Guid"
	amountKind kind = "Decimal"
	dayKind    kind = "DateTime"
	flagKind   kind = "Boolean"
)

// A field of a record, for where and order. of returns a string, a decimal, a
// time or a bool as kind says, nil for null.
type field[T any] struct {
	kind kind
	of   func(T) any
}

// fields are a resource's, by their names in lower case.
type fields[T any] map[string]field[T]

func text[T any](of func(T) string) field[T] {
	return field[T]{textKind, func(r T) any { return orNull(of(r)) }}
}

func guidField[T any](of func(T) string) field[T] {
	return field[T]{guidKind, func(r T) any { return orNull(of(r)) }}
}

func amount[T any](of func(T) decimal.Decimal) field[T] {
	return field[T]{amountKind, func(r T) any { return of(r) }}
}

func moments[T any](of func(T) time.Time) field[T] {
	return field[T]{dayKind, func(r T) any { return orNull(of(r)) }}
}

func flag[T any](of func(T) bool) field[T] { return field[T]{flagKind, func(r T) any { return of(r) }} }

func orNull[V comparable](v V) any {
	var zero V
	if v == zero {
		return nil
	}
	return v
}

// compare orders two values of one kind, null first.
func compare(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case decimal.Decimal:
		return a.Cmp(b.(decimal.Decimal))
	case time.Time:
		return a.Compare(b.(time.Time))
	default:
		return cmp.Compare(strconv.FormatBool(a.(bool)), strconv.FormatBool(b.(bool)))
	}
}

// where reads a filter as Xero's .NET does: comparisons of a field with a value,
// AND, OR and parentheses. All else is a 400. Without a filter all records fit.
func (f fields[T]) where(filter, record string) (fits func(T) bool, err error) {
	if strings.TrimSpace(filter) == "" {
		return func(T) bool { return true }, nil
	}
	p := whereParser[T]{fields: f, record: record, left: filter}
	p.next()
	fits = p.either()
	if p.wrong == "" && p.token != "" {
		p.object("Syntax error")
	}
	if p.wrong != "" {
		return nil, parseError(p.wrong)
	}
	return fits, nil
}

// A whereParser keeps the first thing that is wrong and goes on to the end.
type whereParser[T any] struct {
	fields      fields[T]
	record      string
	left, token string // what is still to be read, and what was read last
	wrong       string
}

var whereToken = regexp.MustCompile(`^(?:"(?:[^"]|"")*"|-?[0-9]+(?:\.[0-9]+)?|[A-Za-z_][A-Za-z0-9_.]*|==|!=|<>|>=|<=|&&|\|\||[=<>(),])`)

func (p *whereParser[T]) object(format string, args ...any) {
	if p.wrong == "" {
		p.wrong = fmt.Sprintf(format, args...)
	}
	p.left, p.token = "", ""
}

func (p *whereParser[T]) next() {
	p.left = strings.TrimSpace(p.left)
	if p.left == "" {
		p.token = ""
		return
	}
	token := whereToken.FindString(p.left)
	if token == "" {
		p.object("Syntax error at '%.20s'", p.left)
		return
	}
	p.token, p.left = token, p.left[len(token):]
}

// takes goes on to the next token if this is one of those.
func (p *whereParser[T]) takes(tokens ...string) bool {
	for _, t := range tokens {
		if strings.EqualFold(p.token, t) {
			p.next()
			return true
		}
	}
	return false
}

func (p *whereParser[T]) must(token string) {
	if !p.takes(token) {
		p.object("'%s' expected", token)
	}
}

func (p *whereParser[T]) either() func(T) bool {
	fits := p.both()
	for p.takes("OR", "||") {
		one, other := fits, p.both()
		fits = func(r T) bool { return one(r) || other(r) }
	}
	return fits
}

func (p *whereParser[T]) both() func(T) bool {
	fits := p.comparison()
	for p.takes("AND", "&&") {
		one, other := fits, p.comparison()
		fits = func(r T) bool { return one(r) && other(r) }
	}
	return fits
}

func (p *whereParser[T]) comparison() func(T) bool {
	if p.takes("(") {
		fits := p.either()
		p.must(")")
		return fits
	}
	name := p.token
	field, ok := p.fields[strings.ToLower(name)]
	if !ok {
		p.object("No property or field '%s' exists in type '%s'", name, p.record)
		return nil
	}
	p.next()
	is := p.token
	p.next()
	value, of := p.value()
	if p.wrong == "" && of != "" && of != field.kind {
		p.object("Operator '%s' incompatible with operand types '%s' and '%s'", is, field.kind, of)
	}
	holds := map[string]func(int) bool{
		"==": func(c int) bool { return c == 0 }, "!=": func(c int) bool { return c != 0 },
		">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
		"<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 },
	}
	holds["="], holds["<>"] = holds["=="], holds["!="]
	hold := holds[is]
	bySize := strings.ContainsAny(is, "<>") && is != "<>"
	switch {
	case hold == nil:
		p.object("Operator expected, not '%s'", is)
	case bySize && field.kind != amountKind && field.kind != dayKind:
		p.object("Operator '%s' incompatible with operand type '%s'", is, field.kind)
	}
	return func(r T) bool {
		v := field.of(r)
		if bySize && (v == nil || value == nil) {
			return false // nothing is more or less than null
		}
		return hold(compare(v, value))
	}
}

// value reads a literal. Null is of every kind.
func (p *whereParser[T]) value() (value any, of kind) {
	token := p.token
	p.next()
	switch {
	case strings.HasPrefix(token, `"`):
		return orNull(strings.ReplaceAll(token[1:len(token)-1], `""`, `"`)), textKind
	case strings.EqualFold(token, "null"):
		return nil, ""
	case strings.EqualFold(token, "true"), strings.EqualFold(token, "false"):
		return strings.EqualFold(token, "true"), flagKind
	case strings.EqualFold(token, "Guid"):
		p.must("(")
		id, of := p.value()
		p.must(")")
		s, _ := id.(string)
		if p.wrong == "" && (of != textKind || !guidForm.MatchString(s)) {
			p.object("Guid should contain 32 digits with 4 dashes")
		}
		return strings.ToLower(s), guidKind
	case strings.EqualFold(token, "DateTime"):
		return p.day(), dayKind
	}
	d, err := decimal.NewFromString(token)
	if err != nil {
		p.object("Expression expected, not '%s'", token)
	}
	return d, amountKind
}

var guidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// day reads what follows DateTime: (year, month, day), or those and (hour, minute,
// second).
func (p *whereParser[T]) day() time.Time {
	p.must("(")
	var parts []int
	for {
		n, err := strconv.Atoi(p.token)
		if err != nil {
			p.object("No applicable constructor exists in type 'DateTime'")
			return time.Time{}
		}
		parts = append(parts, n)
		p.next()
		if !p.takes(",") {
			break
		}
	}
	p.must(")")
	if len(parts) == 3 {
		parts = append(parts, 0, 0, 0)
	}
	if len(parts) != 6 {
		p.object("No applicable constructor exists in type 'DateTime'")
		return time.Time{}
	}
	t := time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], 0, time.UTC)
	if t.Day() != parts[2] || int(t.Month()) != parts[1] {
		p.object("Year, Month, and Day parameters describe an un-representable DateTime.")
	}
	return t
}
