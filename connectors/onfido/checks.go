package onfido

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"parley/connectors/sdk"
)

// CheckInput asks for reports on an applicant.
type CheckInput struct {
	ApplicantID string   `json:"applicant_id" doc:"Whom it is about."`
	ReportNames []string `json:"report_names" doc:"What to report: document, facial_similarity_photo, identity_enhanced, watchlist_standard …"`
	DocumentIDs []string `json:"document_ids,omitempty" doc:"Which documents, for document reports; the newest unless given."`
	// ProvidesData has Onfido ask the applicant by a form of its own.
	ProvidesData bool     `json:"applicant_provides_data,omitempty" doc:"Onfido sends the applicant a form by e-mail, to upload what is needed."`
	RedirectURI  string   `json:"redirect_uri,omitempty" doc:"Where the form sends the applicant at the end."`
	PrivacyRead  bool     `json:"privacy_notices_read_consent_given,omitempty" doc:"The applicant has read Onfido's privacy notices. Applicants in the US must."`
	Tags         []string `json:"tags,omitempty" doc:"Labels, 29 at most. Nothing personal."`
	Consider     []string `json:"consider,omitempty" doc:"In the sandbox: reports whose result shall be consider."`
	SubResult    string   `json:"sub_result,omitempty" doc:"In the sandbox: the sub-result of the document report."`
}

// Validate implements [sdk.Validator].
func (in CheckInput) Validate() error {
	if err := checkID("applicant_id", in.ApplicantID); err != nil {
		return err
	}
	if len(in.ReportNames) == 0 {
		return sdk.Invalidf("report_names is empty")
	}
	for _, names := range [][]string{in.ReportNames, in.Consider} {
		for _, n := range names {
			if !documentType.MatchString(n) {
				return sdk.Invalidf("report_names and consider must hold names of reports, such as document")
			}
		}
	}
	for _, id := range in.DocumentIDs {
		if err := checkID("document_ids", id); err != nil {
			return err
		}
	}
	return checkTags(in.Tags)
}

// Check is a check as Onfido has it (schema check). Status is in_progress,
// awaiting_applicant, complete, withdrawn, paused or reopened.
type Check struct {
	ID          string   `json:"id" doc:"Onfido's ID of the check."`
	ApplicantID string   `json:"applicant_id" doc:"Whom it is about."`
	Status      string   `json:"status" doc:"in_progress, awaiting_applicant, complete, withdrawn, paused or reopened."`
	Result      string   `json:"result,omitempty" doc:"clear, or consider: a person should look at it. There when it is complete."`
	ReportIDs   []string `json:"report_ids,omitempty" doc:"IDs of its reports."`
	FormURI     string   `json:"form_uri,omitempty" doc:"The form for the applicant, if there is one."`
	ResultsURI  string   `json:"results_uri,omitempty" doc:"The check in Onfido's dashboard."`
	Sandbox     bool     `json:"sandbox" doc:"Whether it is one for tests."`
	CreatedAt   string   `json:"created_at,omitempty" doc:"When it was started (RFC 3339)."`
}

func (c *connection) createCheck(ctx context.Context, call sdk.Call, in CheckInput) (Check, error) {
	in.Tags = tagsOf(call, in.Tags)
	var out Check
	err := c.send(ctx, "check_create", http.MethodPost, "/checks", in, &out)
	return out, made(err, out.ID)
}

func (c *connection) findCheck(ctx context.Context, call sdk.Call, in CheckInput) (Check, bool, error) {
	var list struct {
		Checks []struct {
			Check
			Tags []string `json:"tags"`
		} `json:"checks"`
	}
	if err := c.get(ctx, "check_create", "/checks", url.Values{"applicant_id": {in.ApplicantID}}, &list); err != nil {
		return Check{}, false, err
	}
	for _, found := range list.Checks {
		if call.Key != "" && keyIn(found.Tags) == call.Key {
			return found.Check, true, nil
		}
	}
	return Check{}, false, nil
}

func (c *connection) getCheck(ctx context.Context, _ sdk.Call, in IDInput) (Check, error) {
	var out Check
	err := c.get(ctx, "check_get", "/checks/"+in.ID, nil, &out)
	return out, made(err, out.ID)
}

// ReportsInput names the check whose reports are wanted.
type ReportsInput struct {
	CheckID string `json:"check_id" doc:"The check's ID."`
}

// Validate implements [sdk.Validator].
func (in ReportsInput) Validate() error { return checkID("check_id", in.CheckID) }

// Summary is what a report came to (schema report_shared).
type Summary struct {
	ID        string `json:"id" doc:"Onfido's ID of the report."`
	CheckID   string `json:"check_id,omitempty" doc:"The check that it belongs to."`
	Name      string `json:"name" doc:"What is reported: document, facial_similarity_photo …"`
	Status    string `json:"status" doc:"awaiting_data, awaiting_approval, cancelled, complete or withdrawn."`
	Result    string `json:"result,omitempty" doc:"clear, consider or unidentified. There when it is complete."`
	SubResult string `json:"sub_result,omitempty" doc:"Of document reports: clear, rejected, suspected or caution."`
	CreatedAt string `json:"created_at,omitempty" doc:"When it was begun (RFC 3339)."`
}

// Reports are those of one check.
type Reports struct {
	Reports []Summary `json:"reports" doc:"The reports."`
}

func (c *connection) listReports(ctx context.Context, _ sdk.Call, in ReportsInput) (Reports, error) {
	var out Reports
	if err := c.get(ctx, "report_list", "/reports", url.Values{"check_id": {in.CheckID}}, &out); err != nil {
		return out, err
	}
	if out.Reports == nil {
		return out, unreadable(nil)
	}
	return out, nil
}

// Report is one in full.
type Report struct {
	Summary
	Breakdown  json.RawMessage `json:"breakdown,omitempty" doc:"What was looked at and how it came out, as Onfido writes it for this kind of report."`
	Properties json.RawMessage `json:"properties,omitempty" doc:"What was read, such as name and number of the document; personal."`
}

func (c *connection) getReport(ctx context.Context, _ sdk.Call, in IDInput) (Report, error) {
	var out Report
	err := c.get(ctx, "report_get", "/reports/"+in.ID, nil, &out)
	return out, made(err, out.ID)
}
