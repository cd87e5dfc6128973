package update

import (
	"context"
	"crypto/ed25519"
)

func (l *Looker) Begin()                   { l.begin() }
func (l *Looker) Look(ctx context.Context) { l.look(ctx) }

var (
	Due        = due
	IsFileName = fileName.MatchString
)

const (
	LookEvery = lookEvery
	FileLimit = fileLimit
)

// SignBytes signs what Sign would refuse.
func SignBytes(key ed25519.PrivateKey, body []byte) []byte { return signBytes(key, body) }

// Open is what is made of what was published.
func Open(published []byte, key ed25519.PublicKey) (Manifest, error) { return open(published, key) }
