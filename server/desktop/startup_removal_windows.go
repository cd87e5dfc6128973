package desktop

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/windows/registry"
)

// RemoveStartups takes the program out of what starts at sign-in, under whatever
// names it stands there.
func RemoveStartups(program string) error {
	k, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the Run key: %w", err)
	}
	defer k.Close()
	names, err := k.ReadValueNames(0)
	if err != nil {
		return fmt.Errorf("read the Run key: %w", err)
	}
	var errs []error
	for _, name := range names {
		line, _, err := k.GetStringValue(name)
		if err == nil && strings.EqualFold(programs(line)[0], program) {
			errs = append(errs, removeStartup(name))
		}
	}
	return errors.Join(errs...)
}
