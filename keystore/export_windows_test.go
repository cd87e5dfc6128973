package keystore

// Unopened is what a DPAPI error means, to a computer in a domain or in none.
var Unopened = unopened
