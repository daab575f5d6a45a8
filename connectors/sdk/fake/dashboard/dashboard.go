// Package dashboard is the page on which the objects of a fake can be let happen
// to: what at the provider banks, people and time do. Each row's buttons post a
// form with action=EVENT to BASE/dashboard/ID.
package dashboard

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed dashboard.html
var source string

var page = template.Must(template.New("dashboard").Parse(source))

// Row is one object: its status, and the events that may be let happen to it.
type Row struct {
	ID, Status string
	Events     []string
}

// most is how many rows are shown.
const most = 200

// Render answers with the page of a provider whose fake is reached at base.
func Render(w http.ResponseWriter, provider, base string, rows []Row) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, map[string]any{"Title": provider, "Base": base, "Rows": rows[:min(len(rows), most)]}) // the visitor may be gone
}
