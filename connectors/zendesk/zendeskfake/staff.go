package zendeskfake

import (
	"net/http"
	"slices"

	"parley/connectors/sdk/fake/staffpage"
)

func (s *server) showAll(w http.ResponseWriter, _ *http.Request) {
	var shown []staffpage.Ticket
	s.eachTicket(func(t ticket) { shown = append(shown, s.shown(t)) })
	slices.Reverse(shown) // the newest first
	staffpage.Render(w, "Zendesk", s.env.BaseURL(), shown)
}

func (s *server) showOne(w http.ResponseWriter, r *http.Request) {
	t, err := s.ticket((&call{r: r}).id())
	if err != nil {
		http.NotFound(w, r)
		return
	}
	staffpage.Render(w, "Zendesk", s.env.BaseURL(), []staffpage.Ticket{s.shown(t)})
}

func (s *server) shown(t ticket) staffpage.Ticket {
	out := staffpage.Ticket{ID: key(t.ID), Subject: t.Subject, Status: t.Status, Priority: text(t.Priority)}
	if t.Assignee != nil {
		u, _ := s.user(*t.Assignee)
		out.Assignee = u.Name
	}
	for _, a := range s.audits(t.ID) {
		for _, e := range a.Events {
			out.Lines = append(out.Lines, s.line(e))
		}
	}
	return out
}

// line is a comment as it was read from the state.
func (s *server) line(said object) staffpage.Line {
	author, _ := said["author_id"].(float64)
	u, _ := s.user(int64(author))
	body, _ := said["body"].(string)
	public, _ := said["public"].(bool)
	line := staffpage.Line{Who: u.Name, Text: body, Note: !public}
	files, _ := said["attachments"].([]any)
	for _, f := range files {
		if file, ok := f.(object); ok {
			name, _ := file["file_name"].(string)
			line.Files = append(line.Files, name)
		}
	}
	return line
}

// act does what the page's form asks.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	action, said := r.PostFormValue("action"), r.PostFormValue("text")
	var asked change
	public, me := action == "reply", int64(staffUser)
	switch {
	case slices.Contains(staffpage.Statuses, action):
		asked.Status = &action
	case action == "take":
		asked.Assignee = &me
	case (action == "reply" || action == "note") && said != "":
		asked.Comment = &newComment{Body: said, Public: &public}
	default:
		http.Error(w, "action must be reply or note, with a text, take, or a status", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	_, _, err := s.change((&call{r: r}).id(), asked, me)
	s.mu.Unlock()
	if err != nil {
		http.Error(w, err.Description, err.status)
		return
	}
	http.Redirect(w, r, s.env.BaseURL()+"/agent", http.StatusSeeOther)
}
