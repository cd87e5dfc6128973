package xerosim

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// others are what the APIs beside Accounting show of an organisation. It is little,
// and fits the books: what it owns was written off before they begin, so that
// account 710 stands at nothing; its projects are for its customers.
type others struct {
	files     []*file // behind books.mu
	inbox     string  // id of the folder they are in
	assets    []*asset
	assetType string // id
	employees []*employee
	projects  []*project
}

type asset struct {
	id, name, number, status string
	bought                   time.Time
	price                    decimal.Decimal
}

type employee struct {
	id, title, first, last, email, gender, address, city, job string
	born, started, updated                                    time.Time
}

type project struct {
	id, name, status string
	customer         *contact
	deadline         time.Time
	minutes          int64
	rate             decimal.Decimal // per hour
}

// worth is what the work so far comes to.
func (p *project) worth() decimal.Decimal {
	return p.rate.Mul(decimal.NewFromInt(p.minutes)).DivRound(decimal.NewFromInt(60), 2)
}

// furnish makes them. The same seed makes the same, ids included; only the dates
// follow now. It draws nothing from the books' own numbers.
func (b *books) furnish(seed uint64, now time.Time) {
	h := fnv.New64a()
	h.Write([]byte(b.profile.key + "/others"))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	today := b.profile.today(now)
	o := others{inbox: seededGUID(r), assetType: seededGUID(r)}
	for n, name := range []string{"Letter to our customers.txt", "Price list.csv"} {
		text := "Dear customer,\r\n\r\nthank you for your business.\r\n\r\n" + b.profile.name + "\r\n"
		if strings.HasSuffix(name, ".csv") {
			text = "Description,From,To\r\n"
			for _, i := range b.profile.sales {
				text += fmt.Sprintf("\"%s\",%s,%s\r\n", strings.ReplaceAll(i.description, `"`, `""`), money(i.low), money(i.high))
			}
		}
		written := today.AddDate(0, 0, -40+7*n).Add(3 * time.Hour)
		o.files = append(o.files, &file{
			id: seededGUID(r), name: name, mime: []string{"text/plain", "text/csv"}[n], created: written, updated: written,
			content: io.NewSectionReader(bytes.NewReader([]byte(text)), 0, int64(len(text))),
		})
	}
	for n, a := range []struct{ name, status string }{{"Van", "Registered"}, {"Workbench", "Registered"}, {"Till", "Draft"}} {
		o.assets = append(o.assets, &asset{
			id: seededGUID(r), name: a.name, number: fmt.Sprintf("FA-%04d", n+1), status: a.status,
			bought: today.AddDate(-9, n, 0), price: decimal.New(40000+r.Int64N(2000000), -2),
		})
	}
	for n := range 4 {
		first, last := givenNames[(n*7+r.IntN(7))%len(givenNames)], pick(r, surnames)
		o.employees = append(o.employees, &employee{
			id: seededGUID(r), title: []string{"Ms", "Mr"}[n%2], first: first, last: last, gender: []string{"F", "M"}[n%2],
			email: fmt.Sprintf("%s%d@%s.example", strings.ToLower(first), n+1, b.profile.key), address: fmt.Sprintf("%d Wharf Street", 2+r.IntN(90)),
			city: pick(r, placeNames), job: []string{"Manager", "Foreman", "Apprentice", "Clerk"}[n],
			born: today.AddDate(-20-r.IntN(40), -r.IntN(12), 0), started: today.AddDate(-1-r.IntN(6), 0, 0), updated: today.AddDate(0, -n, 0),
		})
	}
	for _, c := range b.contacts {
		if !c.customer || c.archived || len(o.projects) == 3 {
			continue
		}
		n := len(o.projects)
		o.projects = append(o.projects, &project{
			id: seededGUID(r), name: fmt.Sprintf("Work for %s", c.name), customer: c, status: []string{"INPROGRESS", "INPROGRESS", "CLOSED"}[n],
			deadline: today.AddDate(0, 0, 30-25*n), minutes: 60 + r.Int64N(9000), rate: decimal.NewFromInt(80 + 5*r.Int64N(8)),
		})
	}
	b.others = o
}
