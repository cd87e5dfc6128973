package desktop

import (
	"os"
	"testing"

	"golang.org/x/sys/windows"
)

// MayChange ends a test that would change what belongs to the person at this
// computer: PATH, what starts at sign-in, the clipboard. Wine is nobody's.
func MayChange(t *testing.T) {
	t.Helper()
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() != nil && os.Getenv("FCC_TEST_MY_DESKTOP") == "" {
		t.Fatal("this test changes PATH, start at sign-in and clipboard of the user who runs it, and puts PATH and start at sign-in back. " +
			"It runs under Wine, or with FCC_TEST_MY_DESKTOP=1.")
	}
}
