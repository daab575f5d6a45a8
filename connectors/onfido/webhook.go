package onfido

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// Verify checks X-SHA2-Signature, the hexadecimal HMAC-SHA256 of the raw body with
// the webhook's token ("Webhook security"). Onfido signs no time, so that repeats are
// known by their ID alone.
func (c *connection) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if len(c.secrets) == 0 {
		return refuse("webhook_secret is not configured")
	}
	got, err := hex.DecodeString(req.Header.Get("X-SHA2-Signature"))
	if err != nil || len(got) == 0 {
		return refuse("the X-SHA2-Signature header is missing or not hexadecimal")
	}
	genuine := false
	for _, secret := range c.secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(req.Body)
		genuine = hmac.Equal(got, mac.Sum(nil)) || genuine
	}
	if !genuine {
		return refuse("no signature matches: the body was altered or webhook_secret is another webhook's")
	}
	return nil
}

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}

// RunNews is what a webhook tells of a workflow run. What the run gives is personal
// and not in it: workflow_run_get has it.
type RunNews struct {
	ID             string   `json:"id" doc:"Onfido's ID of the run."`
	Status         string   `json:"status" doc:"approved, declined, review, abandoned or error."`
	ApplicantID    string   `json:"applicant_id,omitempty" doc:"Whom it is about."`
	WorkflowID     string   `json:"workflow_id,omitempty" doc:"The workflow."`
	Reasons        []string `json:"reasons,omitempty" doc:"Why it ended as it did, in the workflow's own words."`
	CustomerUserID string   `json:"customer_user_id,omitempty" doc:"Your own identifier of the person."`
	CompletedAt    string   `json:"completed_at,omitempty" doc:"When it was completed (RFC 3339)."`
}

// TaskNews is what a webhook tells of a task of a workflow run.
type TaskNews struct {
	ID     string `json:"id" doc:"Onfido's ID of the task."`
	RunID  string `json:"workflow_run_id,omitempty" doc:"The run that it belongs to."`
	Task   string `json:"task_def_id,omitempty" doc:"What kind of task it is."`
	Status string `json:"status,omitempty" doc:"started or completed."`
}

// CheckNews is what a webhook tells of a check.
type CheckNews struct {
	ID          string `json:"id" doc:"Onfido's ID of the check."`
	Status      string `json:"status,omitempty" doc:"in_progress, awaiting_applicant, complete, withdrawn, paused or reopened."`
	CompletedAt string `json:"completed_at,omitempty" doc:"When it was completed (RFC 3339)."`
}

// ReportNews is what a webhook tells of a report.
type ReportNews struct {
	ID          string `json:"id" doc:"Onfido's ID of the report."`
	Status      string `json:"status,omitempty" doc:"awaiting_data, awaiting_approval, cancelled, complete or withdrawn."`
	CompletedAt string `json:"completed_at,omitempty" doc:"When it was completed (RFC 3339)."`
}

var triggers = []sdk.Trigger{
	same("workflow_run.completed", RunNews{}, "A workflow run has come to its end: approved, declined, to be reviewed, abandoned or in error."),
	same("workflow_task.started", TaskNews{}, "A task of a workflow run has begun."),
	same("workflow_task.completed", TaskNews{}, "A task of a workflow run is done."),
	same("check.started", CheckNews{}, "A check has begun."),
	same("check.form_completed", CheckNews{}, "The applicant has filled in Onfido's form."),
	same("check.completed", CheckNews{}, "All reports of a check are there."),
	same("check.reopened", CheckNews{}, "A check was opened again."),
	same("check.withdrawn", CheckNews{}, "A check was withdrawn."),
	same("report.completed", ReportNews{}, "A report is there. It does not say of which check; check.completed leads to whoever asked for it."),
	same("report.awaiting_approval", ReportNews{}, "A report waits for approval."),
	same("report.resumed", ReportNews{}, "A report goes on."),
	same("report.cancelled", ReportNews{}, "A report was cancelled."),
	same("report.withdrawn", ReportNews{}, "A report was withdrawn."),
}

// same is a trigger with the name that Onfido gives the event.
func same(name string, payload any, summary string) sdk.Trigger {
	return sdk.Trigger{Name: name, Source: []string{name}, Summary: summary, Payload: payload}
}

// event is the body of every webhook (schema webhook_event). Classic webhooks have
// no resource.
type event struct {
	Payload struct {
		Type   string `json:"resource_type"`
		Action string `json:"action"`
		Object struct {
			ID          string `json:"id"`
			Status      string `json:"status"`
			StartedAt   string `json:"started_at_iso8601"`
			CompletedAt string `json:"completed_at_iso8601"`
		} `json:"object"`
		Resource struct {
			ApplicantID    string   `json:"applicant_id"`
			WorkflowID     string   `json:"workflow_id"`
			RunID          string   `json:"workflow_run_id"`
			Task           string   `json:"task_def_id"`
			Status         string   `json:"status"`
			UpdatedAt      string   `json:"updated_at"`
			Reasons        []string `json:"reasons"`
			Tags           []string `json:"tags"`
			CustomerUserID string   `json:"customer_user_id"`
		} `json:"resource"`
	} `json:"payload"`
}

// Parse gives the one event of a webhook. Onfido numbers none: what is the same
// action on the same object at the same time is the same event.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var e event
	if json.Unmarshal(req.Body, &e) != nil || e.Payload.Action == "" {
		return nil, sdk.Invalidf("the body is no event of Onfido's")
	}
	p := &e.Payload
	at := firstOf(p.Object.CompletedAt, p.Resource.UpdatedAt, p.Object.StartedAt, p.Object.Status, p.Resource.Status)
	out := sdk.Event{ID: strings.Join([]string{p.Action, p.Object.ID, at}, "/"), Type: p.Action, Kind: sdk.EventIgnored}
	if t, err := time.Parse(time.RFC3339, at); err == nil {
		out.At = t
	}
	if news := e.news(); news != nil {
		if p.Object.ID == "" {
			return nil, sdk.Invalidf("the event names no object")
		}
		out.Kind, out.Provider = sdk.EventProvider, news
	}
	return []sdk.Event{out}, nil
}

// news is nil for what no trigger is made of.
func (e *event) news() *sdk.ProviderEvent {
	o, r := e.Payload.Object, e.Payload.Resource
	status := firstOf(r.Status, o.Status)
	known := false
	for _, t := range triggers {
		known = known || t.Name == e.Payload.Action
	}
	if !known {
		return nil
	}
	out := &sdk.ProviderEvent{Name: e.Payload.Action, EffectKey: keyIn(r.Tags)}
	var data any
	refs := []string{o.ID}
	switch kind, _, _ := strings.Cut(e.Payload.Action, "."); kind {
	case "workflow_run":
		data = RunNews{ID: o.ID, Status: status, ApplicantID: r.ApplicantID, WorkflowID: r.WorkflowID, Reasons: r.Reasons,
			CustomerUserID: r.CustomerUserID, CompletedAt: o.CompletedAt}
	case "workflow_task":
		data = TaskNews{ID: o.ID, RunID: r.RunID, Task: r.Task, Status: status}
		refs = append(refs, r.RunID)
	case "check":
		data = CheckNews{ID: o.ID, Status: o.Status, CompletedAt: o.CompletedAt}
	default:
		data = ReportNews{ID: o.ID, Status: o.Status, CompletedAt: o.CompletedAt}
	}
	for _, ref := range append(refs, r.ApplicantID) {
		if ref != "" {
			out.Refs = append(out.Refs, ref)
		}
	}
	out.Data = sdk.JSONBody(data)
	return out
}

// firstOf is the first that is not empty.
func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
