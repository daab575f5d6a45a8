package onfido

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"parley/connectors/sdk"
)

// RunInput starts a workflow for an applicant.
type RunInput struct {
	ApplicantID string `json:"applicant_id" doc:"Whom it is about."`
	WorkflowID  string `json:"workflow_id" doc:"The workflow, as Onfido Studio names it."`
	// CustomData is the workflow's own input.
	CustomData     map[string]json.RawMessage `json:"custom_data,omitempty" doc:"What the workflow takes beside the applicant, by its own names."`
	CustomerUserID string                     `json:"customer_user_id,omitempty" doc:"Your own opaque identifier of the person, which comes back with news. Nothing personal."`
	Tags           []string                   `json:"tags,omitempty" doc:"Labels, 29 at most. Nothing personal."`
	Link           *LinkInput                 `json:"link,omitempty" doc:"How the page behaves on which the applicant goes through it."`
}

// LinkInput says how a run's page behaves.
type LinkInput struct {
	CompletedRedirectURL string    `json:"completed_redirect_url,omitempty" doc:"Where the applicant is sent at the end."`
	ExpiredRedirectURL   string    `json:"expired_redirect_url,omitempty" doc:"Where they are sent when the page has expired."`
	ExpiresAt            time.Time `json:"expires_at,omitzero" doc:"When the page expires."`
	Language             string    `json:"language,omitempty" doc:"en_US, de_DE, es_ES, fr_FR, it_IT, pt_PT or nl_NL."`
}

var languages = []string{"", "en_US", "de_DE", "es_ES", "fr_FR", "it_IT", "pt_PT", "nl_NL"}

// Validate implements [sdk.Validator].
func (in RunInput) Validate() error {
	if err := checkID("applicant_id", in.ApplicantID); err != nil {
		return err
	}
	if err := checkID("workflow_id", in.WorkflowID); err != nil {
		return err
	}
	if len(in.CustomerUserID) > 256 {
		return sdk.Invalidf("customer_user_id must be at most 256 bytes")
	}
	if l := in.Link; l != nil {
		if !slices.Contains(languages, l.Language) {
			return sdk.Invalidf("link.language must be en_US, de_DE, es_ES, fr_FR, it_IT, pt_PT or nl_NL")
		}
		for field, text := range map[string]string{"completed_redirect_url": l.CompletedRedirectURL, "expired_redirect_url": l.ExpiredRedirectURL} {
			if u, err := url.Parse(text); text != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
				return sdk.Invalidf("link.%s must be an https address", field)
			}
		}
	}
	return checkTags(in.Tags)
}

// Run is a workflow run. Status is processing, awaiting_input, awaiting_client_input,
// approved, declined, review, abandoned or error.
type Run struct {
	ID          string `json:"id" doc:"Onfido's ID of the run."`
	ApplicantID string `json:"applicant_id" doc:"Whom it is about."`
	WorkflowID  string `json:"workflow_id" doc:"The workflow."`
	Version     int64  `json:"workflow_version_id,omitempty" doc:"The workflow's version."`
	Status      string `json:"status" doc:"processing, awaiting_input, awaiting_client_input, approved, declined, review, abandoned or error."`
	URL         string `json:"url,omitempty" doc:"The page on which the applicant goes through it."`
	// Output is what the workflow was made to give.
	Output         json.RawMessage `json:"output,omitempty" doc:"What the workflow gives, by its own names; may be personal."`
	Reasons        []string        `json:"reasons,omitempty" doc:"Why it ended as it did, in the workflow's own words."`
	ErrorType      string          `json:"error_type,omitempty" doc:"What went wrong, if status is error."`
	CustomerUserID string          `json:"customer_user_id,omitempty" doc:"Your own identifier of the person."`
	CreatedAt      string          `json:"created_at,omitempty" doc:"When it was started (RFC 3339)."`
	UpdatedAt      string          `json:"updated_at,omitempty" doc:"When it last changed (RFC 3339)."`
}

// run is a workflow run as Onfido writes it (schema workflow_run).
type run struct {
	Run
	Tags []string `json:"tags"`
	Link struct {
		URL string `json:"url"`
	} `json:"link"`
	Error struct {
		Type string `json:"type"`
	} `json:"error"`
}

func (r run) out() Run {
	r.URL, r.ErrorType = r.Link.URL, r.Error.Type
	return r.Run
}

func (c *connection) createRun(ctx context.Context, call sdk.Call, in RunInput) (Run, error) {
	in.Tags = tagsOf(call, in.Tags)
	var r run
	err := c.send(ctx, "workflow_run_create", http.MethodPost, "/workflow_runs", in, &r)
	return r.out(), made(err, r.ID)
}

func (c *connection) findRun(ctx context.Context, call sdk.Call, in RunInput) (Run, bool, error) {
	if call.Key == "" {
		return Run{}, false, nil
	}
	var list []run
	query := url.Values{"applicant_id": {in.ApplicantID}, "tags": {tagPrefix + call.Key}}
	if err := c.get(ctx, "workflow_run_create", "/workflow_runs", query, &list); err != nil {
		return Run{}, false, err
	}
	for _, r := range list {
		if keyIn(r.Tags) == call.Key {
			return r.out(), true, nil
		}
	}
	return Run{}, false, nil
}

func (c *connection) getRun(ctx context.Context, _ sdk.Call, in IDInput) (Run, error) {
	var r run
	err := c.get(ctx, "workflow_run_get", "/workflow_runs/"+in.ID, nil, &r)
	return r.out(), made(err, r.ID)
}
