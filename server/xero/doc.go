// Package xero is the core of Financial Command Center: everything that knows a
// token or a clock.
//
// # Grants
//
// When a person signs in, Xero gives this program a grant: an access token that
// opens the API for 30 minutes, and a refresh token that buys the next pair.
// Every renewal replaces the refresh token. Xero honours the one before for 30
// minutes from its first use, which heals a crash between its answer and our
// save, and nothing more; a refresh token that nobody uses for 60 days dies
// (developer.xero.com/faq/oauth2). So there is one owner of a refresh token, this
// package; it saves the new one before anybody sees the access token that came
// with it; and it lends access tokens only.
//
// A [Session] is one grant: one person, one Xero app, any number of
// organisations, because a token reaches every organisation that this person
// ever connected to this app. [Connections] is the set of them.
//
// # States
//
//	             keychain read               network, 5xx, 429
//	starting ─────────────────▶ connected ◀──────────────────▶ retrying
//	    │ nothing kept            ▲   │ invalid_grant              │
//	    ▼          a good sign-in │   ▼                            ▼
//	disconnected ─────────────────┴─ needs_login ◀─────────────────┘
//
// A keychain that cannot be read is never taken for an empty one: the state stays
// starting, with a [Problem], and the read is tried again. While Xero cannot be
// reached the access token at hand serves until it ends. Only the OAuth error
// invalid_grant, seen after the keychain was read once more, ends a grant;
// invalid_client is a wrong setting and ends nothing.
//
// # Limits
//
// [Session.Transport] is the one way to Xero's API, and keeps Xero's limits: five
// calls at once, so many a minute and so many a day for each app and organisation.
// What is left it learns from Xero's answers alone, and goes on from that after a
// start. A minute that is used up is waited out, in turns; a day is not, and its last
// calls are for people.
//
// # Clocks
//
// A token's age is the larger of what the wall clock and the monotonic clock say:
// the first goes on while the machine sleeps, the second does not follow a clock
// that is set back. Xero's idea of now comes from its Date header. The loop of a
// session wakes at least every 30 seconds, for a timer set for longer does not
// fire after a sleep.
//
// Views follow [Connections.Watch]; nobody else holds truth about a sign-in.
package xero
