package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

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
var troubles = []trouble{
	{xero.CodeNeedsLogin, "Nobody has signed in yet, or Xero has ended the sign-in: it was not used for 60 days, somebody disconnected FCC at Xero, or two programs used one sign-in.",
		[]string{"Press Sign in to Xero, on the start page or in the tray.", "Tick at Xero the organisations that you work with.", "If it comes back within days, see in Health when the renewals stopped."}},
	{xero.CodeLoginFailed, "Xero did not finish the sign-in: it was cancelled there, took longer than five minutes, or the app at Xero is not set up as FCC needs it.",
		[]string{"Sign in again.", "If Xero's own page shows an error, the page Set-up, Sign in, says what each means.", "If FCC says that the app looks like a Web app, paste its secret in Set-up, or make a Mobile or desktop app."}},
	{xero.CodeUnreachable, "The network is down, a proxy or a virus scanner is in the way, or Xero itself is in trouble.",
		[]string{"Open status.xero.com in a browser. If it does not load, the network is the cause.", "Wait: FCC tries again by itself, and pages show the figures that it has.", "In a company network, ask for xero.com to be let through without looking into it."}},
	{codeKeystoreUnavailable, "FCC keeps the sign-in in the keychain of this computer, and that is locked, turned off by a policy, or not there.",
		[]string{"Unlock the keychain if a window asks for its password. FCC goes on by itself.", "Without a keychain (a server, WSL), start FCC with --keystore file and a passphrase.", "fcc doctor says what was found."}},
	{xero.CodeTenantRequired, "You are signed in to several organisations, or to none, and FCC never guesses which one is meant. Pages say: Choose an organisation.",
		[]string{"Choose one on the page Organisations. The choice is kept with the browser.", "A program names one: xero-tenant-id with its key. fcc status lists the ids.", "If one is missing, sign in again and tick it. A demo company of Xero's starts anew every 28 days, with another id."}},
	{codeRateLimited, "Xero allows 60 calls a minute and 1,000 to 5,000 a day for each organisation, and they are used up.",
		[]string{"Wait for the time that is named. A minute's limit ends within the minute, a day's at its own hour.", "See in Activity which program makes the most calls."}},
	{codeWriteRefused, "The sign-in was given the right to read, not to write.",
		[]string{"Choose Bookkeeper in Set-up, What may FCC do.", "Sign in again: Xero asks for the wider right.", "If no program needs to write, nothing needs doing."}},
	{codeStateUnavailable, "The disk is full, or the data folder cannot be written, or its file state.db is damaged.",
		[]string{"Run fcc doctor: it names the folder and what is wrong.", "Make room, or make the folder writable. FCC goes on by itself.", "A damaged state.db is left as it is: stop FCC, move the file away, start FCC, and make the keys again."}},
	{codeOtherUser, "Several people are signed in to this computer, and each has an FCC of their own, on a port of its own.",
		[]string{"Start FCC under your own name: it takes the next free port.", "Use the icon in your own tray, not a bookmark of somebody else's port.", "For a program of another user, make a key with: fcc keys add NAME --any-user"}},
	{codeSessionRequired, "FCC lets in browsers of its own user. This one has not been here for seven days, or came through a proxy, or the system does not say whose it is.",
		[]string{"Open FCC from its icon in the tray, or run: fcc open", "Do not reach FCC through a tunnel or a proxy.", "If the browser forgets cookies when it closes, allow them for localhost."}},
	{codeTicketInvalid, "A one-time link works once, within ten minutes, so that nobody can use it after you.",
		[]string{"Get a new one from the tray, or run: fcc open"}},
	{xero.CodeBadState, "The page came back from a sign-in that FCC does not wait for: it was finished or cancelled already, took longer than ten minutes, or began elsewhere.",
		[]string{"Sign in again from FCC.", "Do not keep Xero's sign-in page as a bookmark."}},
	{xero.CodeAttemptsFull, "Eight sign-ins at Xero are open in this browser, and none has come back.",
		[]string{"Cancel them in Set-up, Sign in.", "Or finish one. Each ends by itself after ten minutes."}},
	{codeKeyRequired, "The address is for programs, which show a key of their own.",
		[]string{"Make a key on the page Programs, or with: fcc keys add NAME", "Send it as Authorization: Bearer fcc_… or as X-API-Key."}},
	{codeKeyReadOnly, "The key was made to read.", []string{"Make another that may write: fcc keys add NAME --write", "Revoke the old one if it is not needed any more."}},
	{codeTenantNotAllowed, "The key was made for one organisation, and the request names another.",
		[]string{"Leave xero-tenant-id out, or name the key's own.", "Make a key without --tenant for a program that needs several."}},
	{codeKeyLimit, "A program calls FCC more often than a key may.", []string{"Wait for the time in Retry-After.", "Have the program ask less often, or for more at once."}},
	{codeCrossSite, "A page of another web site opened or sent this. FCC does nothing for other sites before you have seen it.",
		[]string{"Press the button if it was you.", "If you did not expect it, close the page: nothing has happened."}},
	{codeBadHost, "FCC answers only at this computer's own addresses, so that no web site can pose as it.",
		[]string{"Use http://localhost and the port that FCC names.", "A name of your own in the hosts file, or another computer's address, does not work."}},
	{codeNotFound, "The address is misspelled, or of a version that is not this one.", []string{"Go to the start page.", "Addresses have one spelling: no doubled and no trailing slash."}},
	{codeMethodNotAllowed, "The address is there and takes other kinds of request.", []string{"See the Allow header of the answer."}},
	{codeBadRequest, "Something in the address or the form is missing or makes no sense.", []string{"Go back and try again.", "A program: compare what it sends with the description at /openapi.json."}},
	{codeTooLarge, "FCC's own addresses take up to 1 MiB. What is passed on to Xero has no limit here.", []string{"Send less at once."}},
	{codeDebugOff, "The addresses for looking into FCC are closed unless it was started for that.", []string{"Stop FCC and start it with: fcc --debug"}},
	{codeInternal, "A mistake in FCC.", []string{"Try again.", "Copy the report on the page Health and send it to who helps you, with what you did before.", "The log has more: fcc doctor names the file."}},
}

// A topic is what people ask that is no error.
type topic struct {
	ID, Title string
	Lines     []string
	InReadme  bool
}

var topics = []topic{
	{"antivirus", "If your antivirus complains", []string{
		"FCC is a new program that few have downloaded, listens on this computer and talks to Xero: some scanners call that suspicious.",
		"Compare the file with SHA256SUMS beside the download, then allow it. On Windows: Windows Security, Virus & threat protection, Protection history, Allow.",
		"If it looks into encrypted connections and FCC says that the connection to Xero is not safe, except xero.com from that.",
	}, true},
	{"wsl", "In WSL, or on a server without a desktop", []string{
		"There is no keychain: start FCC with --keystore file and set FCC_KEYSTORE_PASSPHRASE_FILE to a file that holds the passphrase.",
		"There is no browser: run fcc login, open its link on any computer, and paste the address that the browser ends at.",
		"A browser on Windows reaches an FCC in WSL at localhost, but Windows cannot be asked who is there: use the link of fcc open.",
	}, true},
	{"terminal-server", "On a terminal server, or with several people at one computer", []string{
		"Everybody has an FCC of their own: own sign-in, own keychain, own port. The second takes 18000, the third 28000: all three are redirect URIs of the app at Xero.",
		"With more than three at once, give each a port with --port and add its redirect URI at Xero.",
		"Other users of the computer see that FCC runs, and nothing else (other_user).",
	}, true},
	{"training", "Data from Xero and AI models", []string{
		"Xero's terms since March 2026: data from its API may not be used to train AI models.",
		"FCC trains nothing and sends your books to nobody. An assistant that you give a key reads them for you; whether its maker trains on what it reads is set with that maker. Turn it off there.",
	}, false},
	{"never", "What FCC never does", []string{
		"It never sees your Xero password.",
		"It never sends your books or your sign-in to anybody but Xero and the programs that you give a key.",
		"It never changes your books by itself: only a program with a key that may write does.",
		"It never answers other computers, or other web sites.",
	}, false},
}

type helpKey struct{ Keys, Does string }

// Key is one of the words of Keys.
func (k helpKey) Key() []string { return strings.Fields(k.Keys) }

var helpKeys = []helpKey{
	{"/", "to the search field"},
	{"g d", "Dashboard"}, {"g i", "Invoices"}, {"g c", "Contacts"}, {"g a", "Activity"}, {"g p", "Programs"},
	{"g h", "Health"}, {"g s", "Settings"}, {"g e", "Help"}, {"g o", "choose an organisation"},
	{"?", "the list of keys"},
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
	return s.render(w, r, c, http.StatusOK, "help", "Help", data)
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
