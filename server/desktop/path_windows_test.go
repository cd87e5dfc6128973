package desktop

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/windows/registry"
)

// userPath sets the PATH of the user who runs the tests; it is put back afterwards.
// now reads it.
func userPath(t *testing.T, path string, kind uint32) (now func() (string, uint32)) {
	t.Helper()
	MayChange(t)
	k, _, err := registry.CreateKey(registry.CURRENT_USER, "Environment", registry.QUERY_VALUE|registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	set := func(path string, kind uint32) error {
		switch kind {
		case registry.SZ:
			return k.SetStringValue("Path", path)
		case registry.EXPAND_SZ:
			return k.SetExpandStringValue("Path", path)
		}
		if err := k.DeleteValue("Path"); !errors.Is(err, registry.ErrNotExist) {
			return err
		}
		return nil
	}
	now = func() (string, uint32) {
		t.Helper()
		path, kind, err := k.GetStringValue("Path")
		if err != nil && !errors.Is(err, registry.ErrNotExist) {
			t.Fatal(err)
		}
		return path, kind
	}
	before, kindBefore := now()
	t.Cleanup(func() {
		if err := set(before, kindBefore); err != nil {
			t.Error(err)
		}
		k.Close()
	})
	if err := set(path, kind); err != nil {
		t.Fatal(err)
	}
	return now
}

func TestTheUsersPathKeepsItsFormAndEveryOtherByte(t *testing.T) {
	const dir = `C:\users\Ana Müller\AppData\Local\Programs\Financial Command Center`
	var long strings.Builder
	for i := range 100 {
		fmt.Fprintf(&long, `%%USERPROFILE%%\tools\number %03d;`, i)
	}
	if long.Len() < 3000 {
		t.Fatalf("only %d characters", long.Len())
	}
	for name, c := range map[string]struct {
		path string
		kind uint32
	}{
		"none":                      {"", registry.NONE},
		"plain":                     {`C:\Go\bin`, registry.SZ},
		"with variables":            {`%USERPROFILE%\bin;C:\Go\bin`, registry.EXPAND_SZ},
		"plain with percent signs":  {`C:\100%\bin;C:\%x%`, registry.SZ},
		"3,000 characters":          {strings.TrimSuffix(long.String(), ";"), registry.EXPAND_SZ},
		"3,000, with ; at the end":  {long.String(), registry.EXPAND_SZ},
		"quotes and double ;;":      {`"C:\a;b";;C:\Program Files\x`, registry.SZ},
		"another of the same begin": {dir + ` 2`, registry.SZ},
	} {
		t.Run(name, func(t *testing.T) {
			now := userPath(t, c.path, c.kind)
			for _, first := range []bool{true, false} {
				if changed, err := addToPath(dir); err != nil || changed != first {
					t.Fatal(changed, err)
				}
				path, kind := now()
				want := max(c.kind, registry.SZ)
				if c.kind == registry.NONE {
					want = registry.EXPAND_SZ
				}
				if kind != want || strings.Count(path, dir) != 1+strings.Count(c.path, dir) || !strings.HasPrefix(path, c.path) {
					t.Fatalf("added: %q, kind %d", path, kind)
				}
			}
			for _, first := range []bool{true, false} {
				if changed, err := removeFromPath(strings.ToUpper(dir) + `\`); err != nil || changed != first {
					t.Fatal(changed, err)
				}
				if path, kind := now(); path != c.path || kind != c.kind {
					t.Fatalf("removed: %q, kind %d; it was %q, kind %d", path, kind, c.path, c.kind)
				}
			}
		})
	}
}

func TestAFolderOnThePathByAVariableIsNotAddedAgain(t *testing.T) {
	t.Setenv("FCC_TEST_PROGRAMS", `C:\Programs`)
	now := userPath(t, `%FCC_TEST_PROGRAMS%\fcc\;C:\Go`, registry.EXPAND_SZ)
	if changed, err := addToPath(`C:\programs\FCC`); err != nil || changed {
		t.Fatal(changed, err)
	}
	if path, _ := now(); path != `%FCC_TEST_PROGRAMS%\fcc\;C:\Go` {
		t.Errorf("added: %q", path)
	}
}

func TestOnlyWhatWasAddedIsTakenOffAgain(t *testing.T) {
	t.Setenv("FCC_TEST_PROGRAMS", `C:\Programs`)
	const own = `%FCC_TEST_PROGRAMS%\fcc\;C:\Go`
	now := userPath(t, own, registry.EXPAND_SZ)
	noted := func(dir string) {
		k, _, err := registry.CreateKey(registry.CURRENT_USER, installedKey, registry.SET_VALUE)
		if err == nil {
			defer k.Close()
			err = k.SetStringValue(addedValue, dir)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	before := added() // of an FCC that is installed here
	noted("")
	t.Cleanup(func() { noted(before) })
	for _, step := range []struct {
		do   func(string) error
		dir  string
		want string
	}{
		{AddToPath, `C:\programs\FCC`, own}, // the user's own
		{RemoveFromPath, `C:\programs\FCC`, own},
		{AddToPath, `C:\one`, own + `;C:\one`},
		{AddToPath, `C:\one`, own + `;C:\one`},
		{RemoveFromPath, `C:\programs\FCC`, own + `;C:\one`},
		{AddToPath, `C:\two`, own + `;C:\two`}, // the program has moved
		{RemoveFromPath, `C:\TWO\`, own},
		{RemoveFromPath, `C:\two`, own},
	} {
		if err := step.do(step.dir); err != nil {
			t.Fatal(err)
		}
		if path, _ := now(); path != step.want {
			t.Errorf("%s: %q, not %q", step.dir, path, step.want)
		}
	}
}

func TestAPathThatWouldBeTooLongForWindowsIsLeftAlone(t *testing.T) {
	full := strings.Repeat(`C:\0123456;`, 32700/11)
	now := userPath(t, full, registry.SZ)
	if err := AddToPath(`C:\` + strings.Repeat("x", 200)); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("error: %v", err)
	}
	if path, _ := now(); path != full {
		t.Errorf("%d characters became %d", len(full), len(path))
	}
}
