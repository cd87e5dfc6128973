package proof

import (
	"io/fs"
	"strings"
	"testing"

	"financial-command-center/assets"
)

// A copied is a text that FCC's pages offer to be copied, and how it is tried.
type copied struct {
	text   string // in assets
	id     string // of its element on the page for developers
	file   string // what it is saved as, and
	run    string // the command that runs it in a shell
	notRun string // why not: then it is only held against what the page shows
}

var copiedTexts = []copied{
	{text: "snippets/key.sh", id: "snippet-key", run: "pasted before each of the others"},
	{text: "snippets/curl.sh", id: "snippet-curl", file: "snippet.sh", run: ". ./snippet.sh"},
	{text: "snippets/python.py", id: "snippet-python", file: "snippet.py", run: "python3 snippet.py"},
	{text: "snippets/node.mjs", id: "snippet-node", file: "snippet.mjs", run: "node snippet.mjs"},
	{text: "snippets/xero-node.mjs", id: "snippet-xero-node", file: "snippet-sdk.mjs", run: "node snippet-sdk.mjs"},

	{text: "snippets/dotnet.cs", id: "snippet-dotnet", notRun: "Debian has no .NET SDK"},
	{text: "snippets/powershell.ps1", id: "snippet-powershell", notRun: "Debian has no PowerShell"},
	{text: "snippets/key.ps1", id: "snippet-key", notRun: "Debian has no PowerShell, and the page shows it on Windows only"},
	{text: "snippets/curl.ps1", id: "snippet-curl", notRun: "Debian has no PowerShell, and the page shows it on Windows only"},
	{text: "excel/table.pq", notRun: "Power Query is a part of Excel; the tables that it reads are read by curl and LibreOffice"},
}

// Every text to copy is either run by a test or says here why it is not.
func TestEveryTextToCopyIsRunOrSaysWhyNot(t *testing.T) {
	listed := map[string]bool{}
	for _, c := range copiedTexts {
		if listed[c.text] || (c.run == "") == (c.notRun == "") {
			t.Errorf("%s stands here twice, or is not either run or not run", c.text)
		}
		listed[c.text] = true
		if c.notRun != "" {
			t.Run(strings.ReplaceAll(c.text, "/", " "), func(t *testing.T) { t.Logf("%s: not run here: %s", c.text, c.notRun) })
		}
	}
	there, err := fs.Glob(assets.Snippets, "snippets/*")
	if err != nil || len(there) == 0 {
		t.Fatalf("%v, %d texts", err, len(there))
	}
	for _, text := range append(there, "excel/table.pq") {
		if !listed[text] {
			t.Errorf("%s is neither run nor does it say why not", text)
		}
		delete(listed, text)
	}
	for text := range listed {
		t.Errorf("there is no %s", text)
	}
}
