package books

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // Windows has no zones that Go can read, and a bare Linux none at all
)

// Location is the organisation's time zone, this computer's where Xero names one
// that is not known.
func (o Organisation) Location() *time.Location {
	if l, ok := locations.Load(o.Timezone); ok {
		return l.(*time.Location)
	}
	l := time.Local
	if name, ok := zones[zoneKey(o.Timezone)]; ok {
		if found, err := time.LoadLocation(name); err == nil {
			l = found
		}
	}
	locations.Store(o.Timezone, l)
	return l
}

var locations sync.Map // by Xero's name

// zoneKey is how Xero writes the id of a Windows time zone: upper case, of the marks
// only the plus. "Mountain Standard Time (Mexico)" keeps its brackets at times.
func zoneKey(zone string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, strings.ToUpper(zone))
}

// zones is windowsZones of the CLDR (github.com/unicode-org/cldr,
// common/supplemental/windowsZones.xml, territory 001), and the two zones that
// Windows has given up and Xero still names.
var zones = map[string]string{
	"AFGHANISTANSTANDARDTIME":      "Asia/Kabul",
	"ALASKANSTANDARDTIME":          "America/Anchorage",
	"ALEUTIANSTANDARDTIME":         "America/Adak",
	"ALTAISTANDARDTIME":            "Asia/Barnaul",
	"ARABIANSTANDARDTIME":          "Asia/Dubai",
	"ARABICSTANDARDTIME":           "Asia/Baghdad",
	"ARABSTANDARDTIME":             "Asia/Riyadh",
	"ARGENTINASTANDARDTIME":        "America/Buenos_Aires",
	"ASTRAKHANSTANDARDTIME":        "Europe/Astrakhan",
	"ATLANTICSTANDARDTIME":         "America/Halifax",
	"AUSCENTRALSTANDARDTIME":       "Australia/Darwin",
	"AUSCENTRALWSTANDARDTIME":      "Australia/Eucla",
	"AUSEASTERNSTANDARDTIME":       "Australia/Sydney",
	"AZERBAIJANSTANDARDTIME":       "Asia/Baku",
	"AZORESSTANDARDTIME":           "Atlantic/Azores",
	"BAHIASTANDARDTIME":            "America/Bahia",
	"BANGLADESHSTANDARDTIME":       "Asia/Dhaka",
	"BELARUSSTANDARDTIME":          "Europe/Minsk",
	"BOUGAINVILLESTANDARDTIME":     "Pacific/Bougainville",
	"CANADACENTRALSTANDARDTIME":    "America/Regina",
	"CAPEVERDESTANDARDTIME":        "Atlantic/Cape_Verde",
	"CAUCASUSSTANDARDTIME":         "Asia/Yerevan",
	"CENAUSTRALIASTANDARDTIME":     "Australia/Adelaide",
	"CENTRALAMERICASTANDARDTIME":   "America/Guatemala",
	"CENTRALASIASTANDARDTIME":      "Asia/Bishkek",
	"CENTRALBRAZILIANSTANDARDTIME": "America/Cuiaba",
	"CENTRALEUROPEANSTANDARDTIME":  "Europe/Warsaw",
	"CENTRALEUROPESTANDARDTIME":    "Europe/Budapest",
	"CENTRALPACIFICSTANDARDTIME":   "Pacific/Guadalcanal",
	"CENTRALSTANDARDTIME":          "America/Chicago",
	"CENTRALSTANDARDTIMEMEXICO":    "America/Mexico_City",
	"CHATHAMISLANDSSTANDARDTIME":   "Pacific/Chatham",
	"CHINASTANDARDTIME":            "Asia/Shanghai",
	"CUBASTANDARDTIME":             "America/Havana",
	"DATELINESTANDARDTIME":         "Etc/GMT+12",
	"EAFRICASTANDARDTIME":          "Africa/Nairobi",
	"EASTERISLANDSTANDARDTIME":     "Pacific/Easter",
	"EASTERNSTANDARDTIME":          "America/New_York",
	"EASTERNSTANDARDTIMEMEXICO":    "America/Cancun",
	"EAUSTRALIASTANDARDTIME":       "Australia/Brisbane",
	"EEUROPESTANDARDTIME":          "Europe/Chisinau",
	"EGYPTSTANDARDTIME":            "Africa/Cairo",
	"EKATERINBURGSTANDARDTIME":     "Asia/Yekaterinburg",
	"ESOUTHAMERICASTANDARDTIME":    "America/Sao_Paulo",
	"FIJISTANDARDTIME":             "Pacific/Fiji",
	"FLESTANDARDTIME":              "Europe/Kiev",
	"GEORGIANSTANDARDTIME":         "Asia/Tbilisi",
	"GMTSTANDARDTIME":              "Europe/London",
	"GREENLANDSTANDARDTIME":        "America/Godthab",
	"GREENWICHSTANDARDTIME":        "Atlantic/Reykjavik",
	"GTBSTANDARDTIME":              "Europe/Bucharest",
	"HAITISTANDARDTIME":            "America/Port-au-Prince",
	"HAWAIIANSTANDARDTIME":         "Pacific/Honolulu",
	"INDIASTANDARDTIME":            "Asia/Calcutta",
	"IRANSTANDARDTIME":             "Asia/Tehran",
	"ISRAELSTANDARDTIME":           "Asia/Jerusalem",
	"JORDANSTANDARDTIME":           "Asia/Amman",
	"KALININGRADSTANDARDTIME":      "Europe/Kaliningrad",
	"KAMCHATKASTANDARDTIME":        "Asia/Kamchatka",
	"KOREASTANDARDTIME":            "Asia/Seoul",
	"LIBYASTANDARDTIME":            "Africa/Tripoli",
	"LINEISLANDSSTANDARDTIME":      "Pacific/Kiritimati",
	"LORDHOWESTANDARDTIME":         "Australia/Lord_Howe",
	"MAGADANSTANDARDTIME":          "Asia/Magadan",
	"MAGALLANESSTANDARDTIME":       "America/Punta_Arenas",
	"MARQUESASSTANDARDTIME":        "Pacific/Marquesas",
	"MAURITIUSSTANDARDTIME":        "Indian/Mauritius",
	"MIDATLANTICSTANDARDTIME":      "Etc/GMT+2",
	"MIDDLEEASTSTANDARDTIME":       "Asia/Beirut",
	"MONTEVIDEOSTANDARDTIME":       "America/Montevideo",
	"MOROCCOSTANDARDTIME":          "Africa/Casablanca",
	"MOUNTAINSTANDARDTIME":         "America/Denver",
	"MOUNTAINSTANDARDTIMEMEXICO":   "America/Mazatlan",
	"MYANMARSTANDARDTIME":          "Asia/Rangoon",
	"NAMIBIASTANDARDTIME":          "Africa/Windhoek",
	"NCENTRALASIASTANDARDTIME":     "Asia/Novosibirsk",
	"NEPALSTANDARDTIME":            "Asia/Katmandu",
	"NEWFOUNDLANDSTANDARDTIME":     "America/St_Johns",
	"NEWZEALANDSTANDARDTIME":       "Pacific/Auckland",
	"NORFOLKSTANDARDTIME":          "Pacific/Norfolk",
	"NORTHASIAEASTSTANDARDTIME":    "Asia/Irkutsk",
	"NORTHASIASTANDARDTIME":        "Asia/Krasnoyarsk",
	"NORTHKOREASTANDARDTIME":       "Asia/Pyongyang",
	"OMSKSTANDARDTIME":             "Asia/Omsk",
	"PACIFICSASTANDARDTIME":        "America/Santiago",
	"PACIFICSTANDARDTIME":          "America/Los_Angeles",
	"PACIFICSTANDARDTIMEMEXICO":    "America/Tijuana",
	"PAKISTANSTANDARDTIME":         "Asia/Karachi",
	"PARAGUAYSTANDARDTIME":         "America/Asuncion",
	"QYZYLORDASTANDARDTIME":        "Asia/Qyzylorda",
	"ROMANCESTANDARDTIME":          "Europe/Paris",
	"RUSSIANSTANDARDTIME":          "Europe/Moscow",
	"RUSSIATIMEZONE10":             "Asia/Srednekolymsk",
	"RUSSIATIMEZONE11":             "Asia/Kamchatka",
	"RUSSIATIMEZONE3":              "Europe/Samara",
	"SAEASTERNSTANDARDTIME":        "America/Cayenne",
	"SAINTPIERRESTANDARDTIME":      "America/Miquelon",
	"SAKHALINSTANDARDTIME":         "Asia/Sakhalin",
	"SAMOASTANDARDTIME":            "Pacific/Apia",
	"SAOTOMESTANDARDTIME":          "Africa/Sao_Tome",
	"SAPACIFICSTANDARDTIME":        "America/Bogota",
	"SARATOVSTANDARDTIME":          "Europe/Saratov",
	"SAWESTERNSTANDARDTIME":        "America/La_Paz",
	"SEASIASTANDARDTIME":           "Asia/Bangkok",
	"SINGAPORESTANDARDTIME":        "Asia/Singapore",
	"SOUTHAFRICASTANDARDTIME":      "Africa/Johannesburg",
	"SOUTHSUDANSTANDARDTIME":       "Africa/Juba",
	"SRILANKASTANDARDTIME":         "Asia/Colombo",
	"SUDANSTANDARDTIME":            "Africa/Khartoum",
	"SYRIASTANDARDTIME":            "Asia/Damascus",
	"TAIPEISTANDARDTIME":           "Asia/Taipei",
	"TASMANIASTANDARDTIME":         "Australia/Hobart",
	"TOCANTINSSTANDARDTIME":        "America/Araguaina",
	"TOKYOSTANDARDTIME":            "Asia/Tokyo",
	"TOMSKSTANDARDTIME":            "Asia/Tomsk",
	"TONGASTANDARDTIME":            "Pacific/Tongatapu",
	"TRANSBAIKALSTANDARDTIME":      "Asia/Chita",
	"TURKEYSTANDARDTIME":           "Europe/Istanbul",
	"TURKSANDCAICOSSTANDARDTIME":   "America/Grand_Turk",
	"ULAANBAATARSTANDARDTIME":      "Asia/Ulaanbaatar",
	"USEASTERNSTANDARDTIME":        "America/Indianapolis",
	"USMOUNTAINSTANDARDTIME":       "America/Phoenix",
	"UTC":                          "Etc/UTC",
	"UTC+12":                       "Etc/GMT-12",
	"UTC+13":                       "Etc/GMT-13",
	"UTC02":                        "Etc/GMT+2",
	"UTC08":                        "Etc/GMT+8",
	"UTC09":                        "Etc/GMT+9",
	"UTC11":                        "Etc/GMT+11",
	"VENEZUELASTANDARDTIME":        "America/Caracas",
	"VLADIVOSTOKSTANDARDTIME":      "Asia/Vladivostok",
	"VOLGOGRADSTANDARDTIME":        "Europe/Volgograd",
	"WAUSTRALIASTANDARDTIME":       "Australia/Perth",
	"WCENTRALAFRICASTANDARDTIME":   "Africa/Lagos",
	"WESTASIASTANDARDTIME":         "Asia/Tashkent",
	"WESTBANKSTANDARDTIME":         "Asia/Hebron",
	"WESTPACIFICSTANDARDTIME":      "Pacific/Port_Moresby",
	"WEUROPESTANDARDTIME":          "Europe/Berlin",
	"WMONGOLIASTANDARDTIME":        "Asia/Hovd",
	"YAKUTSKSTANDARDTIME":          "Asia/Yakutsk",
	"YUKONSTANDARDTIME":            "America/Whitehorse",
}
