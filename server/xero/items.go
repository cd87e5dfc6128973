package xero

import (
	"context"
	"errors"
	"slices"
	"strings"

	"financial-command-center/keystore"
)

// KeystoreItems names what the sign-ins keep in ks, each item before those that are
// found by it: the index, the records, and the secrets of the Xero apps that these
// were made through, and of the apps with clientIDs. Items that are not there may be
// among them.
func KeystoreItems(ctx context.Context, ks keystore.Store, clientIDs []string) ([]string, error) {
	items := []string{indexItem}
	ids, _, err := readIndex(ctx, ks)
	if err != nil {
		return nil, err
	}
	secrets := []string{}
	app := func(clientID string) {
		if item := clientSecretItem + strings.ToLower(clientID); clientID != "" && !slices.Contains(secrets, item) {
			secrets = append(secrets, item)
		}
	}
	for _, clientID := range clientIDs {
		app(clientID)
	}
	for _, id := range ids {
		items = append(items, grantItem+id)
		text, err := ks.Get(ctx, grantItem+id)
		if errors.Is(err, keystore.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if g, err := decodeGrant(text); err == nil { // else it is moved as it is
			app(g.ClientID)
		}
	}
	return append(items, secrets...), nil
}
