package connectors_test

import (
	"net/url"

	"parley/connectors/sdk/connectortest"
)

func init() {
	press := func(operation, kind, button string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post("/dashboard/"+kind+"/"+r.Output(operation)["id"].(string), url.Values{"action": {button}})
		}
	}
	report := func(button string) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			id := r.Output("check_create")["report_ids"].([]any)[0].(string)
			r.Post("/dashboard/reports/"+id, url.Values{"action": {button}})
		}
	}
	triggers := map[string]func(*connectortest.Rig){
		"workflow_run.completed":  press("workflow_run_create", "workflow_runs", "approved"),
		"workflow_task.started":   press("workflow_run_create", "workflow_runs", "task"),
		"workflow_task.completed": press("workflow_run_create", "workflow_runs", "task"),
		"check.completed":         press("check_create", "checks", "clear"),
		"report.completed":        press("check_create", "checks", "consider"),
	}
	for _, event := range []string{"check.form_completed", "check.reopened", "check.withdrawn"} {
		triggers[event] = press("check_create", "checks", event)
	}
	for _, event := range []string{"report.awaiting_approval", "report.resumed", "report.cancelled", "report.withdrawn"} {
		triggers[event] = report(event)
	}
	subjects["onfido"] = connectortest.Subject{Triggers: triggers}
}
