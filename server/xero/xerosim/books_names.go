package xerosim

import "strings"

// oddNames are names that a page, a spreadsheet, a sort or a column width may
// stumble over. Each was seen, in kind, in somebody's real books.
var oddNames = []string{
	`O'Hare & "Partners"`,
	`<script>alert('paid')</script>`,
	`<img src=x onerror=alert(1)> Imports`,
	`=cmd|' /C calc'!A0`,
	`@SUM(1+1)*cmd`,
	`+64 3 477 0000 (nur Anrufe)`,
	`-Minus Records`,
	`🌲 Evergreen 👩🏽‍🌾 Co-op`,
	`שלום עץ בע"מ`,
	`شركة الخشب الدولية`,
	"Right\u202eevil\u202c Ltd",
	`株式会社　木材`,
	`Ångström & Ćosić d.o.o.`,
	"Zoe\u0308 Decomposed", // ë as e and a combining diaeresis
	`Zoë Composed`,
	`  Leading and trailing  `,
	`NULL`,
	`0012345`,
	`1e5`,
	`Robert'); DROP TABLE invoices;--`,
	`{{.Secret}} ${HOME} %s %n`,
	`C:\Temp\..\..\Invoices`,
	"Tab\tand, comma; \"quote\"",
	`&lt;Already escaped&gt; &amp; Co`,
	strings.Repeat("Te Whare Rākau ", 16) + "Limited", // 247 letters; Xero's limit is 255
	strings.Repeat("W", 120),
}

var (
	givenNames = strings.Fields(`Aroha Ben Carla Dev Elise Farid Grace Hemi Ines Jamal Kiri Leo Mei Nils Olu Priya Rangi Sofia Tane Uma
		Viktor Wiremu Xanthe Yusuf Zara Anna Bruno Chidi Dana Emil`)
	surnames = strings.Fields(`Abbott Brewer Chen Duarte Eriksen Fa'asavalu Gupta Hohepa Ivanova Jones Kumar Lindqvist McKenzie Ngata Okafor
		Parata Quinn Reid Singh Tui Ueda Vaughan Walker Young Zhang`)
	placeNames = strings.Fields(`Alpine Bayview Coastal Dunstan Eastgate Foveaux Glenorchy Highfield Inland Jubilee Kaikōura Lakeside Moeraki
		Northcote Ōamaru Pinehaven Queens Riverside Selwyn Taieri Upland Valley Waitaki Yarrow`)
	trades = []string{
		"Builders", "Interiors", "Property Care", "Electrical", "Plumbing", "Foods", "Catering", "Logistics", "Design Studio", "Motors",
		"Dental", "Motel", "Primary School", "Legal", "Print", "Nurseries", "Freight", "Timber", "Hardware", "Cleaning",
	}
	firmSuffixes = []string{"Ltd", "Limited", "& Co", "Group", "Trust", "(2019) Ltd", ""}
)

// name makes up the name of a person or a firm. first and last are empty for a
// firm.
func (b *books) name() (name, first, last string) {
	if b.rand.IntN(3) == 0 {
		first, last = pick(b.rand, givenNames), pick(b.rand, surnames)
		return first + " " + last, first, last
	}
	return strings.TrimSpace(pick(b.rand, placeNames) + " " + pick(b.rand, trades) + " " + pick(b.rand, firmSuffixes)), "", ""
}
