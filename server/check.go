package server

import "time"

// A Finding says how a check went.
type Finding string

// The findings.
const (
	FoundWell    Finding = "ok"
	FoundWarning Finding = "warning" // FCC works, and somebody should look
	FoundBad     Finding = "failed"
)

// A Check is one part of FCC looked at: what was found, since when where that is
// known, and what to do unless all is well.
type Check struct {
	Name   string     `json:"name"`
	Status Finding    `json:"status"`
	Found  string     `json:"found"`
	Since  *time.Time `json:"since,omitempty"`
	Action string     `json:"action,omitempty"`

	who  string // whose sign-in it is about: the end of Name
	mend button // what does Action, on a page; none where a page cannot
}
