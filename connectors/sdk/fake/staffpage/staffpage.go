// Package staffpage is the page on which somebody plays the staff of a fake helpdesk:
// it lists tickets with what was said in them, and takes a reply, a note, a new status
// and an assignee. Each form posts to BASE/agent/tickets/ID with action=reply, note,
// take or a status, and text.
package staffpage

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed staffpage.html
var source string

var page = template.Must(template.New("staffpage").Parse(source))

// Ticket is a ticket as the staff sees it. Texts are escaped.
type Ticket struct {
	ID, Subject, Status, Priority, Assignee string
	Lines                                   []Line
}

// Line is something that was said; a note is for the staff alone.
type Line struct {
	Who, Text string
	Note      bool
	Files     []string
}

// Statuses are the actions that change a ticket's status.
var Statuses = []string{"open", "pending", "solved", "closed"}

// most is how many tickets are shown.
const most = 100

// Render answers with the page of a helpdesk whose fake is reached at base, the newest
// ticket first as the caller has them.
func Render(w http.ResponseWriter, provider, base string, tickets []Ticket) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = page.Execute(w, map[string]any{"Title": provider, "Base": base, "Statuses": Statuses, "Tickets": tickets[:min(len(tickets), most)]}) // the visitor may be gone
}
