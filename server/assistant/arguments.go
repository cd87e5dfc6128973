package assistant

import (
	"context"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"financial-command-center/assets/words"
)

// choices are what arguments of few values can be, by name.
var choices = map[string][]string{
	"class":     {"ASSET", "EQUITY", "EXPENSE", "LIABILITY", "REVENUE"},
	"direction": {"received", "spent"},
	"kind":      {"sale", "bill"},
	"role":      {"customer", "supplier"},
	"side":      {"owed_to_us", "we_owe"},
	"statuses":  {"DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED"},
}

// oneOf refuses an argument that is neither empty nor one of its choices.
func oneOf(name, value string) error {
	if value == "" || slices.Contains(choices[name], value) {
		return nil
	}
	return wrong(words.Say("assistant.no-value", "Argument", name, "Value", said(value)), words.Say("assistant.values", "Values", strings.Join(choices[name], ", ")))
}

// telling adds to lists of tools what their arguments can be. The SDK does not hold calls
// to it: the tools refuse in words, and take an empty text for one that is left out.
func telling(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
		answer, err := next(ctx, method, r)
		if list, ok := answer.(*mcp.ListToolsResult); ok && err == nil {
			for n, t := range list.Tools {
				told := *t
				told.InputSchema = bounded(t.InputSchema.(*jsonschema.Schema))
				list.Tools[n] = &told
			}
		}
		return answer, err
	}
}

func bounded(of *jsonschema.Schema) *jsonschema.Schema {
	s := of.CloneSchemas()
	for name, p := range s.Properties {
		switch name {
		case "limit":
			p.Minimum, p.Maximum = new(1.0), new(float64(mostPage))
		case "days_late_at_least":
			p.Minimum = new(1.0)
		case "from", "to", "at", "date", "due_date":
			p.Format = "date"
		case "contact_id":
			p.Format = "uuid"
		case "lines":
			p.Types, p.Type = nil, "array"
			p.MinItems, p.MaxItems = new(1), new(mostPage)
		case "idempotency_key":
			p.MaxLength = new(mostKey)
		}
		if p.Items != nil {
			p = p.Items
		}
		for _, one := range choices[name] {
			p.Enum = append(p.Enum, one)
		}
	}
	return s
}
