package assistant_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"financial-command-center/server/assistant"
)

// A line that is too long is answered, and what comes after it is as well.
func TestALineThatIsTooLongIsNotTheEnd(t *testing.T) {
	long := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"` + strings.Repeat("a", 3<<20) + `"}}`
	const hello = `{"jsonrpc":"2.0","id":2,"method":"initialize"}`
	for name, in := range map[string]string{"in the middle": hello + "\n" + long + "\r\n" + hello, "at the end": hello + "\n" + hello + "\n" + long} {
		var out bytes.Buffer
		bridge := assistant.Bridge{In: strings.NewReader(in), Out: &out, Find: func(context.Context) (assistant.Way, error) {
			return assistant.Way{}, errors.New("none here")
		}}
		if err := bridge.Run(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		said := out.String()
		if strings.Count(said, "\n") != 3 || strings.Count(said, `"code":-32600`) != 1 || strings.Count(said, `"id":null`) != 1 || strings.Count(said, `"id":2`) != 2 || !strings.Contains(said, "up to 1 MiB") {
			t.Errorf("%s:\n%s", name, said)
		}
	}
}
