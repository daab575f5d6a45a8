package onfidofake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"

	"parley/connectors/sdk/fake"
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
	kind, id, action := r.PathValue("kind"), r.PathValue("id"), r.FormValue("action")
	switch {
	case kind == "workflow_runs" && action == "task":
		s.task(id)
	case kind == "workflow_runs" && (action == "approved" || action == "declined" || action == "review" || action == "abandoned" || action == "error"):
		s.finishRun(id, action)
	case kind == "checks" && (action == "clear" || action == "consider"):
		s.finishCheck(id, action)
	case kind == "checks" || kind == "reports":
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

var page = template.Must(template.New("").Parse(`<!doctype html><meta charset="utf-8"><title>Onfido (sandbox)</title>
<style>body{font:16px sans-serif;margin:2em}td,th{padding:.3em 1em;text-align:left}button{margin:.1em}</style><h1>Onfido</h1>
{{range .}}<h2>{{.Name}}</h2><table><tr><th>ID</th><th>status</th><th></th></tr>{{$kind := .Name}}{{$actions := .Actions}}
{{range .Objects}}{{$id := .id}}<tr><td>{{$id}}</td><td>{{.status}} {{.result}}</td><td>
{{range $actions}}<form method="post" action="dashboard/{{$kind}}/{{$id}}" style="display:inline"><button name="action" value="{{.}}">{{.}}</button></form>{{end}}</td></tr>{{end}}</table>{{end}}`))

// section is one kind of object on the dashboard.
type section struct {
	Name    string
	Actions []string
	Objects []object
}

func (s *server) dashboard(w http.ResponseWriter, _ *http.Request) {
	sections := []section{
		{Name: "workflow_runs", Actions: []string{"approved", "declined", "review", "abandoned", "error", "task"}},
		{Name: "checks", Actions: []string{"clear", "consider", "check.form_completed", "check.reopened", "check.withdrawn"}},
		{Name: "reports", Actions: []string{"report.awaiting_approval", "report.resumed", "report.cancelled", "report.withdrawn"}},
	}
	for i := range sections {
		s.env.State().Each(sections[i].Name, func(_ string, raw json.RawMessage) bool {
			var rec record
			if json.Unmarshal(raw, &rec) == nil {
				sections[i].Objects = append(sections[i].Objects, rec.Object)
			}
			return true
		})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, sections) // a browser that has gone away is no concern of the fake
}
