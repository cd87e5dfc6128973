package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"financial-command-center/server"
	"financial-command-center/server/store"
)

// A described is /openapi.json as it was given out.
type described struct {
	*openapi3.T
	router routers.Router
	met    map[string]bool // operations and statuses that a test has come upon
}

func (b *bench) described(key string) described {
	b.t.Helper()
	g := b.ask(ask{path: "/openapi.json", key: key})
	doc, err := openapi3.NewLoader().LoadFromData([]byte(g.body))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		b.t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		b.t.Fatal(err)
	}
	return described{doc, router, map[string]bool{}}
}

func (d described) operations() (all []string) {
	for path, item := range d.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

func init() { // what is no JSON is read as it is
	for _, kind := range []string{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/csv", "text/event-stream", "text/html"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
}

// check asks, and holds what comes against the description.
func (d described) check(b *bench, a ask, want int) got {
	b.t.Helper()
	sent := ""
	if a.body != nil {
		text, _ := io.ReadAll(a.body)
		sent, a.body = string(text), strings.NewReader(string(text))
	}
	g := b.patiently(a)
	if g.status != want {
		b.t.Errorf("%s %s: %d %.300s, want %d", a.method, a.path, g.status, g.body, want)
		return g
	}
	if sent != "" {
		a.body = strings.NewReader(sent)
	}
	r := b.request(a)
	r.URL, _ = url.Parse(b.BaseURL() + a.path)
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		b.t.Errorf("%s %s: %v", a.method, a.path, err)
		return g
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.EnableFormatValidation()},
	}
	request := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if want < 400 {
		if err := openapi3filter.ValidateRequest(context.Background(), request); err != nil {
			b.t.Errorf("%s %s is not as described: %v", a.method, a.path, err)
		}
	}
	if route.Operation.Responses.Value(fmt.Sprint(want)) == nil {
		b.t.Errorf("%s %s: %d is not described", a.method, a.path, want)
	}
	response := &openapi3filter.ResponseValidationInput{RequestValidationInput: request, Status: g.status, Header: g.header, Options: options}
	if err := openapi3filter.ValidateResponse(context.Background(), response.SetBodyBytes([]byte(g.body))); err != nil {
		b.t.Errorf("what %s %s answers is not as described: %v\n%.500s", a.method, a.path, err, g.body)
	}
	d.met[fmt.Sprintf("%s %s %d", route.Method, route.Path, want)] = true
	return g
}

func TestEveryAddressForProgramsIsDescribedAndNoOther(t *testing.T) {
	b := newBench(t).opened()
	d := b.described(b.addKey(store.Key{Name: "reader"}))
	routes := b.ForPrograms()
	slices.Sort(routes)
	if described := d.operations(); !slices.Equal(described, routes) {
		t.Errorf("described are\n%s\nthe routes are\n%s", strings.Join(described, "\n"), strings.Join(routes, "\n"))
	}
	if d.Servers[0].URL != b.BaseURL() || d.Info.Version != "test" {
		t.Errorf("of %s at %s", d.Info.Version, d.Servers[0].URL)
	}
	var codes []string
	for _, code := range d.Components.Schemas["Code"].Value.Enum {
		codes = append(codes, code.(string))
	}
	known := server.Codes()
	slices.Sort(known)
	if !slices.Equal(codes, known) {
		t.Errorf("the codes are described as %v, there are %v", codes, known)
	}
}

// What is FCC's own has no fields that are not described; else the answers below would
// be held against nothing.
func TestTheDescriptionLeavesNoRoomForOtherFields(t *testing.T) {
	b := newBench(t).opened()
	g := b.ask(ask{path: "/openapi.json", key: b.addKey(store.Key{Name: "reader"})})
	var doc any
	if err := json.Unmarshal([]byte(g.body), &doc); err != nil {
		t.Fatal(err)
	}
	open := 0
	var walk func(string, any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
				foreign := strings.Contains(at, "/Connection") || strings.Contains(at, "/mcp/")
				switch {
				case foreign:
					open++
				case v["additionalProperties"] != false:
					t.Errorf("%s may have other fields", at)
				}
			}
			for name, inner := range v {
				walk(at+"/"+name, inner)
			}
		case []any:
			for _, inner := range v {
				walk(at, inner)
			}
		}
	}
	walk("", doc)
	if want := 1 + 2*strings.Count(g.body, `"/mcp"`); open != want {
		t.Errorf("%d objects are of others' shape, want %d", open, want)
	}
}

func TestAnswersAreAsTheyAreDescribed(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	key := b.addKey(store.Key{Name: "reader"})
	d := b.described(key)
	ofCafé := map[string]string{"xero-tenant-id": b.tenant(café)}
	const mcp = "POST /mcp"
	about := func(method, path string) ask {
		a := ask{method: method, path: path}
		if method+" "+path == mcp {
			a.header = map[string]string{"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
			a.body = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`)
		}
		return a
	}
	type operation struct {
		method, path string
		takesKey     bool
		ofBooks      bool // a program has to name the organisation
	}
	var all []operation
	for _, name := range d.operations() {
		method, path, _ := strings.Cut(name, " ")
		o := d.Paths.Value(path).GetOperation(method)
		of := operation{method, path, path != "/events", false}
		for _, p := range o.Parameters {
			of.ofBooks = of.ofBooks || p.Value.Name == "xero-tenant-id"
		}
		all = append(all, of)
	}
	// Before the sign-in, and refused by the guard.
	for _, o := range all {
		if o.path != "/health" {
			d.check(b, about(o.method, o.path), 401)
			foreign := about(o.method, o.path)
			foreign.origin, foreign.key = "https://elsewhere.example", key
			d.check(b, foreign, 403)
		}
		elsewhere := about(o.method, o.path)
		elsewhere.host, elsewhere.key = "elsewhere.example", key
		d.check(b, elsewhere, 421)
		if o.ofBooks {
			early := about(o.method, o.path)
			early.key = key
			d.check(b, early, 503)
		}
	}
	d.check(b, ask{path: "/api/status", key: key}, 200)
	cookie := b.signIn(b.visit())
	for _, o := range all {
		a := about(o.method, o.path)
		if o.takesKey {
			a.key = key
		} else {
			a.cookie = cookie
		}
		if o.ofBooks {
			if g := d.check(b, a, 400); g.code != "tenant_required" || !strings.Contains(g.body, `"organisations"`) {
				t.Errorf("%s: %s", o.path, g.body)
			}
			a.header = ofCafé
		}
		if g := d.check(b, a, 200); strings.HasPrefix(o.path, "/api/table/") && !strings.Contains(g.body, `"rows": [`+"\n    {") {
			t.Errorf("%s has no rows to be checked: %.300s", o.path, g.body)
		}
		if strings.HasPrefix(o.path, "/api/table/") {
			a.path += "?format=csv&page_size=2"
			d.check(b, a, 200)
		}
	}
	// With more than the usual in them.
	d.check(b, ask{path: "/health"}, 200)
	d.check(b, ask{path: "/health", page: true, cookie: cookie}, 200)
	d.check(b, ask{path: "/api/status", cookie: cookie}, 200)
	d.check(b, ask{path: "/metrics?names=1", key: key}, 200)
	d.check(b, ask{path: "/metrics?names=perhaps", key: key}, 400)
	d.check(b, ask{path: "/api/xero/invoices?limit=none", key: key, header: ofCafé}, 400)
	d.check(b, ask{path: "/api/table/invoices?status=PAID&type=ACCREC&from=2020-01-01&to=2040-01-01&page=1&page_size=3", key: key, header: ofCafé}, 200)
	d.check(b, ask{path: "/api/table/invoices?colour=red", key: key, header: ofCafé}, 400)
	wishes := map[string]string{"xero-tenant-id": b.tenant(café), "X-FCC-Max-Age": "600", "X-FCC-Stale": "allow", "X-FCC-Max-Wait": "60"}
	d.check(b, ask{path: "/api/table/contacts", key: key, header: wishes}, 200)
	d.check(b, ask{path: "/api/xero/contacts", key: key, header: wishes}, 200)
	d.check(b, ask{path: "/api/dashboard", key: key, header: wishes}, 200)
	d.check(b, ask{path: "/api/xero/contacts", key: key, header: map[string]string{"X-FCC-Max-Age": "old"}}, 400)
	d.check(b, ask{path: "/api/dashboard?tenant=" + b.tenant(kauri), cookie: cookie}, 200)
	for _, o := range all {
		if name := o.method + " " + o.path + " 200"; !d.met[name] {
			t.Errorf("%s was not met", name)
		}
	}
}

func TestErrorsAreAsTheyAreDescribed(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "reader"})
	d := b.described(key)
	d.check(b, ask{path: "/api/dashboard", key: key, header: map[string]string{"xero-tenant-id": "00000000-0000-0000-0000-000000000000"}}, 400)
	locked := b.addKey(store.Key{Name: "locked", Tenants: []string{b.tenant(café)}})
	if g := d.check(b, ask{path: "/api/dashboard", key: locked, header: map[string]string{"xero-tenant-id": b.tenant(kauri)}}, 403); g.code != "tenant_not_allowed" {
		t.Errorf("another's organisation: %s", g.body)
	}
	few := b.addKey(store.Key{Name: "few", Daily: 1})
	d.check(b, ask{path: "/connections", key: few}, 200)
	if g := d.check(b, ask{path: "/connections", key: few}, 429); g.code != "key_limit" || g.header.Get("Retry-After") == "" {
		t.Errorf("a day's calls are used up: %v %s", g.header, g.body)
	}
	large := ask{method: "POST", path: "/mcp", key: key, header: map[string]string{"Content-Type": "application/json"}, body: strings.NewReader(strings.Repeat("x", 2<<20))}
	if g := d.check(b, large, 413); g.code != "too_large" {
		t.Errorf("a message that is too large: %s", g.body)
	}
}

// Each filter lists the values that it takes: those and no others.
func TestFiltersListTheValuesThatTheyTake(t *testing.T) {
	b := newBench(t, withScopes()).opened()
	b.signIn(b.visit(), café)
	key := b.addKey(store.Key{Name: "reader"})
	d := b.described(key)
	lists := map[string][]string{} // by path and name
	for path, item := range d.Paths.Map() {
		for _, o := range item.Operations() {
			for _, p := range o.Parameters {
				schema := p.Value.Schema.Value
				if p.Value.In != "query" || schema.Type.Is("integer") || schema.Type.Is("boolean") || schema.Format != "" {
					continue
				}
				values := schema.Enum
				if schema.Type.Is("array") {
					values = schema.Items.Value.Enum
				}
				if len(values) == 0 {
					t.Errorf("%s does not list the values of %s", path, p.Value.Name)
				}
				for _, value := range values {
					lists[path+"?"+p.Value.Name] = append(lists[path+"?"+p.Value.Name], value.(string))
					d.check(b, ask{path: path + "?" + p.Value.Name + "=" + value.(string), key: key}, 200)
				}
				if schema.Type.Is("array") {
					d.check(b, ask{path: path + "?" + p.Value.Name + "=" + strings.Join(lists[path+"?"+p.Value.Name], ","), key: key}, 200)
				}
				if !strings.HasPrefix(path, "/api/table/") || !schema.Type.Is("array") {
					continue
				}
				if g := d.check(b, ask{path: path + "?" + p.Value.Name + "=OTHER", key: key}, 400); !strings.Contains(g.body, strings.Join(lists[path+"?"+p.Value.Name], ", ")+".") {
					t.Errorf("%s lists %v of %s, the server says %s", path, lists[path+"?"+p.Value.Name], p.Value.Name, g.body)
				}
			}
		}
	}
	if len(lists) < 12 {
		t.Errorf("only %d lists: %v", len(lists), lists)
	}
	// What the Python original answered takes the statuses that there are.
	if of := lists["/api/xero/invoices?status"]; !slices.Equal(of, lists["/api/table/invoices?status"]) {
		t.Errorf("invoices are listed by %v", of)
	}
	var usual struct{ Filters struct{ Status string } }
	decode(t, b.ask(ask{path: "/api/xero/invoices", key: key}).body, &usual)
	described := d.Paths.Value("/api/xero/invoices").Get.Parameters.GetByInAndName("query", "status").Schema.Value.Default
	if want := strings.Split(usual.Filters.Status, ","); fmt.Sprint(described) != fmt.Sprint(want) {
		t.Errorf("usual are %v, described %v", want, described)
	}
}
