package server

import (
	"time"

	"financial-command-center/server/xero"
)

// The commands' questions and answers, JSON both ways.
type (
	// ControlHello is the question and the answer of POST /control/hello.
	ControlHello struct {
		Nonce string `json:"nonce"`
		Proof string `json:"proof,omitempty"` // in the answer
	}

	// ControlOpen asks for a way in that leads to Next, a local path.
	ControlOpen struct {
		Next string `json:"next"`
	}
	// ControlLink is that way: where Visit, the plain Address will do for this OS
	// user; else Link, which carries a one-time ticket.
	ControlLink struct {
		Address string `json:"address"`
		Link    string `json:"link"`
		Visit   bool   `json:"visit"`
	}

	// ControlLogin is a sign-in that has begun.
	ControlLogin struct {
		URL         string    `json:"url"`
		RedirectURI string    `json:"redirect_uri"`
		Expires     time.Time `json:"expires"`
	}
	// ControlCallback is the query that Xero sent the browser back with.
	ControlCallback struct {
		Query string `json:"query"`
	}
	// ControlSignedIn is what a finished sign-in reaches.
	ControlSignedIn struct {
		Organisations []xero.Organisation `json:"organisations"`
	}

	// ControlTenant names an organisation, or with "" the only one.
	ControlTenant struct {
		Tenant string `json:"tenant"`
	}
	// ControlToken is an access token in the clear.
	ControlToken struct {
		AccessToken string    `json:"access_token"`
		ExpiresAt   time.Time `json:"expires_at"`
	}

	// ControlKeyRights are what a key may do. None named means all; an age is in
	// seconds.
	ControlKeyRights struct {
		Name     string     `json:"name"`
		Write    bool       `json:"write"`
		Ask      bool       `json:"ask"`
		Tenants  []string   `json:"tenants"`
		Families []string   `json:"families"`
		AnyUser  bool       `json:"any_user"`
		Expires  *time.Time `json:"expires"` // null: never
		Daily    int        `json:"daily"`   // 0: no limit
		MaxAge   int        `json:"max_age"` // 0: live answers only
		Stale    bool       `json:"stale"`
	}
	// ControlKeyMade is the key in the clear, this once.
	ControlKeyMade struct {
		Key     string `json:"key"`
		Warning string `json:"warning,omitempty"` // a sentence
	}
	// ControlKeys lists the keys without themselves.
	ControlKeys struct {
		Keys []ControlKey `json:"keys"`
	}
	// ControlKey is one of the list.
	ControlKey struct {
		ControlKeyRights
		Ended      bool       `json:"ended"`
		CallsToday int        `json:"calls_today"` // that reached Xero
		Created    time.Time  `json:"created"`
		LastUsed   *time.Time `json:"last_used"`
		Program    string     `json:"program"` // what used it last, as that says itself
	}
	// ControlName names a key.
	ControlName struct {
		Name string `json:"name"`
	}

	// ControlHealth is what FCC finds of itself, for fcc doctor.
	ControlHealth struct {
		Checks       []Check `json:"checks"`
		SecretLength int     `json:"secret_length"` // of the session secret, in characters; 0 while it could not be read
		ClientID     string  `json:"client_id"`     // "" before the set-up
	}

	// ControlDisconnect says what to disconnect; see xero.Connections.Disconnect.
	ControlDisconnect struct {
		Connection   string `json:"connection"`
		Organisation string `json:"organisation"`
	}
	// ControlDisconnected says what was.
	ControlDisconnected struct {
		Organisations []xero.Organisation `json:"organisations"`
		Untold        []string            `json:"untold"`
	}
)
