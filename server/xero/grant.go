package xero

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"financial-command-center/keystore"
)

// Xero ends a refresh token that was not used for this long
// (developer.xero.com/faq/oauth2).
const refreshLife = 60 * 24 * time.Hour

// Names of the items in the keychain. A keychain cannot be listed, so the index
// holds the ids of all connections; it is written before the first record of a
// connection, so that no grant is ever kept where nobody finds it.
const (
	indexItem        = "connections"
	grantItem        = "connection-"    // + id of the connection
	clientSecretItem = "client-secret-" // + client id, lower case
)

const recordVersion = 1

// grant is the record of one connection in the keychain. It is kept small: what
// can be asked of Xero again is not in it.
type grant struct {
	Version      int       `json:"v"`
	Issuer       string    `json:"issuer"` // a grant is never sent to another issuer
	ClientID     string    `json:"client_id"`
	Subject      string    `json:"subject"` // who signed in: Xero's user id
	RefreshToken string    `json:"refresh_token"`
	Issued       time.Time `json:"issued"`
	// Renewing is set from just before a renewal until its answer is saved. Nothing
	// reads it: a start renews at once anyway, within Xero's half hour of grace or
	// not. What counts is that writing it has shown the keychain to take writes.
	Renewing time.Time `json:"renewing,omitzero"`
	// Leaving is set when the person has disconnected and Xero is still to be told.
	Leaving bool `json:"leaving,omitempty"`
	// From is the fingerprint of the refresh token that another program had kept, of
	// a grant that was taken over from it; see Adopt.
	From string `json:"from,omitempty"`
}

func (g grant) renewBy() time.Time {
	if g.Issued.IsZero() {
		return time.Time{}
	}
	return g.Issued.Add(refreshLife)
}

// sameOwner reports whether a new sign-in takes the place of this grant.
func (g grant) sameOwner(issuer, clientID, subject string) bool {
	return g.Issuer == issuer && strings.EqualFold(g.ClientID, clientID) && g.Subject == subject
}

func (g grant) encode() keystore.Secret {
	g.Version = recordVersion
	data, err := json.Marshal(g)
	if err != nil {
		panic(err) // strings, times and booleans always encode
	}
	return keystore.NewSecret(string(data))
}

// errNewer: the record is of a version that this program does not know.
var errNewer = errors.New("the record is of a newer version")

// decodeGrant fails on what is not a record, and with errNewer on one of a newer
// version. Its errors do not repeat the text.
func decodeGrant(text keystore.Secret) (grant, error) {
	var g grant
	if err := json.Unmarshal([]byte(text.Reveal()), &g); err != nil {
		return grant{}, errors.New("the record is damaged")
	}
	if g.Version > recordVersion {
		return grant{}, fmt.Errorf("%w: %d, this program knows %d", errNewer, g.Version, recordVersion)
	}
	if g.Version != recordVersion {
		return grant{}, fmt.Errorf("the record has version %d, this program knows %d", g.Version, recordVersion)
	}
	if g.RefreshToken == "" || g.ClientID == "" || g.Issuer == "" {
		return grant{}, errors.New("the record lacks a field")
	}
	return g, nil
}

// index is the item that names all connections.
type index struct {
	Version int      `json:"v"`
	IDs     []string `json:"ids"`
}

// readIndex returns the ids of all connections. A list that is damaged, or of a
// newer version, is kept aside, and what still looks like an id in it is taken for
// one: no grant is to be lost with the list.
func readIndex(ctx context.Context, ks keystore.Store) (ids []string, damaged bool, err error) {
	text, err := ks.Get(ctx, indexItem)
	if errors.Is(err, keystore.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	var x index
	if err := json.Unmarshal([]byte(text.Reveal()), &x); err == nil && x.Version == recordVersion {
		return x.IDs, false, nil
	}
	if _, err := keystore.KeepAside(ctx, ks, indexItem, text); err != nil {
		return nil, false, fmt.Errorf("keep the damaged list of connections aside: %w", err)
	}
	ids = likelyID.FindAllString(text.Reveal(), -1)
	slices.Sort(ids)
	return slices.Compact(ids), true, nil
}

// likelyID is what newID makes.
var likelyID = regexp.MustCompile(`\b[0-9a-f]{16}\b`)

func writeIndex(ctx context.Context, ks keystore.Store, ids []string) error {
	data, err := json.Marshal(index{Version: recordVersion, IDs: ids})
	if err != nil {
		return err
	}
	return ks.Set(ctx, indexItem, keystore.NewSecret(string(data)))
}

// save writes s's grant, after its id is in the index. One that was forgotten is
// not written again. A panic on the way is an error like another: the grant may be all
// that is left of a sign-in, and is to be saved by the next try.
func (c *Connections) save(ctx context.Context, s *Session) (err error) {
	defer c.caught(&err)
	c.keychain.Lock()
	defer c.keychain.Unlock()
	if !s.gone {
		if err := c.indexLocked(ctx, s.id, true); err != nil {
			return err
		}
		c.mu.Lock()
		g := s.grant
		c.mu.Unlock()
		if err := c.spareLocked(ctx, s); err != nil {
			return err
		}
		if err := c.cfg.Keystore.Set(ctx, grantItem+s.id, g.encode()); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.unsaved, s.shut = false, nil
	return nil
}

// forget removes s's record, then its id from the index.
func (c *Connections) forget(ctx context.Context, s *Session) error {
	c.keychain.Lock()
	defer c.keychain.Unlock()
	if err := c.spareLocked(ctx, s); err != nil {
		return err
	}
	if err := c.cfg.Keystore.Delete(ctx, grantItem+s.id); err != nil {
		return err
	}
	s.gone = true
	return c.indexLocked(ctx, s.id, false)
}

// spareLocked keeps aside what could not be read of s, with c.keychain held. It is
// called before the record is written over or deleted: the text may be mended, or
// read by a newer FCC.
func (c *Connections) spareLocked(ctx context.Context, s *Session) error {
	if s.spoiled.IsZero() {
		return nil
	}
	as, err := keystore.KeepAside(ctx, c.cfg.Keystore, grantItem+s.id, s.spoiled)
	if err != nil {
		return fmt.Errorf("keep the damaged record aside: %w", err)
	}
	c.log.Info("a record that cannot be read is kept aside", "connection", s.id, "item", as)
	s.spoiled = keystore.Secret{}
	return nil
}

// indexLocked puts id into the index or takes it out, with c.keychain held.
func (c *Connections) indexLocked(ctx context.Context, id string, present bool) error {
	at := slices.Index(c.ids, id)
	if (at >= 0) == present {
		return nil
	}
	ids := slices.Clone(c.ids)
	if present {
		ids = append(ids, id)
	} else {
		ids = slices.Delete(ids, at, at+1)
	}
	if err := writeIndex(ctx, c.cfg.Keystore, ids); err != nil {
		return err
	}
	c.ids = ids
	return nil
}

// newID names a connection: 64 random bits in hex.
func newID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
