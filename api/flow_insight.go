package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"parley/api/problem"
)

// FlowStats is what happened in a flow, by blocks.
type FlowStats struct {
	Since         time.Time   `json:"since" required:"true"`
	Conversations int         `json:"conversations" required:"true"`
	Turns         int         `json:"turns" required:"true"`
	Blocks        []BlockStat `json:"blocks" required:"true" nullable:"false" description:"The most entered first."`
}

// BlockStat is what happened in one block.
type BlockStat struct {
	Block   string `json:"block" required:"true"`
	Entered int    `json:"entered" required:"true" description:"How often the flow came to it."`
	Left    int    `json:"left" required:"true" description:"How often it went on from it, or ended there."`
	Missed  int    `json:"missed" required:"true" description:"Messages that were not understood there."`
	Waiting int    `json:"waiting" required:"true" description:"Conversations that stand there."`
	Silent  int    `json:"silent" required:"true" description:"Those of them without a turn for as long as silent says: where people drop off."`
}

// Rehearsal is what became of a part of the recorded conversations when a new
// version was run over them.
type Rehearsal struct {
	Conversations int `json:"conversations" required:"true"`
	// Outcomes of conversations.
	Same         int              `json:"same" required:"true" description:"They would go the same way, in the same words."`
	Words        int              `json:"words" required:"true" description:"The same way, in other words."`
	Way          int              `json:"way" required:"true" description:"Another way."`
	Undecided    int              `json:"undecided" required:"true" description:"The new version calls what was not called then."`
	Unrepeatable int              `json:"unrepeatable" required:"true" description:"The version of that time does not do again what it did, by chance or because facts have changed."`
	Places       []RehearsalPlace `json:"places" required:"true" nullable:"false"`
	Next         *uuid.UUID       `json:"next,omitempty" nullable:"false" description:"Give it as after to rehearse the next part; absent on the last one."`
}

// RehearsalPlace is where conversations differ.
type RehearsalPlace struct {
	Kind     string             `json:"kind" required:"true" enum:"words,way,undecided,unrepeatable"`
	Block    string             `json:"block,omitempty" description:"Where they stood."`
	Before   string             `json:"before,omitempty" description:"The block that was entered, where the ways part."`
	After    string             `json:"after,omitempty" description:"The block that would be."`
	Why      string             `json:"why,omitempty"`
	Count    int                `json:"count" required:"true"`
	Examples []RehearsalExample `json:"examples" required:"true" nullable:"false" description:"5 at most."`
}

// RehearsalExample is one conversation that differs. What was said is shown to keys
// with the scope messages:read only.
type RehearsalExample struct {
	Conversation uuid.UUID `json:"conversation" required:"true"`
	Turn         int       `json:"turn,omitempty" description:"The first one that differs, from 1."`
	Said         []string  `json:"said,omitempty" nullable:"false"`
	Answered     []string  `json:"answered,omitempty" nullable:"false"`
	Answers      []string  `json:"answers,omitempty" nullable:"false"`
}

// NewRehearsal is which version is rehearsed: a document, or a stored one.
type NewRehearsal struct {
	Name     string            `path:"name" json:"-" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" description:"The flow's name in the workspace."`
	Document string            `json:"document,omitempty" description:"The flow, as YAML or JSON text."`
	Hash     string            `json:"hash,omitempty" pattern:"^[0-9a-f]{64}$" description:"A stored version, in place of a document."`
	Renamed  map[string]string `json:"renamed,omitempty" nullable:"false" description:"Blocks that are called otherwise in it: old name to new one."`
	After    uuid.UUID         `json:"after,omitempty" description:"The next of the part before."`
}

// FlowInsight tells of flows what designers want to know.
type FlowInsight interface {
	// Stats counts what happened since a time; those are silent that had no turn for
	// the span. problem.NotFound for a flow that does not exist.
	Stats(ctx context.Context, ws uuid.UUID, name string, since time.Time, silent time.Duration) (FlowStats, error)
	// Rehearse runs a version over a part of the recorded conversations; reveal says
	// whether examples may show what was said. What is wrong with the document is
	// problem.Invalid.
	Rehearse(ctx context.Context, ws uuid.UUID, n NewRehearsal, reveal bool, actor string) (Rehearsal, error)
}

type flowStats struct {
	flowName
	Since  time.Time `query:"since" json:"-" required:"true" description:"From when on."`
	Silent int       `query:"silent" json:"-" default:"24" minimum:"1" maximum:"8760" description:"Hours without a turn after which a conversation counts as silent."`
}

type newRehearsal struct {
	NewRehearsal
	_ struct{} `additionalProperties:"false"`
}

func (s *server) insightRoutes() []route {
	const tag = "flows"
	return []route{
		op(s, route{method: http.MethodGet, path: "/v1/flows/{name}/stats", id: "getFlowStats", tag: tag, scope: "flows:read",
			summary: "Counts what happened in the blocks of a flow: entered, left, not understood, waiting, dropped off.", problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *flowStats) (FlowStats, error) {
				if in.Silent == 0 {
					in.Silent = 24
				}
				return s.o.Insight.Stats(ctx, p.Workspace, in.Name, in.Since, time.Duration(in.Silent)*time.Hour)
			}),
		op(s, route{method: http.MethodPost, path: "/v1/flows/{name}/rehearsals", id: "rehearseFlow", tag: tag, scope: "flows:write",
			summary:  "Runs a version over recorded conversations, some at a time, and tells which would go otherwise, and where. Nothing is sent or called. Examples show what was said to keys with the scope messages:read; it is recorded that they were read.",
			problems: []problem.Kind{problem.NotFound}},
			func(ctx context.Context, p Principal, in *newRehearsal) (Rehearsal, error) {
				return s.o.Insight.Rehearse(ctx, p.Workspace, in.NewRehearsal, p.May("messages:read"), p.Actor())
			}),
	}
}
