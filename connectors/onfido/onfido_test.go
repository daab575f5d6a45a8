package onfido

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

func TestAnApplicantIsUpdated(t *testing.T) {
	r := newRig(t)
	made := do[Applicant](r, "applicant_create", "k1", person())
	require.Equal(t, "Ines", made.FirstName)
	changed := do[Applicant](r, "applicant_update", "k2", UpdateInput{ID: made.ID, LastName: "Petit"})
	require.Equal(t, "Petit", changed.LastName)
	require.Equal(t, "ines@example.com", changed.Email, "what is left out stays")
	require.Equal(t, changed, do[Applicant](r, "applicant_get", "", IDInput{ID: made.ID}))
	require.NotContains(t, string(r.exchanges[1].body), made.ID, "the ID stands in the address alone")

	update := operationNamed(t, "applicant_update")
	for name, c := range map[string]struct {
		input UpdateInput
		found bool
	}{
		"as asked":      {UpdateInput{ID: made.ID, LastName: "Petit"}, true},
		"another name":  {UpdateInput{ID: made.ID, LastName: "Moreau"}, false},
		"another home":  {UpdateInput{ID: made.ID, Details: Details{Address: &Address{Country: "FRA", Postcode: "69002"}}}, false},
		"a consent":     {UpdateInput{ID: made.ID, LastName: "Petit", Details: Details{Consents: []Consent{{Name: "ssn_verification"}}}}, false},
		"a whereabouts": {UpdateInput{ID: made.ID, Details: Details{Location: &Location{CountryOfResidence: "FRA"}}}, false},
	} {
		_, found, err := update.Find(t.Context(), r.conn, call("k2"), sdk.JSONBody(c.input))
		require.NoError(t, err, name)
		require.Equal(t, c.found, found, name)
	}
}

// TestAnUploadIsFoundByItsKey: its name is made of the key and tells nothing else.
func TestAnUploadIsFoundByItsKey(t *testing.T) {
	r := newRig(t)
	a := do[Applicant](r, "applicant_create", "k1", person())
	for operation, input := range map[string]any{
		"document_upload":   DocumentInput{ApplicantID: a.ID, Type: "passport", Side: "front", IssuingCountry: "FRA", File: samplePNG},
		"live_photo_upload": PhotoInput{ApplicantID: a.ID, File: samplePNG},
	} {
		op := operationNamed(t, operation)
		find := func(key string) bool {
			_, found, err := op.Find(t.Context(), r.conn, call(key), sdk.JSONBody(input))
			require.NoError(t, err)
			return found
		}
		require.False(t, find("k-7"))
		do[map[string]any](r, operation, "k-7", input)
		require.True(t, find("k-7"))
		require.False(t, find("k-"))
		require.False(t, find(""))
		r.env.SetFault(fake.FaultSearchLag, time.Hour)
		require.False(t, find("k-7"), "the search lags")
		r.env.SetFault(fake.FaultSearchLag, -1)
	}
}

func TestFilesAreCheckedBeforeTheyLeave(t *testing.T) {
	r := newRig(t)
	a := do[Applicant](r, "applicant_create", "k1", person())
	sent := len(r.exchanges)
	pdf := base64.StdEncoding.EncodeToString([]byte("%PDF-1.7\n"))
	large := base64.StdEncoding.EncodeToString(append([]byte("\x89PNG\x0d\x0a\x1a\x0a"), make([]byte, maxFile)...))
	for name, file := range map[string]string{"empty": "", "no base64": "not base64!", "a text": base64.StdEncoding.EncodeToString([]byte("hello")), "too large": large} {
		e := r.fail("document_upload", DocumentInput{ApplicantID: a.ID, Type: "passport", File: file})
		require.Equal(t, sdk.Invalid, e.Class, name)
		require.Contains(t, e.Message, "file", name)
	}
	require.Equal(t, sdk.Invalid, r.fail("live_photo_upload", PhotoInput{ApplicantID: a.ID, File: pdf}).Class, "a PDF is no photo")
	require.Len(t, r.exchanges, sent, "nothing was sent")
	do[Document](r, "document_upload", "k2", DocumentInput{ApplicantID: a.ID, Type: "utility_bill", File: pdf})
}

// TestAPictureOfNoUse is refused in a way that a flow can ask for another one.
func TestAPictureOfNoUse(t *testing.T) {
	r := newRig(t)
	a := do[Applicant](r, "applicant_create", "k1", person())
	picture := func(text string) string {
		return base64.StdEncoding.EncodeToString([]byte("\x89PNG\x0d\x0a\x1a\x0a" + text))
	}
	e := r.fail("live_photo_upload", PhotoInput{ApplicantID: a.ID, File: picture("parley:no-face")})
	require.Equal(t, sdk.Rejected, e.Class)
	require.Equal(t, "face_detection", e.Code)
	do[Photo](r, "live_photo_upload", "k2", PhotoInput{ApplicantID: a.ID, File: picture("parley:no-face"), SkipValidation: true})
	e = r.fail("document_upload", DocumentInput{ApplicantID: a.ID, Type: "passport", File: picture("parley:blurred"), ValidateImage: true})
	require.Equal(t, "blur", e.Code)
	do[Document](r, "document_upload", "k3", DocumentInput{ApplicantID: a.ID, Type: "passport", File: picture("parley:blurred")})
}

func TestAWorkflowRunFromStartToEnd(t *testing.T) {
	r := newRig(t)
	a := do[Applicant](r, "applicant_create", "k1", person())
	in := RunInput{ApplicantID: a.ID, WorkflowID: "11111111-1111-4111-8111-111111111111", CustomerUserID: "c-17", Tags: []string{"branch-7"},
		CustomData: map[string]json.RawMessage{"level": json.RawMessage(`2`)}, Link: &LinkInput{Language: "fr_FR", ExpiresAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}}
	run := do[Run](r, "workflow_run_create", "k2", in)
	require.Equal(t, "awaiting_input", run.Status)
	require.NotEmpty(t, run.URL)
	require.Empty(t, run.ErrorType)
	op := operationNamed(t, "workflow_run_create")
	raw, found, err := op.Find(t.Context(), r.conn, call("k2"), sdk.JSONBody(in))
	require.NoError(t, err)
	require.True(t, found)
	require.JSONEq(t, string(sdk.JSONBody(run)), string(raw))
	for _, key := range []string{"k", "k22", ""} {
		_, found, err = op.Find(t.Context(), r.conn, call(key), sdk.JSONBody(in))
		require.NoError(t, err)
		require.False(t, found, key)
	}

	r.press("workflow_runs", run.ID, "task")
	r.press("workflow_runs", run.ID, "declined")
	events := r.news()
	require.Len(t, events, 3)
	last := events[2]
	require.Equal(t, "workflow_run.completed", last.Provider.Name)
	require.Equal(t, "k2", last.Provider.EffectKey, "the tag leads back to whoever started it")
	require.Equal(t, []string{run.ID, a.ID}, last.Provider.Refs)
	var told RunNews
	require.NoError(t, sdk.DecodeStrict(last.Provider.Data, &told))
	require.NotEmpty(t, told.CompletedAt)
	told.CompletedAt = ""
	require.Equal(t, RunNews{ID: run.ID, Status: "declined", ApplicantID: a.ID, WorkflowID: in.WorkflowID, Reasons: []string{"document_expired"}, CustomerUserID: "c-17"}, told)
	require.NotContains(t, string(last.Provider.Data), "verified", "what a run gives is personal, and is fetched")
	require.Contains(t, events[0].Provider.Refs, run.ID, "a task leads to its run")
	require.NotEqual(t, events[0].ID, events[1].ID)

	done := do[Run](r, "workflow_run_get", "", IDInput{ID: run.ID})
	require.JSONEq(t, `{"verified":false}`, string(done.Output))
	r.press("workflow_runs", run.ID, "error")
	require.Equal(t, "report_error", do[Run](r, "workflow_run_get", "", IDInput{ID: run.ID}).ErrorType)
}

func TestACheckFromStartToEnd(t *testing.T) {
	r := newRig(t)
	a := do[Applicant](r, "applicant_create", "k1", person())
	in := CheckInput{ApplicantID: a.ID, ReportNames: []string{"document", "facial_similarity_photo"}, Consider: []string{"facial_similarity_photo"}}
	require.Equal(t, sdk.Invalid, r.fail("check_create", in).Class, "nothing was uploaded")
	do[Document](r, "document_upload", "k2", DocumentInput{ApplicantID: a.ID, Type: "passport", File: samplePNG})
	do[Photo](r, "live_photo_upload", "k3", PhotoInput{ApplicantID: a.ID, File: samplePNG})
	check := do[Check](r, "check_create", "k4", in)
	require.Len(t, check.ReportIDs, 2)
	page, err := http.Get(r.url + "/dashboard")
	require.NoError(t, err)
	shown, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	require.NoError(t, page.Body.Close())
	require.Contains(t, string(shown), r.url+"/dashboard/checks/"+check.ID)
	r.press("checks", check.ID, "clear")
	var names []string
	for _, e := range r.news() {
		names = append(names, e.Provider.Name)
	}
	require.Equal(t, []string{"check.started", "report.completed", "report.completed", "check.completed"}, names)
	require.Equal(t, []string{check.ID}, r.news()[3].Provider.Refs)
	require.Equal(t, "clear", do[Check](r, "check_get", "", IDInput{ID: check.ID}).Result)
	reports := do[Reports](r, "report_list", "", ReportsInput{CheckID: check.ID}).Reports
	require.Len(t, reports, 2)
	results := map[string]string{}
	for _, s := range reports {
		results[s.Name] = s.Result
		full := do[Report](r, "report_get", "", IDInput{ID: s.ID})
		require.Equal(t, s, full.Summary)
		require.JSONEq(t, `{}`, string(full.Breakdown))
	}
	require.Equal(t, map[string]string{"document": "clear", "facial_similarity_photo": "consider"}, results)
}

func TestInputIsChecked(t *testing.T) {
	r := newRig(t)
	id := "11111111-1111-4111-8111-111111111111"
	for name, c := range map[string]struct {
		operation string
		input     any
	}{
		"no name":           {"applicant_create", ApplicantInput{FirstName: "Ines"}},
		"a strange name":    {"applicant_create", ApplicantInput{FirstName: "Ines", LastName: "<b>"}},
		"a date":            {"applicant_create", ApplicantInput{FirstName: "Ines", LastName: "M", Details: Details{DOB: "17.4.1990"}}},
		"an e-mail address": {"applicant_create", ApplicantInput{FirstName: "Ines", LastName: "M", Details: Details{Email: "ines"}}},
		"half an address":   {"applicant_create", ApplicantInput{FirstName: "Ines", LastName: "M", Details: Details{Address: &Address{Country: "FRA"}}}},
		"a country":         {"applicant_create", ApplicantInput{FirstName: "Ines", LastName: "M", Details: Details{Location: &Location{CountryOfResidence: "France"}}}},
		"a consent":         {"applicant_create", ApplicantInput{FirstName: "Ines", LastName: "M", Details: Details{Consents: []Consent{{Name: "all"}}}}},
		"a path for an ID":  {"applicant_get", IDInput{ID: "../webhooks"}},
		"a side":            {"document_upload", DocumentInput{ApplicantID: id, Type: "passport", Side: "left", File: samplePNG}},
		"a type":            {"document_upload", DocumentInput{ApplicantID: id, Type: "a b", File: samplePNG}},
		"nobody's token":    {"sdk_token_create", TokenInput{ApplicantID: id}},
		"a language":        {"workflow_run_create", RunInput{ApplicantID: id, WorkflowID: id, Link: &LinkInput{Language: "xx"}}},
		"an open redirect":  {"workflow_run_create", RunInput{ApplicantID: id, WorkflowID: id, Link: &LinkInput{CompletedRedirectURL: "javascript:alert(1)"}}},
		"our tag":           {"workflow_run_create", RunInput{ApplicantID: id, WorkflowID: id, Tags: []string{"parley-effect-x"}}},
		"too many tags":     {"check_create", CheckInput{ApplicantID: id, ReportNames: []string{"document"}, Tags: strings.Split(strings.Repeat("x,", 29)+"x", ",")}},
		"no report":         {"check_create", CheckInput{ApplicantID: id}},
		"a strange report":  {"check_create", CheckInput{ApplicantID: id, ReportNames: []string{"Document!"}}},
	} {
		require.Equal(t, sdk.Invalid, r.fail(c.operation, c.input).Class, name)
	}
	require.Empty(t, r.exchanges, "nothing was sent")
}

func TestErrorsHaveTheirClass(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		status  int
		body    string
		class   sdk.Class
		code    string
		message string
	}{
		"wrong token": {401, `{"error":{"type":"authorization_error","message":"secret-api_token"}}`, sdk.Auth, "authorization_error", "api_token"},
		"permission":  {403, `{"error":{"type":"user_authorization_error"}}`, sdk.Auth, "user_authorization_error", "permission"},
		"unknown":     {404, `{"error":{"type":"resource_not_found"}}`, sdk.NotFound, "resource_not_found", "no such"},
		"deleted":     {410, `{"error":{"type":"gone"}}`, sdk.NotFound, "gone", "deleted"},
		"a field": {422, `{"error":{"type":"validation_error","message":"ines@example.com is bad","fields":{"email":["ines@example.com is bad"],"Ines <x>":[1]}}}`,
			sdk.Invalid, "validation_error", "(email)"},
		"too fast":     {429, `{"error":{"type":"rate_limit"}}`, sdk.Throttled, "rate_limit", "fewer"},
		"broken":       {500, `oops`, sdk.Unavailable, "500", "failed"},
		"another":      {200, `<html>`, sdk.Unavailable, "", "base_url"},
		"of no use":    {200, `{}`, sdk.Unavailable, "", "base_url"},
		"strange type": {400, `{"error":{"type":"Bad: ines@example.com"}}`, sdk.Invalid, "400", "accept"},
	} {
		r.answer = func(w http.ResponseWriter) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}
		e := r.fail("applicant_create", person())
		require.Equal(t, c.class, e.Class, name)
		require.Equal(t, c.code, e.Code, name)
		require.Contains(t, e.Message, c.message, name)
		require.Equal(t, c.class != sdk.Throttled, e.Wrote, name)
		for _, personal := range []string{"ines", "Ines", "Moreau", "secret-"} {
			require.NotContains(t, e.Error(), personal, name)
		}
	}
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.conn.Check(t.Context()))
	other := *r.conn
	other.secrets = []string{"another"}
	require.ErrorContains(t, other.Check(t.Context()), "webhook_secret is not the token")
	other.secrets = nil
	require.ErrorContains(t, other.Check(t.Context()), "webhook_secret is missing")
	elsewhere := *r.conn
	elsewhere.hook = "https://parley.test/hooks/onfido/other"
	require.ErrorContains(t, elsewhere.Check(t.Context()), "no enabled webhook")
	wrong := *r.conn
	wrong.APIToken = "other"
	require.Equal(t, sdk.Auth, sdk.AsError(wrong.Check(t.Context())).Class)
}

func TestConfig(t *testing.T) {
	for _, bad := range []string{
		`{}`, `{"api_token":"a b"}`, `{"api_token":"k","region":"in"}`, `{"api_token":"k","base_url":"ftp://x"}`,
		`{"api_token":"k","base_url":"https://u:p@x"}`, `{"api_token":"k","more":1}`,
	} {
		_, err := Connector.Open(json.RawMessage(bad), sdk.Host{})
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, bad)
	}
	for config, base := range map[string]string{
		`{"api_token":"k"}`:                                       "https://api.eu.onfido.com/v3.6",
		`{"api_token":"k","region":"us"}`:                         "https://api.us.onfido.com/v3.6",
		`{"webhook_secret":"s"}`:                                  "https://api.eu.onfido.com/v3.6",
		`{"api_token":"k","base_url":"http://127.0.0.1/onfido/"}`: "http://127.0.0.1/onfido/v3.6",
	} {
		conn, err := Connector.Open(json.RawMessage(config), sdk.Host{})
		require.NoError(t, err, config)
		require.Equal(t, base, conn.(*connection).base)
	}
	conn, err := Connector.Open(json.RawMessage(`{"webhook_secret":"s"}`), sdk.Host{})
	require.NoError(t, err)
	require.ErrorContains(t, conn.(*connection).Check(t.Context()), "api_token")
}
