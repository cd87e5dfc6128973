package books

import (
	"fmt"
	"runtime/debug"
	"sync"

	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

// safely is do, with a panic made an error: above a goroutine of our own nobody recovers,
// as net/http does above a handler, and it would be the end of FCC. Like there, what do
// holds has to be given back by defer.
func (b *Books) safely(what, tenant string, do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			b.log.Error("panic", "what", what, "tenant", tenant, "value", v, "stack", string(debug.Stack()))
			err = &Trouble{Problem: problem(xero.CodeInternal, words.Say("errors.internal.message"), words.Say("errors.internal.action"))}
		}
	}()
	return do()
}

// Together does all at once, and returns when all are done. A panic in one becomes its
// caller's, with the trace of where it was: above that there is somebody who recovers.
func Together(all ...func()) {
	var (
		working sync.WaitGroup
		once    sync.Once
		failed  string
	)
	for _, do := range all {
		working.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					once.Do(func() { failed = fmt.Sprintf("%v\n%s", v, debug.Stack()) })
				}
			}()
			do()
		})
	}
	working.Wait()
	if failed != "" {
		panic(failed)
	}
}
