package whatsappfake

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk/fake/dashboard"
)

// draft is a template as it is submitted.
type draft struct {
	Name       string `json:"name"`
	Language   string `json:"language"`
	Category   string `json:"category"`
	Components []struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Example struct {
			Body [][]string `json:"body_text"`
		} `json:"example"`
	} `json:"components"`
}

// approval is a template that is kept, under WABA/name/language.
type approval struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Language string    `json:"language"`
	Category string    `json:"category"`
	Status   string    `json:"status"`
	Reason   string    `json:"rejected_reason,omitempty"`
	Made     time.Time `json:"made"`
}

// actions are what Meta does to templates, by the buttons of the dashboard.
var actions = map[string]struct{ event, reason string }{
	"approve": {"APPROVED", "NONE"},
	"reject":  {"REJECTED", "INVALID_FORMAT"},
	"pause":   {"PAUSED", "NONE"},
	"disable": {"DISABLED", "NONE"},
}

// recategorise is the button that turns a template into marketing.
const recategorise = "recategorise"

var templatePlaceholder = regexp.MustCompile(`\{\{\d+\}\}`)

// business finds the connection of a WhatsApp Business Account.
func (s *server) business(w http.ResponseWriter, r *http.Request) (waba string, ok bool) {
	waba = r.PathValue("number")
	for _, a := range s.env.Accounts() {
		if c := settingsOf(a); c.WABAID == waba {
			_, ok := s.authorised(w, r, c.PhoneNumberID)
			return waba, ok
		}
	}
	_, ok = s.authorised(w, r, waba)
	return waba, ok
}

func (s *server) submitTemplate(w http.ResponseWriter, r *http.Request) {
	waba, ok := s.business(w, r)
	if !ok {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var d draft
	if err != nil || json.Unmarshal(body, &d) != nil {
		fail(w, problem{100, "Invalid parameter"})
		return
	}
	if p := d.check(); p != nil {
		fail(w, *p)
		return
	}
	t := approval{ID: s.env.NextID("59422"), Name: d.Name, Language: d.Language, Category: d.Category, Status: "PENDING", Made: s.env.Now()}
	taken := false
	s.env.State().Update("templates", waba+"/"+d.Name+"/"+d.Language, func(old json.RawMessage) any {
		if taken = old != nil; taken {
			return old
		}
		return t
	})
	if taken {
		fail(w, problem{2388024, "There is already a template of this name in this language."})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": t.ID, "status": t.Status, "category": t.Category})
}

// check refuses what Meta does.
func (d draft) check() *problem {
	if d.Name == "" || d.Language == "" || !slices.Contains([]string{"MARKETING", "UTILITY", "AUTHENTICATION"}, d.Category) {
		return &problem{100, "Invalid parameter: name, language or category"}
	}
	bodies := 0
	for _, c := range d.Components {
		if c.Type != "BODY" {
			continue
		}
		bodies++
		holes, examples := len(templatePlaceholder.FindAllString(c.Text, -1)), 0
		if len(c.Example.Body) == 1 {
			examples = len(c.Example.Body[0])
		}
		if c.Text == "" || holes != examples {
			return &problem{100, "Invalid parameter: the body needs a text and an example for each placeholder"}
		}
	}
	if bodies != 1 {
		return &problem{100, "Invalid parameter: a template has one body"}
	}
	return nil
}

func (s *server) listTemplates(w http.ResponseWriter, r *http.Request) {
	waba, ok := s.business(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	lag, lagging := s.env.Fault("search_lag", "template_list")
	data := []approval{}
	s.eachTemplate(func(owner string, t approval) {
		if owner == waba && strings.HasPrefix(t.Name, q.Get("name")) && (q.Get("language") == "" || t.Language == q.Get("language")) &&
			!(lagging && s.env.Now().Sub(t.Made) < lag) {
			data = append(data, t)
		}
	})
	writeJSON(w, http.StatusOK, map[string]any{"data": data, "paging": map[string]any{"cursors": map[string]any{"before": "MAZDZD", "after": "MjQZD"}}})
}

func (s *server) deleteTemplate(w http.ResponseWriter, r *http.Request) {
	waba, ok := s.business(w, r)
	if !ok {
		return
	}
	q, gone := r.URL.Query(), false
	s.eachTemplate(func(owner string, t approval) {
		if owner == waba && t.Name == q.Get("name") && (q.Get("hsm_id") == "" || t.ID == q.Get("hsm_id")) {
			s.env.State().Delete("templates", waba+"/"+t.Name+"/"+t.Language)
			gone = true
		}
	})
	if !gone {
		fail(w, problem{100, "Invalid parameter: there is no such template"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"success": true})
}

// eachTemplate visits all templates, with the account that they belong to.
func (s *server) eachTemplate(visit func(waba string, t approval)) {
	s.env.State().Each("templates", func(key string, raw json.RawMessage) bool {
		waba, _, _ := strings.Cut(key, "/")
		var t approval
		if json.Unmarshal(raw, &t) == nil {
			visit(waba, t)
		}
		return true
	})
}

// templatesPage shows them, with what Meta may do to each.
func (s *server) templatesPage(w http.ResponseWriter, _ *http.Request) {
	rows := []dashboard.Row{}
	s.eachTemplate(func(_ string, t approval) {
		rows = append(rows, dashboard.Row{ID: t.ID, Status: t.Name + " (" + t.Language + "): " + t.Category + ", " + t.Status,
			Events: []string{"approve", "reject", "pause", "disable", recategorise}})
	})
	dashboard.Render(w, "WhatsApp's templates", s.env.BaseURL(), rows)
}

// act does to a template what a button of the page says, and tells of it.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	id, name := r.PathValue("id"), r.PostFormValue("action")
	action, known := actions[name]
	if !known && name != recategorise {
		http.Error(w, "there is no such action", http.StatusBadRequest)
		return
	}
	found := false
	s.eachTemplate(func(waba string, t approval) {
		if t.ID != id {
			return
		}
		found = true
		before := t.Category
		if known {
			t.Status, t.Reason = action.event, action.reason
		} else {
			t.Category = "MARKETING"
		}
		s.env.State().Put("templates", waba+"/"+t.Name+"/"+t.Language, t)
		s.tellTemplate(waba, before, t, known)
	})
	if !found {
		http.NotFound(w, r)
		return
	}
	http.Redirect(w, r, s.env.BaseURL()+"/dashboard", http.StatusSeeOther)
}

// tellTemplate sends the webhook of a change of status or category.
func (s *server) tellTemplate(waba, before string, t approval, status bool) {
	if _, silent := s.env.Fault("stop_pushing", "template"); silent {
		return
	}
	field, value := "template_category_update", map[string]any{"previous_category": before, "new_category": t.Category}
	if status {
		field, value = "message_template_status_update", map[string]any{"event": t.Status, "reason": t.Reason}
	}
	value["message_template_id"] = json.Number(strings.TrimLeft(digitsOnly(t.ID), "0"))
	value["message_template_name"], value["message_template_language"] = t.Name, t.Language
	for _, a := range s.env.Accounts() {
		if c := settingsOf(a); c.WABAID == waba {
			s.deliverField(a, field, value, "template/"+t.ID)
		}
	}
}

var nonDigit = regexp.MustCompile(`\D`)

func digitsOnly(s string) string { return nonDigit.ReplaceAllString(s, "") }
