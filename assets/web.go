package assets

import "embed"

// Pages are the templates of the local web pages: layout.html, part-*.html with what
// several pages have, and one file for each page, which defines "main".
//
//go:embed pages/*.html
var Pages embed.FS

// Static are the files given out under /assets/ by their names.
//
//go:embed static
var Static embed.FS

// Styles and Scripts are given out in one piece each, /assets/style.css and
// /assets/app.js, in the order of their names.
//
//go:embed styles/*.css
var Styles embed.FS

//go:embed scripts/*.js
var Scripts embed.FS

// PowerQuery is the text by which a workbook reads a table, a text/template.
//
//go:embed excel/table.pq
var PowerQuery string
