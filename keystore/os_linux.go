package keystore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// quiet is how long a person who did not unlock the keychain is not asked again.
// Those who hold a Store try every few seconds; a prompt that often would be
// unbearable. An unlocked keychain is noticed at once all the same.
const quiet = 5 * time.Minute

// A session knows what go-keyring does not say: whether there is a Secret
// Service at all and whether it is locked.
type session struct {
	locked  bool      // when last asked
	refused time.Time // when a prompt last ended with the keychain locked
}

// reach looks whether a call can succeed: maybe after a prompt, which the call
// then opens.
func (s *session) reach(ctx context.Context) error {
	var err error
	if s.locked, err = isLocked(ctx); err != nil {
		return err
	}
	if s.locked && time.Since(s.refused) < quiet {
		return fmt.Errorf("%w: its owner was asked and did not unlock it", ErrLocked)
	}
	return nil
}

// explain finds out what a failed call has met. Its caller may be long gone: a
// prompt was open until now.
func (s *session) explain(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	locked, err := isLocked(ctx)
	switch {
	case err != nil:
		return err
	case !locked:
		return fmt.Errorf("%w: %w", ErrFailed, cause)
	case s.locked: // before the call and after it: nobody answered its prompt
		s.refused = time.Now()
	}
	return fmt.Errorf("%w: %w", ErrLocked, cause)
}

// Secret Service API 0.2, specifications.freedesktop.org/secret-service.
const (
	secretsName    = "org.freedesktop.secrets"
	secretsPath    = dbus.ObjectPath("/org/freedesktop/secrets")
	loginKeyring   = secretsPath + "/collection/login"
	serviceAPI     = "org.freedesktop.Secret.Service"
	collectionAPI  = "org.freedesktop.Secret.Collection"
	noObject       = dbus.ObjectPath("/")
	defaultKeyring = "default"
)

// isLocked asks the Secret Service for the state of the collection that
// go-keyring uses: the one named login, else the default one. It starts the
// service if it can be started, and never opens a prompt. ErrAbsent means that
// there is no bus, no service on it, or no collection in it.
//
// The connection is not the shared one of go-keyring: that would start a bus of
// its own where there is none (dbus-launch), which no desktop would ever see.
func isLocked(ctx context.Context) (bool, error) {
	bus, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx))
	if err != nil {
		return false, fmt.Errorf("%w: no session bus: %w", ErrAbsent, err)
	}
	defer bus.Close()
	if err := errors.Join(bus.Auth(nil), bus.Hello()); err != nil {
		return false, unreached(ctx, err)
	}
	service := bus.Object(secretsName, secretsPath)
	var collections []dbus.ObjectPath
	if err := property(ctx, service, serviceAPI, "Collections", &collections); err != nil {
		return false, unreached(ctx, err)
	}
	path := loginKeyring
	if !slices.Contains(collections, path) {
		if err := service.CallWithContext(ctx, serviceAPI+".ReadAlias", 0, defaultKeyring).Store(&path); err != nil {
			return false, unreached(ctx, err)
		}
		if path == noObject {
			return false, fmt.Errorf("%w: the Secret Service has no default keyring", ErrAbsent)
		}
	}
	var locked bool
	if err := property(ctx, bus.Object(secretsName, path), collectionAPI, "Locked", &locked); err != nil {
		return false, unreached(ctx, err)
	}
	return locked, nil
}

func property(ctx context.Context, object dbus.BusObject, api, name string, value any) error {
	return object.CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, api, name).Store(value)
}

// unreached tells a bus without a Secret Service, or with one that does not
// start, from the rest.
func unreached(ctx context.Context, err error) error {
	if ended := ended(ctx); ended != nil {
		return ended
	}
	if answer, ok := errors.AsType[dbus.Error](err); ok &&
		(answer.Name == "org.freedesktop.DBus.Error.ServiceUnknown" ||
			strings.HasPrefix(answer.Name, "org.freedesktop.DBus.Error.Spawn.")) {
		return fmt.Errorf("%w: no Secret Service on the session bus: %w", ErrAbsent, err)
	}
	return fmt.Errorf("%w: %w", ErrFailed, err)
}
