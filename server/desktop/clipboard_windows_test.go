package desktop_test

import (
	"testing"

	"github.com/atotto/clipboard"

	"financial-command-center/server/desktop"
)

func TestTextGoesToTheClipboard(t *testing.T) {
	desktop.MayChange(t)
	if !desktop.HasClipboard() {
		t.Fatal("there is no clipboard")
	}
	for _, text := range []string{"http://localhost:8000", "Tūī 𝄞"} {
		if err := desktop.Copy(text); err != nil {
			t.Fatal(err)
		}
		if got, err := clipboard.ReadAll(); got != text || err != nil {
			t.Errorf("it holds %q, %v", got, err)
		}
	}
}
