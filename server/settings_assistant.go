package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"financial-command-center/assets/words"
	"financial-command-center/server/assistant"
)

func (s *Server) assistantRoutes() []route {
	return []route{
		{pattern: "GET /settings/assistant", who: page, handle: s.assistantPage},
		{pattern: "GET /settings/assistant/change", who: page, handle: s.assistantChange},
		{pattern: "POST /settings/assistant/change", who: session, handle: s.changeAssistant},
	}
}

// assistantView is the page that connects an assistant.
type assistantView struct {
	Program string // the entry that assistants are
	Clients []assistantClient
	Command string // of others; "" where FCC enters itself nowhere
	Address string
}

type assistantClient struct {
	assistant.Client
	Here, Entered bool
	Lines         string // to paste
	Change        string // address of the page that shows the change
}

func (s *Server) assistantPage(w http.ResponseWriter, r *http.Request, c *call) error {
	entry := s.cfg.Host.Assistant
	v := assistantView{Program: AssistantName, Address: s.BaseURL() + "/mcp"}
	for _, one := range s.cfg.Host.Assistants {
		entered := one.Installed()
		do := "enter"
		if entered {
			do = "take-out"
		}
		v.Clients = append(v.Clients, assistantClient{
			one, entered || one.Present(), entered, one.Snippet(entry), "/settings/assistant/change?" + url.Values{"client": {one.Key}, "do": {do}}.Encode(),
		})
		v.Command = strings.Join(append([]string{quoted(entry.Command)}, entry.Args...), " ")
	}
	return s.render(w, r, c, http.StatusOK, "assistant", words.Say("assistant.page.title"), v)
}

func quoted(path string) string {
	if strings.Contains(path, " ") {
		return `"` + path + `"`
	}
	return path
}

// assistantPlan is a change that a form or a link asks for.
func (s *Server) assistantPlan(asked url.Values) (to assistant.Client, ch assistant.Change, err error) {
	for _, one := range s.cfg.Host.Assistants {
		if one.Key == asked.Get("client") {
			to = one
		}
	}
	switch do := asked.Get("do"); {
	case s.cfg.Mode == Demo:
		return to, ch, entersNowhere().offering(words.Say("assistant.page.title"), "/settings/assistant")
	case to.Key == "":
		return to, ch, notHere()
	case do == "take-out":
		ch, err = to.Uninstall(s.cfg.Host.Assistant)
	case do == "enter":
		ch, err = to.Install(s.cfg.Host.Assistant)
	default:
		return to, ch, fail(codeBadRequest)
	}
	back := func(f *failure) error {
		return f.because(err).offering(words.Say("assistant.page.title"), "/settings/assistant")
	}
	switch {
	case errors.Is(err, assistant.ErrUnclear):
		err = back(fail(codeBadRequest).saying(words.Say("assistant.not-settings"), words.Say("assistant.not-settings-do")))
	case err != nil:
		err = back(fail(codeStateUnavailable).saying(words.Say("assistant.not-written"), words.Say("assistant.not-written-do")))
	}
	return to, ch, err
}

// entersNowhere is what a demo says, which is thrown away.
func entersNowhere() *failure {
	return fail(codeNotFound).saying(words.Say("assistant.demo"), words.Say("assistant.demo-do"))
}

// changeView shows what would be done to an assistant's file.
type changeView struct {
	Client assistant.Client
	Do     string // "enter" or "take-out"
	Lines  []changedLine
	New    bool   // there is no file yet
	Seen   string // tells this change from another
	Backup string // where the file is kept as it is; "" where it is not
}

type changedLine struct{ Sign, Text string } // "+", "-" or ""

func (s *Server) assistantChange(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.showAssistantChange(w, r, c, r.URL.Query())
}

func (s *Server) showAssistantChange(w http.ResponseWriter, r *http.Request, c *call, asked url.Values) error {
	to, ch, err := s.assistantPlan(asked)
	if err != nil {
		return err
	}
	v := changeView{Client: to, Do: asked.Get("do"), Seen: seenChange(ch), New: ch.Before == nil}
	if ch.Before != nil && !to.Installed() {
		v.Backup = filepath.Base(to.Backup())
	}
	if !ch.None() {
		for _, line := range ch.Lines() {
			v.Lines = append(v.Lines, changedLine{strings.TrimSpace(line[:2]), line[2:]})
		}
	}
	return s.render(w, r, c, http.StatusOK, "assistant-change", words.Say("assistant.change."+v.Do, "Name", to.Name), v)
}

// seenChange is what a form brings back of the change that its page has shown.
func seenChange(ch assistant.Change) string {
	sum := sha256.Sum256(append(append(append([]byte{}, ch.Before...), 0), ch.After...))
	return hex.EncodeToString(sum[:])
}

// changeAssistant makes the change that was shown. Where the file is another by now, the
// change to that is shown first.
func (s *Server) changeAssistant(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	to, ch, err := s.assistantPlan(r.PostForm)
	if err != nil {
		return err
	}
	if r.PostForm.Get("seen") != seenChange(ch) {
		return s.showAssistantChange(w, r, c, r.PostForm)
	}
	if err := to.Apply(ch); err != nil {
		return fail(codeStateUnavailable).because(err).saying(words.Say("assistant.not-written"), words.Say("assistant.not-written-do")).
			offering(words.Say("assistant.page.title"), "/settings/assistant")
	}
	s.log.Info("assistant changed", "client", to.Key, "do", r.PostForm.Get("do"))
	done := "assistant.entered"
	if r.PostForm.Get("do") == "take-out" {
		done = "assistant.taken-out"
	}
	return s.settled(w, r, c, words.Say(done, "Name", to.Name), "/settings/assistant")
}
