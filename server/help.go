package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

func (s *Server) helpRoutes() []route {
	return []route{{pattern: "GET /help", who: page, handle: s.help}}
}

// A trouble is what Help says about an error code: why it comes, and what to do, in
// this order. Its sentence is the one of the table of errors.
type trouble struct {
	Code  xero.Code
	Cause string
	Steps []string
}

// troubles has every code of the table of errors, those first that most people meet.
// Help and README's Troubleshooting are made from it.
var troubles = troublesOf(
	xero.CodeNeedsLogin, xero.CodeLoginFailed, xero.CodeUnreachable, codeKeystoreUnavailable,
	xero.CodeTenantRequired, codeRateLimited, codeWriteRefused, codeStateUnavailable, codeOtherUser,
	codeSessionRequired, codeTicketInvalid, xero.CodeBadState, xero.CodeAttemptsFull, codeKeyRequired,
	codeKeyReadOnly, codeTenantNotAllowed, codeKeyFamily, codeKeyLimit, codeCrossSite, codeBadHost, codeNotFound,
	codeMethodNotAllowed, codeBadRequest, codeTooLarge, codeDebugOff, codeInternal,
)

func troublesOf(codes ...xero.Code) (all []trouble) {
	for _, code := range codes {
		id := "help.trouble." + string(code)
		all = append(all, trouble{code, words.Say(id + ".cause"), strings.Split(words.Say(id+".steps"), "\n")})
	}
	return all
}

// A topic is what people ask that is no error.
type topic struct {
	ID, Title string
	Lines     []string
	InReadme  bool
}

var topics = []topic{
	topicOf("antivirus", true), topicOf("wsl", true), topicOf("terminal-server", true), topicOf("training", false), topicOf("never", false),
}

func topicOf(id string, inReadme bool) topic {
	return topic{id, words.Say("help.topic." + id + ".title"), strings.Split(words.Say("help.topic."+id+".lines"), "\n"), inReadme}
}

type helpKey struct{ Keys, Does string }

// Key is one of the words of Keys.
func (k helpKey) Key() []string { return strings.Fields(k.Keys) }

var helpKeys = []helpKey{
	{"/", words.Say("help.keys.search")},
	{"g d", words.Say("help.keys.dashboard")}, {"g i", words.Say("help.keys.invoices")},
	{"g c", words.Say("help.keys.contacts")}, {"g a", words.Say("help.keys.activity")},
	{"g p", words.Say("help.keys.programs")}, {"g h", words.Say("help.keys.health")},
	{"g s", words.Say("help.keys.settings")}, {"g e", words.Say("help.keys.help")},
	{"g o", words.Say("help.keys.organisation")}, {"?", words.Say("help.keys.keys")},
}

// helpEntry is a trouble with its sentence and what it asks for.
type helpEntry struct {
	trouble
	Sentence string
}

func helpEntries() (all []helpEntry) {
	for _, t := range troubles {
		all = append(all, helpEntry{t, answers[t.Code].message})
	}
	return all
}

// has reports whether the entry has every word of query.
func (e helpEntry) has(query string) bool {
	text := strings.ToLower(strings.Join(append([]string{string(e.Code), e.Sentence, e.Cause}, e.Steps...), " "))
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(query)), func(word string) bool { return !strings.Contains(text, word) })
}

// help is the page. ?q= leaves those of its troubles that have these words.
func (s *Server) help(w http.ResponseWriter, r *http.Request, c *call) error {
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	data := struct {
		Query   string
		Entries []helpEntry
		Topics  []topic
		Keys    []helpKey
		Places  []Place
	}{query, slices.DeleteFunc(helpEntries(), func(e helpEntry) bool { return !e.has(query) }), topics, helpKeys, s.cfg.Host.Places}
	return s.render(w, r, c, http.StatusOK, "help", words.Say("help.title"), data)
}

// Troubleshooting is README's section of that name, as Markdown.
func Troubleshooting() string {
	var b strings.Builder
	for _, e := range helpEntries() {
		fmt.Fprintf(&b, "<details><summary>%s <code>%s</code></summary>\n\n%s\n\n", e.Sentence, e.Code, e.Cause)
		for i, step := range e.Steps {
			fmt.Fprintf(&b, "%d. %s\n", i+1, step)
		}
		b.WriteString("\n</details>\n\n")
	}
	for _, t := range slices.DeleteFunc(slices.Clone(topics), func(t topic) bool { return !t.InReadme }) {
		fmt.Fprintf(&b, "**%s**\n\n", t.Title)
		for _, line := range t.Lines {
			fmt.Fprintf(&b, "- %s\n", line)
		}
		b.WriteString("\n")
	}
	return b.String()
}
