package conversation

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// owners is how operators read who answers.
var owners = map[string]string{
	"bot":   "the bot answers",
	"human": "a person answers; the bot is silent",
	"case":  "a case asks",
}

// describe shows operators where the conversation stands. The search attribute is
// written only when it changes: each time costs an event and a visibility write.
func (r *run) describe(ctx workflow.Context) {
	if stage, _ := workflow.GetTypedSearchAttributes(ctx).GetKeyword(Stage); r.last.Owner != "" && r.last.Owner != stage {
		if err := workflow.UpsertTypedSearchAttributes(ctx, Stage.ValueSet(r.last.Owner)); err != nil {
			workflow.GetLogger(ctx).Warn("the search attribute Stage could not be set", "error", err)
		}
	}
	workflow.SetCurrentDetails(ctx, r.details())
}

func (r *run) details() string {
	s := fmt.Sprintf("**%s** · events handled: %d", owners[r.last.Owner], r.handled)
	if r.last.Block != "" {
		s += fmt.Sprintf("\n\nThe flow stands in block `%s`.", r.last.Block)
	}
	for _, c := range r.last.Calls {
		if p := r.parked[c.Key]; p != nil {
			s += fmt.Sprintf("\n- waits for the end of an outage of %s since %s, to go on with `%s`", c.Connector, p.outage.Since.UTC().Format(time.RFC3339), c.Operation)
			continue
		}
		s += fmt.Sprintf("\n- waits for %s `%s`", c.Connector, c.Operation)
	}
	if !r.wakeAt.IsZero() {
		s += "\n- the flow waits until " + r.wakeAt.UTC().Format(time.RFC3339)
	}
	if !r.retryAt.IsZero() {
		s += "\n- something is not settled; next look " + r.retryAt.UTC().Format(time.RFC3339)
	}
	return s
}
