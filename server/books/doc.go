// Package books is the one place that fetches, keeps and ages an organisation's
// records. Pages, exports and tables read them here and nowhere else.
//
// Records are kept in the state database, sealed with a key from the keychain, and
// deleted when their organisation is disconnected. A reading is brought up to date
// by If-Modified-Since where Xero's answer to that can be trusted, and read whole
// where it cannot (see kinds). However many ask at once, Xero is asked once.
//
// Amounts are exact decimals. Calendar days are times at midnight UTC and are never
// shifted.
package books
