package keystore

import (
	"context"
	"fmt"
	"sync"
)

// Memory returns a Store that forgets everything when the process ends.
func Memory() Store { return &memory{values: map[string]Secret{}} }

type memory struct {
	mu     sync.Mutex
	values map[string]Secret
}

func (m *memory) Get(ctx context.Context, name string) (Secret, error) {
	if err := ended(ctx); err != nil {
		return Secret{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[name]
	if !ok {
		return Secret{}, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	return value, nil
}

func (m *memory) Set(ctx context.Context, name string, value Secret) error {
	if err := fits(name, value); err != nil {
		return err
	}
	if err := ended(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[name] = value
	return nil
}

func (m *memory) Delete(ctx context.Context, name string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, name)
	return nil
}

func (m *memory) Clear(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.values)
	return nil
}
