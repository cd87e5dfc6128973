package xero

import "fmt"

// An Error has two voices: Problem for the person, Err for the log. Neither
// holds a secret.
type Error struct {
	Problem
	Err error // optional
}

func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Code)
	}
	return fmt.Sprintf("%s: %v", e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }
