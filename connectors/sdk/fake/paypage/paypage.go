// Package paypage is the payment page that fakes of payment providers show: what
// is paid for, and buttons that pay and decline. It posts a form with action=pay
// or action=decline to its own address.
package paypage

import (
	_ "embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// State is what a visitor of the page is told.
type State string

const (
	Open     State = "open"
	Paid     State = "paid"     // just now
	Declined State = "declined" // and may be tried again
	Done     State = "done"     // paid before: nothing was charged
	Closed   State = "closed"   // deactivated
	Unknown  State = "unknown"
)

// Status is the HTTP status that answers the page's form in that state.
func (s State) Status() int {
	return map[State]int{
		Open: http.StatusOK, Paid: http.StatusOK, Declined: http.StatusPaymentRequired,
		Done: http.StatusConflict, Closed: http.StatusGone, Unknown: http.StatusNotFound,
	}[s]
}

// View is what the page shows. Texts are escaped.
type View struct {
	State                              State
	Total, Description, SuccessMessage string
	Lines                              []Line
}

// Line is one item that is paid for.
type Line struct {
	Title, Total string
	Quantity     int64
}

// Render answers with the page.
func Render(w http.ResponseWriter, status int, v View) {
	var out strings.Builder
	if err := page.Execute(&out, v); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(out.String())) // a visitor who has gone is no concern of the fake
}
