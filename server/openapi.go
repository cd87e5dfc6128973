package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"financial-command-center/assets"
	"financial-command-center/assets/words"
	"financial-command-center/server/xero"
)

func (s *Server) openapiRoutes() []route {
	return []route{{pattern: "GET /openapi.json", who: sessionOrKey, handle: s.giveDescription}}
}

// object is one of JSON.
type object = map[string]any

func refTo(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

// description is the local API as OpenAPI has it: what stands in assets/openapi, and what
// is written down here already: the tables, and the codes of errors.
func (s *Server) description() (object, error) {
	var d object
	if err := json.Unmarshal(assets.OpenAPI, &d); err != nil {
		return nil, err
	}
	d["servers"] = []any{object{"url": s.BaseURL()}}
	d["info"].(object)["version"] = s.cfg.Version
	d["externalDocs"].(object)["url"] = s.BaseURL() + "/developers"
	components := d["components"].(object)
	components["securitySchemes"].(object)["session"] = object{"type": "apiKey", "in": "cookie", "name": s.browsers.cookie, "description": words.Say("openapi.session")}
	components["responses"] = errorAnswers(components["schemas"].(object))
	paths := d["paths"].(object)
	for _, t := range tables {
		paths["/api/table/"+t.name] = object{"get": describeTable(t, components["schemas"].(object))}
	}
	return d, nil
}

// errorAnswers are the errors by their status, with the codes that each may have.
func errorAnswers(schemas object) object {
	byStatus, all := map[int][]string{}, []string{}
	for code, known := range answers {
		byStatus[known.status] = append(byStatus[known.status], string(code))
		all = append(all, string(code))
	}
	slices.Sort(all)
	schemas["Code"] = object{"type": "string", "enum": all}
	responses := object{}
	for status, codes := range byStatus {
		slices.Sort(codes)
		properties := object{"code": object{"type": "string", "enum": codes}, "message": object{"type": "string"}, "action": object{"type": "string"}}
		if slices.Contains(codes, string(xero.CodeTenantRequired)) {
			properties["organisations"] = object{"type": "array", "items": refTo("schemas", "Tenant")}
		}
		answer := object{
			"description": http.StatusText(status),
			"content": object{"application/json": object{"schema": closed(object{
				"error": closed(properties, "code", "message", "action"),
			}, "error")}},
		}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			answer["headers"] = object{"Retry-After": refTo("headers", "RetryAfter")}
		}
		responses[strconv.Itoa(status)] = answer
	}
	return responses
}

// closed is an object of these fields and no others.
func closed(properties object, required ...string) object {
	return object{"type": "object", "additionalProperties": false, "required": required, "properties": properties}
}

// describeTable is the operation of a table, and adds the schema of its rows.
func describeTable(t flatTable, schemas object) object {
	row, names := object{}, []string{}
	for _, c := range t.columns {
		row[c.Name] = columnSchemas[c.Type]
		names = append(names, c.Name)
	}
	schemas["row-"+t.name] = closed(row, names...)
	text := object{"type": "string"}
	number := object{"type": "integer", "minimum": 0}
	parameters := []any{}
	for _, name := range []string{"Organisation", "Tenant", "MaxAge", "Stale", "MaxWait"} {
		parameters = append(parameters, refTo("parameters", name))
	}
	for _, name := range t.filters {
		if can := t.values[name]; can == nil {
			parameters = append(parameters, refTo("parameters", "filter-"+name))
		} else {
			parameters = append(parameters, object{
				"name": name, "in": "query", "description": words.Say("openapi.filter." + name), "style": "form", "explode": false, // with commas between
				"schema": object{"type": "array", "items": object{"type": "string", "enum": can}},
			})
		}
	}
	for _, name := range []string{"Page", "PageSize", "Format"} {
		parameters = append(parameters, refTo("parameters", name))
	}
	responses := object{"200": object{
		"description": words.Say("openapi.rows"),
		"headers": object{
			"Age": refTo("headers", "Age"), "X-FCC-Source": refTo("headers", "Source"), "Link": refTo("headers", "Link"),
			"X-FCC-Budget-Day": refTo("headers", "BudgetDay"), "X-FCC-Budget-Minute": refTo("headers", "BudgetMinute"),
		},
		"content": object{
			"application/json": object{"schema": closed(object{
				"table": object{"type": "string", "enum": []string{t.name}}, "organisation": text, "tenant_id": text, "base_currency": text,
				"as_of": object{"type": "string", "format": "date-time"}, "page": number, "pages": number, "page_size": number, "rows_total": number,
				"rows": object{"type": "array", "items": refTo("schemas", "row-"+t.name)},
			}, "table", "organisation", "tenant_id", "base_currency", "as_of", "page", "pages", "page_size", "rows_total", "rows")},
			"text/csv": object{"schema": text},
		},
	}}
	for _, status := range []string{"400", "401", "403", "421", "429", "503", "504"} {
		responses[status] = refTo("responses", status)
	}
	return object{
		"operationId": "table-" + t.name, "tags": []string{"tables"}, "summary": words.Say("excel.about." + t.name),
		"parameters": parameters, "responses": responses,
	}
}

// columnSchemas are the types of columns. Of each there may be none in a row.
var columnSchemas = map[columnType]object{
	textColumn:  {"type": "string", "nullable": true},
	dayColumn:   {"type": "string", "format": "date", "nullable": true},
	moneyColumn: {"type": "number", "nullable": true},
	rateColumn:  {"type": "number", "nullable": true},
	countColumn: {"type": "integer", "nullable": true},
	truthColumn: {"type": "boolean", "nullable": true},
}

func (s *Server) giveDescription(w http.ResponseWriter, _ *http.Request, _ *call) error {
	d, err := s.description()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, d)
	return nil
}
