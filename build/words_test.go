package main

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/BurntSushi/toml"
	"golang.org/x/net/html"
)

// What people read stands in assets/words and nowhere else. The command line's own
// words, and what only the log and the tests read, are not meant.

// wordy is what has two words in a row, as people write them.
var wordy = regexp.MustCompile(`[A-Za-z]{2,}[,;:]? [a-z]{2,}`)

var (
	letters = regexp.MustCompile(`[A-Za-z]`)
	topics  = regexp.MustCompile(`^[a-z-]+\.[a-z]`)
	verbs   = regexp.MustCompile(`%[a-z%]`) // of fmt
)

// spoken are the packages whose sentences reach a page or the tray.
var spoken = []string{"server", "server/books", "server/chart", "server/sheet", "server/xero", "tray"}

// exact is what a machine reads although it looks like words: a command as it stands,
// or the name of a form with its version, a media type, what HTTP asks for a key with,
// and how a spreadsheet is to write a day.
var exact = regexp.MustCompile(`^fcc( [A-Za-z-]+)+( \d+)?$|^[dmyhs :]+$|^[a-z]+/[a-z-]+; charset=utf-8$|^Bearer realm=`)

// unspoken are functions whose strings nobody but a log, a programmer or a machine
// reads.
var unspoken = []string{"Errorf", "New", "Key", "Fields", "Debug", "Info", "Warn", "Error", "Log", "panic", "MustCompile", "Exec", "Query", "QueryRow", "ExecContext", "QueryContext", "QueryRowContext"}

func TestPagesHaveNoWordsOfTheirOwn(t *testing.T) {
	files, err := filepath.Glob("../assets/pages/*.html")
	if err != nil || len(files) < 15 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		for _, found := range wordsOfPage(t, file) {
			t.Errorf("%s: %q belongs into assets/words", filepath.Base(file), found)
		}
	}
}

func wordsOfPage(t *testing.T, file string) (found []string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tree := parse.New(file)
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := tree.Parse(string(text), "", "", trees); err != nil {
		t.Fatal(err)
	}
	for _, tree := range trees {
		var page strings.Builder
		var walk func(parse.Node)
		walk = func(n parse.Node) {
			switch n := n.(type) {
			case *parse.ListNode:
				for _, n := range n.Nodes {
					walk(n)
				}
			case *parse.TextNode:
				page.Write(n.Text)
			case *parse.IfNode:
				walkBranch(walk, &n.BranchNode)
			case *parse.WithNode:
				walkBranch(walk, &n.BranchNode)
			case *parse.RangeNode:
				walkBranch(walk, &n.BranchNode)
			case *parse.StringNode:
				if wordy.MatchString(n.Text) {
					found = append(found, n.Text)
				}
			case *parse.PipeNode:
				for _, c := range n.Cmds {
					for _, arg := range c.Args {
						walk(arg)
					}
				}
			case *parse.ActionNode:
				page.WriteByte('0')
				walk(n.Pipe)
			case *parse.TemplateNode:
				page.WriteByte('0')
				if n.Pipe != nil {
					walk(n.Pipe)
				}
			}
		}
		if tree.Root == nil {
			continue
		}
		walk(tree.Root)
		found = append(found, wordsOfHTML(page.String())...)
	}
	return found
}

func walkBranch(walk func(parse.Node), b *parse.BranchNode) {
	walk(b.Pipe)
	walk(b.List)
	if b.ElseList != nil {
		walk(b.ElseList)
	}
}

func wordsOfHTML(page string) (found []string) {
	tokens := html.NewTokenizer(strings.NewReader(page))
	typed := 0 // inside of what is to be typed, or is no text
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return found
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := tokens.Token()
			if tag.Data == "code" || tag.Data == "kbd" {
				typed++
			}
			if tag.Data == "noscript" {
				tokens.NextIsNotRawText() // it has tags too
			}
			for _, a := range tag.Attr {
				said := slices.Contains([]string{"aria-label", "title", "placeholder", "alt"}, a.Key)
				if said && letters.MatchString(a.Val) {
					found = append(found, a.Val)
				}
			}
		case html.EndTagToken:
			if tag := tokens.Token(); tag.Data == "code" || tag.Data == "kbd" {
				typed--
			}
		case html.TextToken:
			if text := strings.TrimSpace(tokens.Token().Data); typed <= 0 && letters.MatchString(text) {
				found = append(found, text)
			}
		}
	}
}

func TestScriptsHaveNoWordsOfTheirOwn(t *testing.T) {
	files, err := filepath.Glob("../assets/scripts/*.js")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	quoted := regexp.MustCompile(`(?m)"([^"\n]*)"`)
	comment := regexp.MustCompile(`(?m)^\s*//.*$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(comment.ReplaceAllString(string(text), ""), -1) {
			if m[1] != "use strict" && wordy.MatchString(m[1]) && !strings.ContainsAny(m[1], "[]<>") {
				t.Errorf("%s: %q belongs into assets/words", filepath.Base(file), m[1])
			}
		}
	}
}

func TestGoHasNoWordsOfItsOwn(t *testing.T) {
	for _, s := range sources(t) {
		if !slices.Contains(spoken, s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec, *ast.Field:
				return false
			case *ast.FuncDecl:
				return n.Recv == nil || n.Name.Name != "Error" // an error, to the log
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr:
					name = f.Sel.Name
				case *ast.Ident:
					name = f.Name
				}
				return !slices.Contains(unspoken, name)
			case *ast.BasicLit:
				text, err := strconv.Unquote(n.Value)
				if n.Kind != token.STRING || err != nil || exact.MatchString(text) {
					return true
				}
				found := []string{text}
				if strings.HasPrefix(text, "<") {
					found = wordsOfHTML(verbs.ReplaceAllString(text, "0"))
				}
				for _, text := range found {
					if wordy.MatchString(text) {
						t.Errorf("%s: %q belongs into assets/words", s.path, text)
					}
				}
			}
			return true
		})
	}
}

// TestEveryMessageIsThereAndSaid holds the ids in code and pages against those of the
// catalogue. An id that is put together begins with a literal that ends in a dot or a
// dash.
func TestEveryMessageIsThereAndSaid(t *testing.T) {
	there := map[string]bool{}
	files, err := filepath.Glob("../assets/words/en/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	topic := map[string]bool{}
	for _, file := range files {
		var all map[string]any
		if _, err := toml.DecodeFile(file, &all); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		topic[name] = true
		idsOf(name, all, there)
	}
	said, begun := map[string]bool{}, []string{}
	note := func(where, id string) {
		if name, _, _ := strings.Cut(id, "."); !topics.MatchString(id) && id != name+"." || !topic[name] {
			return
		}
		if strings.HasSuffix(id, ".") || strings.HasSuffix(id, "-") {
			begun = append(begun, id)
			return
		}
		said[id] = true
	}
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					note(s.path, text)
				}
			}
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 0 {
				f, selected := call.Fun.(*ast.SelectorExpr)
				lit, literal := call.Args[0].(*ast.BasicLit)
				if selected && literal && (f.Sel.Name == "Say" || f.Sel.Name == "Mark") {
					if id, err := strconv.Unquote(lit.Value); err == nil && !there[id] {
						t.Errorf("%s says %q, which is not in assets/words", s.path, id)
					}
				}
			}
			return true
		})
	}
	pages, err := filepath.Glob("../assets/pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`\b(say|mark) "([^"]+)"`)
	quoted := regexp.MustCompile(`"([^"\s]+)"`)
	for _, file := range pages {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			if !there[m[2]] {
				t.Errorf("%s says %q, which is not in assets/words", filepath.Base(file), m[2])
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			note(file, m[1])
		}
	}
	for id := range there {
		if !said[id] && !slices.ContainsFunc(begun, func(b string) bool { return strings.HasPrefix(id, b) }) {
			t.Errorf("nobody says %q", id)
		}
	}
}

// idsOf collects the ids of the messages under name: a text, or one for each plural.
func idsOf(name string, all map[string]any, there map[string]bool) {
	for key, value := range all {
		switch value := value.(type) {
		case string:
			there[name+"."+key] = true
		case map[string]any:
			if _, plural := value["other"].(string); plural {
				there[name+"."+key] = true
			} else {
				idsOf(name+"."+key, value, there)
			}
		}
	}
}
