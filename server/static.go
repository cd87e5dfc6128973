package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"time"

	"financial-command-center/assets"
)

func (s *Server) staticRoutes() []route {
	routes := []route{{pattern: "GET /favicon.ico", who: public, handle: static("favicon.ico", assets.Icon)}}
	for _, whole := range []struct {
		name  string
		parts fs.FS
	}{{"style.css", assets.Styles}, {"app.js", assets.Scripts}} {
		routes = append(routes, route{pattern: "GET /assets/" + whole.name, who: public, handle: static(whole.name, joined(whole.parts))})
	}
	files, _ := fs.Glob(assets.Static, "static/*") // the pattern is well formed
	for _, file := range files {
		data, _ := assets.Static.ReadFile(file) // it was just listed
		name := path.Base(file)
		routes = append(routes, route{pattern: "GET /assets/" + name, who: public, handle: static(name, data)})
	}
	return routes
}

// joined is all files below parts in one, in the order of their names.
func joined(parts fs.FS) []byte {
	var all []byte
	_ = fs.WalkDir(parts, ".", func(name string, d fs.DirEntry, _ error) error { // embedded: nothing fails
		if !d.IsDir() {
			part, _ := fs.ReadFile(parts, name)
			all = append(all, part...)
		}
		return nil
	})
	return all
}

// static gives out a file that browsers keep and ask about.
func static(name string, data []byte) func(http.ResponseWriter, *http.Request, *call) error {
	sum := sha256.Sum256(data)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request, _ *call) error {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		w.Header().Del("Set-Cookie") // what may be kept belongs to nobody
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
		return nil
	}
}
