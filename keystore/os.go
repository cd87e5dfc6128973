package keystore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"
)

// OS returns the keychain of the signed-in user: Credential Manager on Windows,
// Keychain on macOS, on Linux the Secret Service on the session's D-Bus. Its
// items stand under service.
//
// Whether it can be reached shows at the first call, and may change later.
func OS(service string) Store { return newOS(service, patience) }

func newOS(service string, patience time.Duration) *osKeychain {
	return &osKeychain{service: service, line: newLine(patience)}
}

type osKeychain struct {
	service string
	line    line
	session session // what is known about the keychain; only used by the call whose turn it is
}

func (k *osKeychain) Get(ctx context.Context, name string) (Secret, error) {
	var value string
	err := k.call(ctx, "read "+name, func() (err error) {
		value, err = keyring.Get(k.service, name)
		return err
	})
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(value), nil
}

func (k *osKeychain) Set(ctx context.Context, name string, value Secret) error {
	if err := fits(name, value); err != nil {
		return err
	}
	return k.call(ctx, "write "+name, func() error {
		if err := keyring.Set(k.service, name, value.Reveal()); err != nil {
			return err
		}
		back, err := keyring.Get(k.service, name)
		if errors.Is(err, keyring.ErrNotFound) || err == nil && back != value.Reveal() {
			return errors.New("it holds something else than was written")
		}
		return err
	})
}

func (k *osKeychain) Delete(ctx context.Context, name string) error {
	err := k.call(ctx, "delete "+name, func() error { return keyring.Delete(k.service, name) })
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Clear: items are found by their service, which on Windows is what stands before
// the colon of their target name (CredEnumerate without a filter and without
// flags lists the plain names), and an attribute of its own elsewhere. So the
// service of a default data folder, which another folder's begins with, takes none
// of the other's.
func (k *osKeychain) Clear(ctx context.Context) error {
	return k.call(ctx, "clear", func() error { return keyring.DeleteAll(k.service) })
}

// call does work with the keychain when it is this call's turn. The library
// knows no deadline: work that waits for a prompt goes on when its caller is
// gone.
func (k *osKeychain) call(ctx context.Context, what string, work func() error) error {
	_, err := wait(ctx, k.line, func(ctx context.Context) (struct{}, error) {
		err := k.session.reach(ctx)
		if err == nil {
			err = guard(work)
			switch {
			case errors.Is(err, keyring.ErrNotFound):
				err = ErrNotFound
			case err != nil:
				err = k.session.explain(ctx, err)
			}
		}
		return struct{}{}, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// guard turns a panic of the library into an error. Its Linux part has one: it
// takes the closed channel of a D-Bus connection that ends while a prompt is
// open for the prompt's answer (secret_service.handlePrompt, v0.2.8).
func guard(work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return work()
}
