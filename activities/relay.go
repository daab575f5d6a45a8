package activities

import (
	"encoding/json"
	"fmt"

	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/conversations"
	"parley/workflows/flow"
)

// newsOf is what a flow hears of the words that a person wrote at a provider, in a
// ticket of the flow's: it may wait for them.
func newsOf(e conversations.Event) (flow.Event, bool) {
	if e.Kind != bus.KindAgent || e.Body == nil {
		return flow.Event{}, false
	}
	ev, err := decodeEvent(e)
	return ev, err == nil && ev.Kind == flow.EventProvider
}

// say sends what a case or a human agent says.
func (d *decision) say(e conversations.Event) error {
	if e.Body == nil {
		return nil
	}
	var body tell
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return fmt.Errorf("event %d is not readable: %w", e.Number, err)
	}
	author := conversations.AuthorCase
	if e.Kind == bus.KindAgent {
		author = conversations.AuthorAgent
	}
	for _, c := range append([]sdk.Content{body.Content}, body.More...) {
		d.send(c, author)
	}
	return nil
}
