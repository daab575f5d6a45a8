package freshdeskfake

import (
	"html"
	"net/http"
	"slices"

	"parley/connectors/sdk/fake/staffpage"
)

func (s *server) showAll(w http.ResponseWriter, _ *http.Request) {
	var shown []staffpage.Ticket
	each(s, "tickets", func(t ticket) { shown = append(shown, s.shown(t)) })
	slices.Reverse(shown) // the newest first
	staffpage.Render(w, "Freshdesk", s.env.BaseURL(), shown)
}

func (s *server) showOne(w http.ResponseWriter, r *http.Request) {
	t, err := s.ticket((&call{r: r}).id())
	if err != nil {
		http.NotFound(w, r)
		return
	}
	staffpage.Render(w, "Freshdesk", s.env.BaseURL(), []staffpage.Ticket{s.shown(t)})
}

func (s *server) shown(t ticket) staffpage.Ticket {
	out := staffpage.Ticket{ID: key(t.ID), Subject: t.Subject, Status: statuses[t.Status], Priority: priorities[t.Priority],
		Lines: []staffpage.Line{{Who: s.name(t.Requester), Text: plain(t.Description)}}}
	if t.Responder != nil {
		out.Assignee = s.name(*t.Responder)
	}
	for _, n := range s.notes(t.ID) {
		line := staffpage.Line{Who: s.name(n.User), Text: n.Text, Note: n.Private}
		for _, f := range n.Files {
			line.Files = append(line.Files, f.Name)
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

// act does what the page's form asks.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	action, said := r.PostFormValue("action"), r.PostFormValue("text")
	id, me := (&call{r: r}).id(), int64(staffAgent)
	s.mu.Lock()
	defer s.mu.Unlock()
	var err *problem
	switch status := slices.Index(staffpage.Statuses, action) + 2; {
	case status >= 2:
		_, err = s.change(id, change{Status: &status})
	case action == "take":
		_, err = s.change(id, change{Responder: &me})
	case (action == "reply" || action == "note") && said != "":
		body := newNote{Body: "<div>" + html.EscapeString(said) + "</div>"}
		_, err = s.say(id, body, action == "note", map[string]int{"note": 2}[action], me)
	default:
		http.Error(w, "action must be reply or note, with a text, take, or a status", http.StatusBadRequest)
		return
	}
	if err != nil {
		http.Error(w, "there is no such ticket", err.status)
		return
	}
	http.Redirect(w, r, s.env.BaseURL()+"/agent", http.StatusSeeOther)
}
