package activities

import (
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
