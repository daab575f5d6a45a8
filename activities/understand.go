package activities

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"parley/activities/hearing"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/misses"
	"parley/internal/models"
	"parley/internal/nlu/classify"
	"parley/internal/observe"
	"parley/workflows/flow"
)

// listen has what customers wrote understood before the flow is stepped, as far as
// the flow wants it. What the built-in engine makes of a text it makes of it again;
// what a service said is recorded with the event first, so that every run of the
// turn decides on the same.
func (a *Activities) listen(ctx context.Context, d *decision, p *flow.Program, state flow.State) error {
	if p == nil || p.Wanted() == nil || state.Handed {
		return nil
	}
	bot := a.bot(ctx, d.s.Workspace, p)
	if bot == nil {
		return nil
	}
	d.bot, d.heard = bot, map[int64]*sdk.Understanding{}
	turn := bot.Turn(flow.Input{State: state, Now: d.now, Channel: d.s.Connector, Contact: d.facts(),
		Conversation: d.s.ID.String(), Person: d.s.Contact.String()})
	for i, e := range d.s.Events {
		ev, err := decodeEvent(e)
		if err != nil {
			return err
		}
		if d.unheard(ev) || consentWord(d.channel, e) != "" || ev.Message != nil && ev.Message.Reply != nil {
			continue
		}
		if err := a.hear(ctx, d, turn, i, &ev); err != nil {
			return err
		}
	}
	return nil
}

// hear understands the i-th event.
func (a *Activities) hear(ctx context.Context, d *decision, turn *hearing.Turn, i int, ev *flow.Event) error {
	known := ev.Understood != nil
	ctx, span := observe.Tracer().Start(ctx, "understand")
	began := time.Now()
	r, err := turn.Hear(ctx, ev)
	span.SetAttributes(attribute.String("parley.engine", r.Engine), attribute.Bool("parley.services", r.Asked))
	observe.End(span, err)
	if err != nil || ev.Understood == nil {
		return err
	}
	d.heard[ev.Number] = ev.Understood
	if known {
		return nil
	}
	a.Metrics.understood(r, time.Since(began))
	if !r.Asked {
		return nil
	}
	body, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	if err := a.Conversations.Record(ctx, d.s, i, body); err != nil {
		return err
	}
	recorded, err := decodeEvent(d.s.Events[i])
	if err == nil && recorded.Understood != nil { // it may be another run's
		d.heard[ev.Number] = recorded.Understood
	}
	return err
}

// lookForModel is how often a bot that has no model yet looks whether there is one.
const lookForModel = 2 * time.Second

// heardBy is a bot in the cache. One that waits for its model is made anew.
type heardBy struct {
	*hearing.Bot
	until time.Time
}

// bot returns what understands for a program; nil if nothing can: a conversation goes
// on without being understood rather than not at all.
func (a *Activities) bot(ctx context.Context, ws uuid.UUID, p *flow.Program) *hearing.Bot {
	key := ws.String() + p.Hash()
	if b, ok := a.bots.Get(key); ok && (b.until.IsZero() || time.Now().Before(b.until)) {
		return b.Bot
	}
	var until time.Time
	var model *classify.Model
	if examples := hearing.Examples(p); len(examples) > 0 {
		var err error
		if model, err = a.Models.Get(ctx, ws, examples); err != nil {
			until = time.Now().Add(lookForModel)
			if !errors.Is(err, models.ErrTraining) {
				a.Log.WarnContext(ctx, "the model of a flow cannot be loaded", "workspace", ws, "flow", p.Name(), "error", observe.ErrText(err))
			}
		}
	}
	bot, err := hearing.New(p, model, func(connector string) sdk.Understander { return service{a, ws, connector} })
	if err != nil {
		until = time.Now().Add(lookForModel)
		a.Log.WarnContext(ctx, "a flow's understanding is not usable", "workspace", ws, "flow", p.Name(), "error", observe.ErrText(err))
	}
	a.bots.Add(key, heardBy{bot, until})
	return bot
}

// service is a workspace's connection of a connector that understands. It is looked
// up for each question: connections change.
type service struct {
	a         *Activities
	workspace uuid.UUID
	connector string
}

// Understand implements [sdk.Understander]. A connection that is out is not asked.
func (s service) Understand(ctx context.Context, u sdk.Utterance) (sdk.Understanding, error) {
	conn, err := s.a.Connections.ForConnector(ctx, s.workspace, s.connector)
	if errors.Is(err, connections.ErrNotFound) {
		return sdk.Understanding{}, &sdk.Error{Class: sdk.NotFound, Code: "no_connection", Message: "the workspace has no connection of this connector"}
	}
	if err != nil {
		return sdk.Understanding{}, err
	}
	out, err := s.a.Outages.Current(ctx, s.workspace, conn.ID)
	if err != nil {
		return sdk.Understanding{}, err
	}
	if out != nil && out.Open() {
		return sdk.Understanding{}, &sdk.Error{Class: sdk.Unavailable, Code: "outage", Message: "the connection is out"}
	}
	engine, ok := conn.Conn.(sdk.Understander)
	if !ok {
		return sdk.Understanding{}, sdk.Invalidf("the connector %s does not understand language", s.connector)
	}
	return engine.Understand(ctx, u)
}

// missed collects what a step did not understand.
func (d *decision) missed(p *flow.Program, all []flow.Miss, events []flow.Event) {
	for _, m := range all {
		for _, ev := range events {
			if ev.Number != m.Number || ev.Message == nil || d.bot == nil {
				continue
			}
			one := misses.Miss{Conversation: d.s.ID, Number: m.Number, Flow: p.Name(), FlowHash: p.Hash(), Block: m.Block, Text: ev.Message.Text}
			one.Guess, one.Confidence = d.bot.Guess(one.Text)
			if u := ev.Understood; u != nil {
				one.Language = u.Language
			}
			d.misses = append(d.misses, one)
		}
	}
}

// keepMisses stores what was not understood, for people to look at. The answer to
// the customer does not depend on it.
func (a *Activities) keepMisses(ctx context.Context, d *decision) {
	if len(d.misses) == 0 {
		return
	}
	a.Metrics.missed(len(d.misses))
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := a.Misses.Keep(ctx, d.s.Workspace, d.s.Contact, d.misses); err != nil {
		a.Log.WarnContext(ctx, "what was not understood could not be kept", "conversation", d.s.ID, "error", observe.ErrText(err))
	}
}

// listened gives an event what was understood of it.
func (d *decision) listened(ev flow.Event) flow.Event {
	if u := d.heard[ev.Number]; u != nil {
		ev.Understood = u
	}
	return ev
}

// listening is what a decision knows of what customers wrote.
type listening struct {
	bot    *hearing.Bot
	heard  map[int64]*sdk.Understanding
	misses []misses.Miss
}
