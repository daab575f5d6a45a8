package onfidofake

import (
	"slices"
	"strings"
	"time"
)

func checkTags(o object) *failure {
	tags := o.texts("tags")
	if len(tags) > 30 {
		return invalid("tags", "is too long (maximum is 30)")
	}
	if slices.ContainsFunc(tags, func(t string) bool { return t == "" || len(t) > 128 }) {
		return invalid("tags", "must be 1 to 128 characters")
	}
	return nil
}

func (s *server) createRun(c call) (any, *failure) {
	in, failed := c.body()
	if failed != nil {
		return nil, failed
	}
	if _, ok := s.get(c.owner, "applicants", in.text("applicant_id")); !ok {
		return nil, invalid("applicant_id", "is not valid")
	}
	if len(in.text("workflow_id")) != 36 {
		return nil, invalid("workflow_id", "is not valid")
	}
	if failed := checkTags(in); failed != nil {
		return nil, failed
	}
	link := object{"completed_redirect_url": nil, "expired_redirect_url": nil, "expires_at": nil, "language": "en_US"}
	if asked, ok := in["link"].(map[string]any); ok {
		for k, v := range asked {
			link[k] = v
		}
	}
	o := object{"applicant_id": in.text("applicant_id"), "workflow_id": in.text("workflow_id"), "workflow_version_id": 1, "tags": in["tags"],
		"status": "awaiting_input", "output": object{}, "reasons": []string{}, "sdk_token": nil, "updated_at": s.env.Now().UTC().Format(time.RFC3339),
		"link": link}
	if id := in.text("customer_user_id"); id != "" {
		o["customer_user_id"] = id
	}
	o = s.make(c, "workflow_runs", o)
	home := s.env.BaseURL() + "/dashboard"
	link["url"] = home + "?run=" + o.text("id")
	_, o = s.change("workflow_runs", o.text("id"), func(o object) { o["dashboard_url"], o["link"] = home, link })
	return o, nil
}

// needs says what must have been uploaded for a report.
func needs(report string) (bucket, why string) {
	switch {
	case strings.HasPrefix(report, "document"), report == "proof_of_address":
		return "documents", "the applicant has no document"
	case strings.HasPrefix(report, "facial_similarity_photo"):
		return "live_photos", "the applicant has no live photo"
	}
	return "", ""
}

func (s *server) createCheck(c call) (any, *failure) {
	in, failed := c.body()
	if failed != nil {
		return nil, failed
	}
	applicant := in.text("applicant_id")
	if _, ok := s.get(c.owner, "applicants", applicant); !ok {
		return nil, invalid("applicant_id", "is not valid")
	}
	if failed := checkTags(in); failed != nil {
		return nil, failed
	}
	names := in.texts("report_names")
	if len(names) == 0 {
		return nil, invalid("report_names", "can't be blank")
	}
	form, _ := in["applicant_provides_data"].(bool)
	for _, name := range names {
		bucket, why := needs(name)
		has := bucket == ""
		s.each(c, bucket, func(o object) { has = has || o.text("applicant_id") == applicant })
		if !has && !form {
			return nil, invalid("report_names", why)
		}
	}
	o := object{"applicant_id": applicant, "tags": in.texts("tags"), "status": "in_progress", "sandbox": true, "paused": false, "version": "3.6",
		"applicant_provides_data": form, "results_uri": s.env.BaseURL() + "/dashboard", "report_ids": []string{}}
	if form {
		o["status"], o["form_uri"] = "awaiting_applicant", s.env.BaseURL()+"/dashboard"
	}
	o = s.make(c, "checks", o)
	ids := []string{}
	for _, name := range names {
		r := s.make(c, "reports", object{"check_id": o.text("id"), "name": name, "status": "awaiting_data", "documents": []any{},
			"breakdown": object{}, "properties": object{}, "consider": slices.Contains(in.texts("consider"), name)})
		ids = append(ids, r.text("id"))
	}
	owner, o := s.change("checks", o.text("id"), func(o object) { o["report_ids"] = ids })
	s.announce(owner, "check", "check.started", o)
	return o, nil
}

// finishRun ends a run as an applicant and a reviewer do.
func (s *server) finishRun(id, status string) {
	now := s.env.Now().UTC().Format(time.RFC3339)
	owner, o := s.change("workflow_runs", id, func(o object) {
		o["status"], o["updated_at"], o["completed_at"] = status, now, now
		o["output"], o["reasons"] = object{"verified": status == "approved"}, []string{}
		switch status {
		case "declined":
			o["reasons"] = []string{"document_expired"}
		case "error":
			o["error"] = object{"type": "report_error", "message": "A report failed."}
		}
	})
	if o != nil {
		s.announce(owner, "workflow_run", "workflow_run.completed", o)
	}
}

// finishCheck completes a check with all of its reports.
func (s *server) finishCheck(id, result string) {
	now := s.env.Now().UTC().Format(time.RFC3339)
	owner, check := s.change("checks", id, func(o object) { o["status"], o["result"], o["completed_at"] = "complete", result, now })
	if check == nil {
		return
	}
	for _, report := range check.texts("report_ids") {
		_, o := s.change("reports", report, func(o object) {
			o["status"], o["result"], o["completed_at"] = "complete", result, now
			if o["consider"] == true {
				o["result"] = "consider"
			}
			if strings.HasPrefix(o.text("name"), "document") {
				o["sub_result"] = "clear"
			}
		})
		s.announce(owner, "report", "report.completed", o)
	}
	s.announce(owner, "check", "check.completed", check)
}

// statuses are what an event makes of a check or report.
var statuses = map[string]string{
	"check.form_completed": "in_progress", "check.reopened": "reopened", "check.withdrawn": "withdrawn",
	"report.awaiting_approval": "awaiting_approval", "report.resumed": "awaiting_data", "report.cancelled": "cancelled", "report.withdrawn": "withdrawn",
}

// move changes the status of a check or report and tells of it.
func (s *server) move(bucket, id, event string) {
	if owner, o := s.change(bucket, id, func(o object) { o["status"] = statuses[event] }); o != nil {
		s.announce(owner, strings.TrimSuffix(bucket, "s"), event, o)
	}
}
