package desktop

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const folder = `C:\Users\Ana\AppData\Local\Programs\Financial Command Center`

func ours(entry string) bool {
	return strings.EqualFold(strings.TrimSuffix(entry, `\`), folder)
}

func TestAFolderIsAddedToThePathOnceAtItsEnd(t *testing.T) {
	for path, want := range map[string]string{
		``:                       folder,
		`C:\Go\bin`:              `C:\Go\bin;` + folder,
		`C:\Go\bin;`:             `C:\Go\bin;` + folder + `;`,
		`%USERPROFILE%\bin;;C:\`: `%USERPROFILE%\bin;;C:\;` + folder,
		`"C:\a;b";C:\Go`:         `"C:\a;b";C:\Go;` + folder,
		folder + `;C:\Go`:        folder + `;C:\Go`,
		`C:\Go;` + strings.ToUpper(folder) + `\;C:\x`: `C:\Go;` + strings.ToUpper(folder) + `\;C:\x`,
		`"` + folder + `";C:\x`:                       `"` + folder + `";C:\x`,
		`"C:\broken;C:\Go`:                            `"C:\broken;C:\Go;` + folder,
	} {
		if got := withFolder(path, folder, ours); got != want {
			t.Errorf("%q became %q, not %q", path, got, want)
		}
	}
	if got := withFolder(`C:\Go`, `C:\a;b`, func(string) bool { return false }); got != `C:\Go;"C:\a;b"` {
		t.Errorf("a folder with a semicolon: %q", got)
	}
}

func TestAFolderIsTakenOffThePathWhereverItStands(t *testing.T) {
	for path, want := range map[string]string{
		``:                          ``,
		folder:                      ``,
		`C:\Go\bin`:                 `C:\Go\bin`,
		folder + `;C:\Go`:           `C:\Go`,
		`C:\Go;` + folder:           `C:\Go`,
		`C:\Go;` + folder + `;C:\x`: `C:\Go;C:\x`,
		`"` + folder + `\";C:\Go;` + strings.ToLower(folder): `C:\Go`,
		folder + ` 2;C:\Go`:    folder + ` 2;C:\Go`,
		`"C:\broken;` + folder: `"C:\broken`,
	} {
		if got := withoutFolder(path, ours); got != want {
			t.Errorf("%q became %q, not %q", path, got, want)
		}
	}
}

func TestWhatIsAddedToAnyPathIsTakenOffToTheByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.StringOf(rapid.SampledFrom([]rune(`aB;"%\ `))).Draw(t, "path")
		added := withFolder(path, folder, ours)
		if got := withoutFolder(added, ours); got != path {
			t.Fatalf("%q became %q and then %q", path, added, got)
		}
		if again := withFolder(added, folder, ours); again != added {
			t.Fatalf("%q became %q at the second time", added, again)
		}
	})
}
