package onfidofake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/fake/dashboard"
)

// announce sends one event to every webhook of the account. Onfido keeps no order,
// so none is asked for. Classic events have an object only, those of workflows a
// resource too (payload version 3).
func (s *server) announce(owner, kind, action string, o object) {
	told := object{"id": o.text("id"), "status": o.text("status"), "href": s.env.BaseURL() + o.text("href")}
	if at := o.text("completed_at"); at != "" {
		told["completed_at_iso8601"] = at
	}
	payload := object{"resource_type": kind, "action": action, "object": told}
	if strings.HasPrefix(kind, "workflow_") {
		resource := object{}
		for k, v := range o {
			if k != "sdk_token" && k != "href" && k != "completed_at" {
				resource[k] = v
			}
		}
		payload["resource"] = resource
	}
	body := encode(object{"payload": payload})
	for _, a := range s.env.Accounts() {
		conf := accountOf(a)
		if conf.APIToken != owner {
			continue
		}
		mac := hmac.New(sha256.New, []byte(firstSecret(conf.WebhookSecret)))
		mac.Write(body)
		s.env.Deliver(fake.Delivery{URL: a.Hook, Body: body, Header: http.Header{
			"Content-Type":     {"application/json"},
			"User-Agent":       {"Onfido-Webhooks/1.0"},
			"X-Sha2-Signature": {hex.EncodeToString(mac.Sum(nil))},
		}})
	}
}

func firstSecret(list string) string {
	secret, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(secret)
}

// act does what an applicant or a reviewer does.
func (s *server) act(w http.ResponseWriter, r *http.Request) {
	kind, id, action := r.PathValue("kind"), r.PathValue("id"), r.PostFormValue("action")
	known := false
	for _, e := range events {
		known = known || e.kind == kind && slices.Contains(e.names, action)
	}
	if !known || !s.env.State().Get(kind, id, &record{}) {
		http.NotFound(w, r)
		return
	}
	switch {
	case action == "task":
		s.task(id)
	case kind == "workflow_runs":
		s.finishRun(id, action)
	case action == "clear" || action == "consider":
		s.finishCheck(id, action)
	default:
		s.move(kind, id, action)
	}
	http.Redirect(w, r, s.env.BaseURL()+"/dashboard", http.StatusSeeOther)
}

// task begins and ends a task of a run.
func (s *server) task(run string) {
	var rec record
	if !s.env.State().Get("workflow_runs", run, &rec) {
		return
	}
	for _, status := range []string{"started", "completed"} {
		now := s.env.Now().UTC().Format(time.RFC3339)
		s.announce(rec.Owner, "workflow_task", "workflow_task."+status, object{"id": "profile_1", "status": status, "workflow_run_id": run,
			"applicant_id": rec.Object.text("applicant_id"), "task_def_id": "profile_data", "created_at": now, "updated_at": now})
	}
}

// events are what may be let happen to the objects of a kind.
var events = []struct {
	kind  string
	names []string
}{
	{"workflow_runs", []string{"approved", "declined", "review", "abandoned", "error", "task"}},
	{"checks", []string{"clear", "consider", "check.form_completed", "check.reopened", "check.withdrawn"}},
	{"reports", []string{"report.awaiting_approval", "report.resumed", "report.cancelled", "report.withdrawn"}},
}

func (s *server) dashboard(w http.ResponseWriter, _ *http.Request) {
	var rows []dashboard.Row
	for _, e := range events {
		s.env.State().Each(e.kind, func(id string, raw json.RawMessage) bool {
			var rec record
			if json.Unmarshal(raw, &rec) == nil {
				rows = append(rows, dashboard.Row{ID: e.kind + "/" + id, Status: strings.TrimSpace(rec.Object.text("status") + " " + rec.Object.text("result")), Events: e.names})
			}
			return true
		})
	}
	dashboard.Render(w, "Onfido", s.env.BaseURL(), rows)
}
