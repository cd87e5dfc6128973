package xero

import (
	"strings"
	"testing"
	"time"

	"financial-command-center/keystore"
)

// Windows holds 2,560 bytes an item (CRED_MAX_CREDENTIAL_BLOB_SIZE), and every
// store of ours refuses more.
func TestWhatIsKeptFitsAnItemOfTheKeychain(t *testing.T) {
	store := keystore.Memory()
	now := time.Date(2026, 11, 30, 23, 59, 59, 123456789, time.UTC)
	longest := grant{
		Issuer:       "https://" + strings.Repeat("i", 100) + "/realms/" + strings.Repeat("r", 100),
		ClientID:     strings.Repeat("C", 255), // the longest that the settings take
		Subject:      strings.Repeat("\u00fc", 64),
		RefreshToken: strings.Repeat("t", 1536), // Xero's have some 43 to 64; a JWT may be one
		Issued:       now, Renewing: now, Leaving: true,
	}
	if err := store.Set(t.Context(), grantItem+newID(), longest.encode()); err != nil {
		t.Error("the longest grant:", err)
	}
	if g, err := decodeGrant(longest.encode()); err != nil || g.RefreshToken != longest.RefreshToken || !g.Leaving {
		t.Errorf("%+v, %v", g, err)
	}
	if err := store.Set(t.Context(), clientSecretItem+"x", keystore.NewSecret(strings.Repeat("s", 512))); err != nil {
		t.Error("a client secret:", err)
	}
	var ids []string
	for range 120 { // a bookkeeper has one, maybe three
		ids = append(ids, newID())
	}
	for _, n := range []int{1, 30, 120} {
		if err := writeIndex(t.Context(), store, ids[:n]); err != nil {
			t.Errorf("a list of %d connections: %v", n, err)
		}
		if got, damaged, err := readIndex(t.Context(), store); err != nil || damaged || len(got) != n {
			t.Errorf("%d of %d come back, %v, %v", len(got), n, damaged, err)
		}
	}
}
