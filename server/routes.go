package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// An audience says who may call a route. The zero value is nobody, so that a row
// which forgets it is refused.
type audience int

const (
	nobody       audience = iota
	public                // anyone on this machine
	local                 // anyone but another OS user; the handler asks for more where it must
	ticket                // who brings a one-time ticket
	callback              // who brings the state of a sign-in
	page                  // a browser session, or the same OS user, whose visit starts one
	session               // a browser session
	sessionOrKey          // a browser session or a key
	key                   // a key
	debug                 // with --debug only: a browser session, or the same OS user
	control               // the commands; the handler asks for proof of the control key
)

// A route is one row of the table: the only way to a handler.
type route struct {
	pattern string // as in net/http.ServeMux; without a method all methods
	who     audience
	// handle answers, or returns an error and has written nothing. The call holds
	// what who asks for.
	handle func(w http.ResponseWriter, r *http.Request, c *call) error
	// xeros: what it answers with is Xero's, and for programs alone; see rules.
	xeros bool
	// stream: no limit on the body's size and no deadlines but the handler's own.
	stream bool
	// atHand answers what needs nobody else, before a stream's deadlines are lifted and
	// its key is watched; it reports whether it did. May be nil.
	atHand func(w http.ResponseWriter, r *http.Request, c *call) (bool, error)
	// once: the request does something that must not happen twice or by accident:
	// neither HEAD nor a browser's prefetch gets here.
	once bool
}

// routes is the table. Each file has the rows of its handlers.
func (s *Server) routes() []route {
	return slices.Concat(
		s.homeRoutes(),
		s.dashboardRoutes(),
		s.profileRoutes(),
		s.setupRoutes(),
		s.helpRoutes(),
		s.lookRoutes(),
		s.settingsRoutes(),
		s.programRoutes(),
		s.assistantRoutes(),
		s.secretRoutes(),
		s.activityRoutes(),
		s.iconRoutes(),
		s.loginRoutes(),
		s.oldRoutes(),
		s.staticRoutes(),
		s.healthRoutes(),
		s.eventRoutes(),
		s.apiRoutes(),
		s.invoiceRoutes(),
		s.contactRoutes(),
		s.exportRoutes(),
		s.tableRoutes(),
		s.excelRoutes(),
		s.openapiRoutes(),
		s.developerRoutes(),
		s.metricRoutes(),
		s.debugRoutes(),
		s.gatewayRoutes(),
		s.mcpRoutes(),
		s.approvalRoutes(),
		s.controlRoutes(),
	)
}

// mux is built from the rows alone. A path that has rows for some methods answers
// 405 to the others, and every other path 404; both in our words.
func (s *Server) mux(routes []route) (http.Handler, error) {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	gateway := map[string]http.Handler{} // by family
	for _, rt := range routes {
		if rt.who == nobody || rt.handle == nil {
			return nil, fmt.Errorf("route %q has no audience or no handler", rt.pattern)
		}
		mux.Handle(rt.pattern, s.enter(rt))
		if rt.xeros {
			gateway[familyOf(rt.pattern)] = s.enter(rt)
		}
		if method, path, ok := strings.Cut(rt.pattern, " "); ok {
			methods[path] = append(methods[path], method)
			if method == http.MethodGet && !rt.once {
				methods[path] = append(methods[path], http.MethodHead)
			}
		} else {
			methods[rt.pattern] = nil
		}
	}
	for path, allowed := range methods {
		if allowed != nil {
			slices.Sort(allowed)
			mux.Handle(path, s.enter(methodNotAllowed(path, slices.Compact(allowed))))
		}
	}
	for path := range methods {
		// ServeMux would redirect /a to the row /a/; what is not a row is 404.
		if bare := strings.TrimSuffix(path, "/"); bare != path && bare != "" {
			if _, taken := methods[bare]; !taken {
				mux.Handle(bare, s.enter(notFound))
			}
		}
	}
	if _, taken := methods["/"]; !taken {
		mux.Handle("/", s.enter(notFound))
	}
	// Nearly all that comes is for the gateway, and ServeMux would need an eighth of the
	// time of a kept answer to find that out.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if row := gateway[familyOf(r.URL.Path)]; row != nil {
			row.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}

func methodNotAllowed(path string, allowed []string) route {
	return route{pattern: path, who: local, handle: func(w http.ResponseWriter, r *http.Request, _ *call) error {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return fail(codeMethodNotAllowed)
	}}
}

var notFound = route{pattern: "/", who: local, handle: func(http.ResponseWriter, *http.Request, *call) error {
	return fail(codeNotFound)
}}
