package xerosim

import (
	"time"
	_ "time/tzdata" // Windows has no zones of its own

	"github.com/shopspring/decimal"
)

// profile is what an organisation's books are made from.
type profile struct {
	key, name, legalName       string
	version, country, timezone string
	class, shortCode           string
	base                       string // currency
	taxNumber, lineOfBusiness  string
	taxRate                    int64 // of OUTPUT2 and INPUT2, in per cent
	yearEndDay, yearEndMonth   int

	currencies         map[string]decimal.Decimal // foreign ones, by what one unit of the base buys
	banks              []account
	sales, purchases   []item
	names              []string // contacts that must be there
	bank               string   // a contact
	contacts, invoices int
	days               int // how far the books go back

	// standing are sales and bills that come again and again. An organisation that
	// has them pays its bills when they are due, and is paid by most customers.
	standing []standing

	// layout is how the organisation's own layout of the profit and loss calls the
	// sections of the standard one.
	layout map[string]string

	ledger *Ledger // instead of all that is made up: what somebody typed
}

// A standing bill, or sale by its tax, is with one contact every so many days, and
// due terms days later.
type standing struct {
	contact      string
	item         item
	every, terms int
	tax          string
}

// zones are the organisations' time zones, by Xero's names for them.
var zones = map[string]string{
	"NEWZEALANDSTANDARDTIME": "Pacific/Auckland", "AUSEASTERNSTANDARDTIME": "Australia/Sydney", "GMTSTANDARDTIME": "Europe/London",
	"EASTERNSTANDARDTIME": "America/New_York", "UTC": "UTC",
}

// today is the organisation's calendar day at now, as midnight UTC.
func (p *profile) today(now time.Time) time.Time {
	zone, err := time.LoadLocation(zones[p.timezone])
	if err != nil {
		panic(err) // the data are compiled in
	}
	y, m, d := now.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// item is something that is bought or sold, at a price between low and high in
// hundredths of the base currency.
type item struct {
	description, account string
	low, high            int64
	most                 int64 // quantity
}

// The three organisations: a joinery, a café, and one that is all that a program
// may stumble over: 12,000 invoices, six currencies, and names that are markup,
// formulas, pictures, written from right to left, or too long.
var (
	joinery = &profile{
		key: "joinery", name: "Harbour Joinery Ltd", legalName: "Harbour Joinery Limited",
		version: "NZ", country: "NZ", timezone: "NEWZEALANDSTANDARDTIME", class: "GROW", shortCode: "!hJ7nZ",
		base: "NZD", taxNumber: "104-221-873", lineOfBusiness: "Joinery", taxRate: 15, yearEndDay: 31, yearEndMonth: 3,
		banks: []account{
			{code: "090", name: "Everyday Account", number: "0102420100241800", bankType: "BANK", opening: decimal.New(1218055, -2)},
			{code: "091", name: "Tax Savings", number: "0102420100241801", bankType: "BANK", opening: decimal.New(2650000, -2)},
			{name: "Business Visa", number: "4988000000004417", bankType: "CREDITCARD", opening: decimal.New(-113220, -2)},
		},
		sales: []item{
			{"Kitchen cabinets, made and fitted", "200", 320000, 480000, 1},
			{"Benchtop in rimu, oiled", "200", 69000, 110000, 2},
			{"Built-in wardrobe", "200", 115000, 190000, 2},
			{"Sash window, double glazed", "200", 68000, 92000, 3},
			{"Site measure and drawings", "260", 18000, 45000, 1},
			{"Joiner, per hour", "200", 8500, 9800, 16},
		},
		purchases: []item{
			{"Birch plywood 18 mm, 2400 × 1200", "310", 11200, 15900, 9},
			{"Rimu, dressed, per metre", "310", 1850, 3400, 60},
			{"Hinges, soft close, box of 50", "310", 14500, 18900, 4},
			{"Lacquer, 20 litres", "310", 24000, 31000, 3},
			{"Saw blades, sharpening", "429", 2800, 6400, 6},
			{"Leaflets and signs", "400", 9000, 38000, 1},
			{"Van, fuel and service", "449", 9000, 68000, 1},
		},
		names: []string{
			"Ōtepoti Harbour Homes", "Te Awa Apartments Body Corporate 40218", "Blueskin Bay School", "Cargill & Daughters Builders",
			"Port Timber Supplies", "Southern Hardware Ltd", "D. O'Neill", "Lawyer Street Café",
			"Wharf Street Properties", "Mornington Power", "Payday Bureau", "Inland Revenue", "Hillside Joiners",
		},
		standing: []standing{
			{"Cargill & Daughters Builders", item{"Joinery for the week's sites", "200", 760000, 980000, 1}, 7, 20, "OUTPUT2"},
			{"Payday Bureau", item{"Wages for the fortnight", "477", 1520000, 1660000, 1}, 14, 7, "NONE"},
			{"Port Timber Supplies", item{"Timber and board, the week's deliveries", "310", 380000, 520000, 1}, 7, 60, "INPUT2"},
			{"Hillside Joiners", item{"Subcontract joiners, the week", "310", 140000, 290000, 1}, 7, 14, "INPUT2"},
			{"Wharf Street Properties", item{"Workshop rent", "469", 312000, 312000, 1}, 30, 20, "INPUT2"},
			{"Mornington Power", item{"Power", "445", 38000, 71000, 1}, 30, 20, "INPUT2"},
			{"Inland Revenue", item{"GST for two months", "820", 1280000, 1420000, 1}, 61, 28, "NONE"},
		},
		bank: "Southern Cross Savings Bank", contacts: 46, invoices: 300, days: 365,
	}
	cafe = &profile{
		key: "cafe", name: "Ridgeway Café", legalName: "Ridgeway Coffee House Ltd",
		version: "UK", country: "GB", timezone: "GMTSTANDARDTIME", class: "IGNITE", shortCode: "!rC4fE",
		base: "GBP", taxNumber: "GB 318 2207 64", lineOfBusiness: "Café", taxRate: 20, yearEndDay: 5, yearEndMonth: 4,
		banks: []account{
			{code: "090", name: "Current Account", number: "20318455512907", bankType: "BANK", opening: decimal.New(1412840, -2)},
			{code: "091", name: "Till Float", number: "CASH", bankType: "BANK", opening: decimal.New(30000, -2)},
		},
		sales: []item{
			{"Lunch for a meeting, per head", "200", 950, 1450, 24},
			{"Beans, house blend, 1 kg", "200", 1600, 2250, 30},
			{"The room for an evening", "260", 9000, 22000, 1},
			{"Celebration cake", "200", 3800, 8500, 2},
		},
		purchases: []item{
			{"Milk, 2 litres", "310", 128, 165, 60},
			{"Green coffee, 60 kg sack", "310", 31000, 42000, 2},
			{"Bread and pastry", "310", 85, 240, 90},
			{"Oat drink, case of 12", "310", 1450, 1980, 8},
			{"Rent, Ridgeway", "469", 185000, 185000, 1},
			{"Gas and electricity", "445", 21000, 64000, 1},
			{"Grinder service", "429", 6500, 14000, 1},
		},
		names: []string{
			"Fern Lane Dairy", "Roast & Ready Importers", "The Baker's Oven (Wholesale)", "St Alban's Parish Council",
			"Société du Thé", "Miller, Brandt & Núñez LLP", "Ridgeway Running Club",
		},
		bank: "Ridgeway & County Bank", contacts: 28, invoices: 130, days: 365,
	}
	kauri = &profile{
		key: "kauri", name: `<b>Kauri</b> & "Sons"`, legalName: `<b>Kauri</b> & "Sons" Trading Ltd`,
		version: "NZ", country: "NZ", timezone: "NEWZEALANDSTANDARDTIME", class: "ULTIMATE_100", shortCode: "!aB3xY",
		base: "NZD", taxNumber: "087-654-321", lineOfBusiness: "Timber export", taxRate: 15, yearEndDay: 30, yearEndMonth: 6,
		currencies: map[string]decimal.Decimal{
			"AUD": decimal.New(914200, -6), "EUR": decimal.New(512380, -6), "GBP": decimal.New(441905, -6),
			"JPY": decimal.New(88412300, -6), "USD": decimal.New(598750, -6),
		},
		banks: []account{
			{code: "090", name: `Main "trading" account <NZD>`, number: "0312340567890000", bankType: "BANK", opening: decimal.New(184120077, -2)},
			{code: "092", name: "US Dollar Account", number: "0312340567890002", bankType: "BANK", currency: "USD", opening: decimal.New(50104400, -2)},
			{code: "093", name: "=SUM(Euro account)", number: "0312340567890003", bankType: "BANK", currency: "EUR", opening: decimal.New(20950011, -2)},
			{code: "094", name: "PayPal 🌲", number: "paypal@kauri.example", bankType: "PAYPAL", opening: decimal.New(120055, -2)},
		},
		sales: []item{
			{"Kauri, salvaged, kiln dried, per m³", "200", 290000, 410000, 6},
			{"Decking, 140 × 32, per metre", "200", 1480, 2260, 400},
			{"Veneer, book matched <A/B grade>", "200", 9800, 26000, 40},
			{"Freight, FOB Tauranga", "260", 40000, 380000, 1},
			{`Offcuts, "as is"`, "200", 600, 2400, 90},
		},
		purchases: []item{
			{"Logs, grade 1, per tonne", "310", 18500, 31000, 150},
			{"Kiln, contract drying, per m³", "310", 21000, 34000, 30},
			{"Shipping, 40 ft container", "310", 240000, 710000, 3},
			{"Fuel", "449", 90000, 240000, 1},
			{"Consultants & \"advisers\"", "412", 45000, 320000, 1},
		},
		bank: "Bank <of> Kauri & Co", names: oddNames, contacts: 640, invoices: 12000, days: 730,
		layout: map[string]string{"Income": "Trading Income ", "Less Cost of Sales": "Direct Costs & Freight", "Less Operating Expenses": "<Overheads>"},
	}
	profiles = []*profile{joinery, cafe, kauri}
)

// currencyAccounts are what Xero adds where there are several currencies.
var currencyAccounts = []account{
	{code: "497", name: "Bank Revaluations", kind: "EXPENSE", class: "EXPENSE", tax: "NONE", system: "BANKCURRENCYGAIN"},
	{code: "498", name: "Unrealised Currency Gains", kind: "EXPENSE", class: "EXPENSE", tax: "NONE", system: "UNREALISEDCURRENCYGAIN"},
	{code: "499", name: "Realised Currency Gains", kind: "EXPENSE", class: "EXPENSE", tax: "NONE", system: "REALISEDCURRENCYGAIN"},
}

// chart is what every organisation has besides its bank accounts.
var chart = []account{
	{code: "200", name: "Sales", kind: "REVENUE", class: "REVENUE", tax: "OUTPUT2", description: "What the business sells"},
	{code: "260", name: "Other Revenue", kind: "REVENUE", class: "REVENUE", tax: "OUTPUT2"},
	{code: "270", name: "Interest Income", kind: "REVENUE", class: "REVENUE", tax: "NONE"},
	{code: "310", name: "Cost of Goods Sold", kind: "DIRECTCOSTS", class: "EXPENSE", tax: "INPUT2"},
	{code: "400", name: "Advertising", kind: "EXPENSE", class: "EXPENSE", tax: "INPUT2"},
	{code: "404", name: "Bank Fees", kind: "EXPENSE", class: "EXPENSE", tax: "NONE"},
	{code: "412", name: "Consulting & Accounting", kind: "EXPENSE", class: "EXPENSE", tax: "INPUT2"},
	{code: "429", name: "General Expenses", kind: "EXPENSE", class: "EXPENSE", tax: "INPUT2"},
	{code: "445", name: "Light, Power, Heating", kind: "EXPENSE", class: "EXPENSE", tax: "INPUT2"},
	{code: "449", name: "Motor Vehicle Expenses", kind: "EXPENSE", class: "EXPENSE", tax: "INPUT2"},
	{code: "469", name: "Rent", kind: "EXPENSE", class: "EXPENSE", tax: "INPUT2"},
	{code: "477", name: "Wages and Salaries", kind: "EXPENSE", class: "EXPENSE", tax: "NONE"},
	{code: "488", name: "Telephone (old)", kind: "EXPENSE", class: "EXPENSE", tax: "INPUT2", archived: true},
	{code: "610", name: "Accounts Receivable", kind: "CURRENT", class: "ASSET", tax: "NONE", system: "DEBTORS"},
	{code: "710", name: "Plant and Equipment", kind: "FIXED", class: "ASSET", tax: "INPUT2"},
	{code: "800", name: "Accounts Payable", kind: "CURRLIAB", class: "LIABILITY", tax: "NONE", system: "CREDITORS"},
	{code: "820", name: "GST", kind: "CURRLIAB", class: "LIABILITY", tax: "NONE", system: "GST"},
	{code: "850", name: "Suspense", kind: "CURRLIAB", class: "LIABILITY", tax: "NONE", payable: true},
	{code: "860", name: "Rounding", kind: "CURRLIAB", class: "LIABILITY", tax: "NONE", system: "ROUNDING"},
	{code: "960", name: "Retained Earnings", kind: "EQUITY", class: "EQUITY", tax: "NONE", system: "RETAINEDEARNINGS"},
	{code: "970", name: "Owner A Funds Introduced", kind: "EQUITY", class: "EQUITY", tax: "NONE", payable: true},
}
