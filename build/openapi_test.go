package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// describe writes a small description of every simulated operation, and Xero's
// licence beside it.
func describe(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`
info: {version: "1.2.3", description: prose}
servers: [{url: "https://api.example", description: prose}]
components:
  parameters:
    page: {in: query, name: page, explode: false, example: prose, schema: {type: integer, description: prose}}
  responses:
    "400Error": {description: prose, content: {application/json: {schema: {$ref: "#/components/schemas/Error"}, example: prose}}}
  schemas:
    Thing:
      description: prose
      type: object
      required: [Name]
      properties:
        Name: {type: string, maxLength: 255, description: prose, example: prose, x-kind: prose}
        Status: {type: string, enum: [ACTIVE, "NO"], default: prose}
        Parent: {$ref: "#/components/schemas/Thing"}
    Error: {type: object, properties: {Message: {type: string}}}
    Unreachable: {type: object, properties: {Secret: {type: string}}}
paths:
  /Unsimulated: {get: {responses: {"200": {description: prose}}}}
`)
	for path, methods := range simulated {
		b.WriteString("  " + path + ":\n    parameters: [{$ref: \"#/components/parameters/page\"}]\n")
		for _, method := range methods {
			b.WriteString("    " + method + ":\n      operationId: op\n      summary: prose\n      responses:\n" +
				`        "200": {description: prose, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}` + "\n" +
				`        "400": {$ref: "#/components/responses/400Error"}` + "\n")
		}
	}
	file := filepath.Join(t.TempDir(), "xero.yaml")
	for name, text := range map[string]string{file: b.String(), filepath.Join(filepath.Dir(file), "LICENSE"): "MIT, somebody's\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func TestOnlyFactsThatAreReachedAreKept(t *testing.T) {
	file := describe(t)
	got, err := reduce([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"prose", "Unreachable", "Unsimulated", "x-kind"} {
		if bytes.Contains(got, []byte(gone)) {
			t.Errorf("%s is still there", gone)
		}
	}
	for _, kept := range []string{
		"# MIT, somebody's", "go run ./build openapi", "xero.yaml 1.2.3", "explode: false", "maxLength: 255", `"NO"`, "#/components/schemas/Thing", "Message:",
	} {
		if !bytes.Contains(got, []byte(kept)) {
			t.Errorf("%s is gone", kept)
		}
	}
	for range 5 {
		if again, err := reduce([]string{file}); err != nil || !bytes.Equal(got, again) {
			t.Fatalf("made again it is another: %v", err)
		}
	}
}

func TestADescriptionThatLacksSomethingIsRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"an operation":       {"/Connections:", "/Connexions:"},
		"a method":           {"    delete:", "    remove:"},
		"a schema":           {"Error: {type", "Mistake: {type"},
		"what it can shrink": {"required: [Name]", "allOf: []"},
	} {
		file := describe(t)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		changed := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(text, changed) {
			t.Fatalf("no %s to change", change[0])
		}
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := reduce([]string{file}); err == nil {
			t.Errorf("it lacks %s and was reduced", name)
		}
	}
	file := describe(t)
	if err := os.Remove(filepath.Join(filepath.Dir(file), "LICENSE")); err != nil {
		t.Fatal(err)
	}
	if _, err := reduce([]string{file}); err == nil {
		t.Error("it lacks its licence and was reduced")
	}
	if err := openapi(nil); err == nil {
		t.Error("nothing was reduced")
	}
}
