// Package proof drives the built program as a person and a script do: a real
// process, a real browser, a real keychain, and the simulated Xero as another
// process. The long proofs and the measures carry the build tag "proof".
package proof
