package connectortest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

// aged is how long before it is asked for news happens: long enough for a connection
// that waits until a change is certain.
const aged = 10 * time.Minute

// pollChecks hold a connector whose provider pushes nothing to its triggers.
func (s Subject) pollChecks() (list []Check) {
	for _, t := range s.Connector.Triggers {
		list = append(list, Check{"trigger/" + t.Name, func(p *Probe) {
			_, events := s.polled(p, t)
			require.True(p, slices.ContainsFunc(events, func(e sdk.Event) bool { return e.Provider != nil && e.Provider.Name == t.Name }),
				"no poll tells of it: say in Subject.Triggers how it comes about")
		}})
	}
	return append(list, Check{"poll/stable_ids", func(p *Probe) {
		for _, t := range s.Connector.Triggers {
			r, events := s.polled(p, t)
			again, _, err := r.Conn.(sdk.Poller).Poll(p.Context(), "")
			require.NoError(p, err)
			require.Equal(p, ids(events), ids(again), "news that is asked for again has other event IDs")
		}
	}})
}

// polled lets an event happen, by the trigger's hook or else by all samples, and asks
// for news.
func (s Subject) polled(p *Probe, t sdk.Trigger) (*Rig, []sdk.Event) {
	r := s.Rig(p)
	r.Advance(-aged)
	if do := s.Triggers[t.Name]; do != nil {
		do(r)
	} else {
		for _, op := range s.Connector.Operations {
			if len(op.Samples) > 0 {
				r.Output(op.Name)
			}
		}
	}
	r.Advance(aged)
	events, _, err := r.Conn.(sdk.Poller).Poll(p.Context(), "")
	require.NoError(p, err)
	for _, e := range events {
		s.complete(p, e)
	}
	return r, events
}
