package books_test

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"financial-command-center/server/books"
)

var today = time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)

// someInvoice is any, of the past or the future, in some currency or none.
func someInvoice(t *rapid.T) books.Invoice {
	i := books.Invoice{
		ID:        fmt.Sprint(rapid.Uint64().Draw(t, "id")),
		Type:      rapid.SampledFrom([]string{"ACCREC", "ACCPAY", "BARTER"}).Draw(t, "type"),
		Status:    rapid.SampledFrom([]string{"AUTHORISED", "AUTHORISED", "AUTHORISED", "PAID", "DRAFT"}).Draw(t, "status"),
		Currency:  rapid.SampledFrom([]string{"NZD", "USD", "JPY", ""}).Draw(t, "currency"),
		AmountDue: decimal.New(rapid.Int64Range(-100, 1e15).Draw(t, "due"), -2),
		Rate:      decimal.New(rapid.Int64Range(0, 1e9).Draw(t, "rate"), -6),
	}
	if days := rapid.IntRange(-500, 500).Draw(t, "days"); days < 490 {
		i.Due = today.AddDate(0, 0, days)
	}
	return i
}

func TestSumsComeOutToTheCent(t *testing.T) {
	o := books.Organisation{Base: "NZD", ShortCode: "!x"}
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(someInvoice), 0, 60).Draw(t, "invoices")
		for _, sales := range []bool{true, false} {
			d := o.Debts(all, sales, today)
			var bands, late decimal.Decimal
			for n, band := range d.Bands {
				bands = bands.Add(band)
				if n > 0 {
					late = late.Add(band)
				}
			}
			if !bands.Equal(d.Total) || !late.Equal(d.Overdue) || d.OverdueCount > d.Count {
				t.Fatalf("bands %v come to %s, total %s, overdue %s", d.Bands, bands, d.Total, d.Overdue)
			}
			// The same sum in another way: fractions, rounded half away from zero.
			want, count, unknown := decimal.Zero, 0, 0
			for _, i := range all {
				if i.Status != "AUTHORISED" || !i.AmountDue.IsPositive() || i.Type == "BARTER" || (i.Type == "ACCREC") != sales {
					continue
				}
				due := i.AmountDue
				if i.Currency != "NZD" {
					if i.Rate.IsZero() {
						unknown++
						continue
					}
					cents := new(big.Rat).Mul(new(big.Rat).Quo(due.Rat(), i.Rate.Rat()), big.NewRat(100, 1))
					half := new(big.Rat).Add(cents, big.NewRat(1, 2))
					due = decimal.NewFromBigInt(new(big.Int).Quo(half.Num(), half.Denom()), -2)
				}
				count++
				want = want.Add(due)
			}
			if !want.Equal(d.Total) || count != d.Count || unknown != d.Foreign.Unknown {
				t.Fatalf("%d come to %s, %d are unknown; want %d, %s, %d", d.Count, d.Total, d.Foreign.Unknown, count, want, unknown)
			}
			ahead := decimal.Zero
			for _, w := range o.Weeks(all, today) {
				if w.To.Sub(w.From) != 6*24*time.Hour {
					t.Fatalf("a week from %s to %s", w.From, w.To)
				}
				if sales {
					ahead = ahead.Add(w.In)
				} else {
					ahead = ahead.Add(w.Out)
				}
			}
			if ahead.GreaterThan(d.Bands[0]) {
				t.Fatalf("%s fall due in eight weeks, and %s are not due yet", ahead, d.Bands[0])
			}
		}
		late := o.Overdue(all, today)
		if d := o.Debts(all, true, today); !late.Total.Equal(d.Overdue) || late.Count != d.OverdueCount || len(late.Top) != min(10, late.Count) {
			t.Fatalf("overdue %d, %s, and debts say %d, %s", late.Count, late.Total, d.OverdueCount, d.Overdue)
		}
		for n := 1; n < len(late.Top); n++ {
			if late.Top[n].Base.GreaterThan(late.Top[n-1].Base) {
				t.Fatal("the largest is not the first")
			}
		}
	})
}

func TestAnInvoiceWithoutARateIsInNoSum(t *testing.T) {
	all := []books.Invoice{
		{ID: "1", Type: "ACCREC", Status: "AUTHORISED", Currency: "USD", AmountDue: decimal.NewFromInt(100), Due: today.AddDate(0, 0, -1)},
		{ID: "2", Type: "ACCREC", Status: "AUTHORISED", Currency: "NZD", AmountDue: decimal.NewFromInt(7), Due: today.AddDate(0, 0, -1)},
		{ID: "3", Type: "ACCREC", Status: "AUTHORISED", Currency: "JPY", Rate: decimal.RequireFromString("3"), AmountDue: decimal.NewFromInt(1), Due: today},
	}
	o := books.Organisation{Base: "NZD"}
	d := o.Debts(all, true, today)
	if d.Foreign.Unknown != 1 || d.Count != 2 || d.Total.String() != "7.33" || d.Foreign.Count != 1 || fmt.Sprint(d.Foreign.Currencies) != "[JPY]" {
		t.Errorf("%+v", d)
	}
	if late := o.Overdue(all, today); late.Count != 1 || late.Total.String() != "7" {
		t.Errorf("%+v", late)
	}
	// A rate of exactly one makes no foreign currency the base.
	all[2].Rate = decimal.NewFromInt(1)
	if d := o.Debts(all, true, today); d.Foreign.Count != 1 || d.Total.String() != "8" {
		t.Errorf("%+v", d)
	}
	all[2].Rate = decimal.NewFromInt(3)
	// To an organisation whose base currency may not be read, every rate but one is
	// foreign, and what has none is unknown.
	if d := (books.Organisation{}).Debts(all, true, today); d.Foreign.Unknown != 2 || d.Total.String() != "0.33" {
		t.Errorf("%+v", d)
	}
}
