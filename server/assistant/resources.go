package assistant

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A report is a resource: the first page of the tool that gives it.
type report struct {
	path, title, text string
	days              []string // what may stand behind it, as parts of the path
	read              func(a *asking, ctx context.Context, organisation string, days []string) (any, error)
}

var reports = []report{
	{"profit-and-loss", "Profit and loss", "Of this month so far, or between two days.", []string{"from", "to"},
		func(a *asking, ctx context.Context, o string, days []string) (any, error) {
			return a.profit(ctx, profitIn{whose{o}, between{days[0], days[1]}, longest})
		}},
	{"balance-sheet", "Balance sheet", "At the end of this month, or of the month that a day is in.", []string{"at"},
		func(a *asking, ctx context.Context, o string, days []string) (any, error) {
			return a.balance(ctx, balanceIn{whose{o}, days[0], longest})
		}},
	{"bank-summary", "Bank summary", "Bank accounts, with what the books say is in them.", nil,
		func(a *asking, ctx context.Context, o string, _ []string) (any, error) {
			return a.bank(ctx, bankIn{whose{o}})
		}},
	{"owed-to-us", "Owed by customers", "By age, and by customer.", nil,
		func(a *asking, ctx context.Context, o string, _ []string) (any, error) {
			return a.ageing(ctx, ageingIn{whose{o}, "owed_to_us", longest})
		}},
	{"we-owe", "Owed to suppliers", "By age, and by supplier.", nil,
		func(a *asking, ctx context.Context, o string, _ []string) (any, error) {
			return a.ageing(ctx, ageingIn{whose{o}, "we_owe", longest})
		}},
	{"cash-flow", "Cash-flow outlook", "Cash, what falls due in eight weeks, and the last twelve months.", nil,
		func(a *asking, ctx context.Context, o string, _ []string) (any, error) {
			return a.outlook(ctx, outlookIn{whose{o}})
		}},
}

var longest = paged{Limit: mostPage}

// mostListed is of how many organisations the reports are listed one by one. Those of
// others are had by the templates.
const mostListed = 10

// addResources adds the reports: of each organisation by its id, and as templates.
func (a *asking) addResources() {
	const kind = "application/json"
	all := a.reached()
	for _, r := range reports {
		read := func(ctx context.Context, q *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
			return a.resource(ctx, r, q.Params.URI)
		}
		address := "fcc://{organisation}/" + r.path
		template := func(address string) {
			a.server.AddResourceTemplate(&mcp.ResourceTemplate{
				Name: r.path, Title: r.title, Description: r.text + " The organisation is its id.", MIMEType: kind, URITemplate: address,
			}, read)
		}
		template(address)
		if len(r.days) > 0 {
			template(address + "/{" + strings.Join(r.days, "}/{") + "}")
		}
		for _, o := range all[:min(len(all), mostListed)] {
			name := said(o.Name)
			a.server.AddResource(&mcp.Resource{
				Name: r.path + " " + name, Title: r.title + ", " + name, Description: r.text, MIMEType: kind, URI: "fcc://" + o.TenantID + "/" + r.path,
			}, read)
		}
	}
}

func (a *asking) resource(ctx context.Context, r report, address string) (*mcp.ReadResourceResult, error) {
	ctx, done := a.under(ctx)
	defer done()
	u, err := url.Parse(address)
	if err != nil {
		return nil, mcp.ResourceNotFoundError(address)
	}
	days := make([]string, len(r.days))
	copy(days, strings.Split(strings.Trim(u.Path, "/"), "/")[1:])
	answer, err := r.read(a, ctx, u.Host, days)
	if err != nil {
		return nil, a.protocolError(err)
	}
	text, err := inOrder(answer)
	if err != nil {
		return nil, err
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: address, MIMEType: "application/json", Text: text}}}, nil
}

// protocolError is a refusal where there is no tool whose answer it could be.
func (a *asking) protocolError(err error) error {
	problem := a.refusal(err).(refused).problem
	said := fmt.Sprintf("%s %s", problem.Message, problem.Action)
	if problem.Link != "" {
		said += " " + problem.Link
	}
	data, _ := json.Marshal(problem) // strings always marshal
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: said, Data: data}
}
