package flowcmd

import (
	"errors"
	"slices"
	"time"

	"parley/connectors/sdk"
	"parley/internal/planner"
	"parley/workflows/flow"
)

// carried finds what channels cannot carry of a document, and what they refuse
// because the customer may have been silent for too long. Unknown channels are
// the API's to refuse.
func carried(doc *flow.Document, file string, list []sdk.Connector, channels []string) []flow.Problem {
	var out []flow.Problem
	for _, c := range list {
		if c.Channel == nil || !slices.Contains(channels, c.Name) {
			continue
		}
		for _, m := range doc.Messages() {
			for _, why := range lost(m, c) {
				out = append(out, flow.Problem{File: file, Line: m.Line, Col: m.Col, Message: why})
			}
		}
	}
	return out
}

// lost tells what a channel loses of a message.
func lost(m flow.Message, c sdk.Connector) []string {
	var out []string
	if window := c.Channel.Window; window > 0 && m.Silence > window && m.Content.Template == nil {
		out = append(out, c.Name+" refuses free messages "+window.Round(time.Hour).String()+
			" after the customer's last one, which may be longer ago here: give the message the key \"template\", or ask before")
	}
	plan, err := planner.Plan(m.Content, *c.Channel, planner.Window{Open: true})
	if refused, ok := errors.AsType[*sdk.Error](err); ok && refused.Class == sdk.Rejected && len(plan.Notes) == 0 {
		out = append(out, c.Name+" cannot carry this message")
	}
	for _, n := range plan.Notes {
		if n.Level == sdk.Dropped || n.Level == sdk.Refused {
			out = append(out, c.Name+" cannot carry "+n.Field+": "+n.Why)
		}
	}
	return out
}
