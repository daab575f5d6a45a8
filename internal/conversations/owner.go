package conversations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/bus"
)

// Kinds of owners.
const (
	OwnerBot   = "bot"
	OwnerHuman = "human"
	OwnerCase  = "case"
)

// ErrOwned tells that somebody else answers the conversation.
var ErrOwned = errors.New("conversations: somebody else has taken the conversation")

// ErrNotTaken tells that no person has the conversation who could speak in it.
var ErrNotTaken = errors.New("conversations: nobody has taken the conversation")

// Agent is a person who speaks in a conversation.
type Agent struct {
	// ID is an opaque name.
	ID string
	// Actor is who asked for it, for the audit trail.
	Actor string
}

// Take gives the conversation to a human agent: the bot is silent from this
// moment on, also about what has arrived and was not answered. Taking what one
// has already changes nothing; what another person has is ErrOwned. The target is
// to be woken, so that the flow hears of it.
func (c *Conversations) Take(ctx context.Context, k Key, by Agent) (bus.Target, error) {
	return c.own(ctx, k, by, ownerChange{kind: bus.KindTaken, action: "conversation.take", next: func(o Owner) (Owner, error) {
		if o.Kind == OwnerHuman && o.ID != "" && o.ID != by.ID {
			return o, ErrOwned
		}
		return Owner{Kind: OwnerHuman, ID: by.ID}, nil
	}})
}

// Return gives the conversation back to the bot. Only the agent who has it can;
// one that waits in a queue has nobody yet, and anybody can. What the bot has
// already stays as it is.
func (c *Conversations) Return(ctx context.Context, k Key, by Agent) (bus.Target, error) {
	return c.own(ctx, k, by, ownerChange{kind: bus.KindReturned, action: "conversation.return", next: func(o Owner) (Owner, error) {
		if o.Kind == OwnerCase || o.Kind == OwnerHuman && o.ID != "" && o.ID != by.ID {
			return o, ErrOwned
		}
		return Owner{Kind: OwnerBot}, nil
	}})
}

// HandOver gives the conversation to people, whoever takes it next: those of a queue,
// or of the workspace's live chat. Only the agent who has it can, or anybody if no
// person has. The target is to be woken, so that a turn asks the live chat.
func (c *Conversations) HandOver(ctx context.Context, k Key, by Agent, to Handoff) (bus.Target, error) {
	return c.own(ctx, k, by, ownerChange{kind: bus.KindHandoff, action: "conversation.hand_over", handoff: to, next: func(o Owner) (Owner, error) {
		if o.Kind == OwnerCase || o.Kind == OwnerHuman && o.ID != "" && o.ID != by.ID {
			return o, ErrOwned
		}
		return Owner{Kind: OwnerHuman}, nil
	}})
}

// Say keeps what the agent who has the conversation says, to be sent in its turn.
// id identifies it over repeats. Nobody else can: ErrOwned or ErrNotTaken.
func (c *Conversations) Say(ctx context.Context, k Key, by Agent, id uuid.UUID, content sdk.Content) (bus.Target, error) {
	body, err := json.Marshal(map[string]any{"content": content, "agent": by.ID})
	if err != nil {
		return bus.Target{}, fmt.Errorf("conversations: say: %w", err)
	}
	once := bus.Once(nil, "agent", k.ID.String(), id.String())
	return c.inLocked(ctx, k, body, func(tx pgx.Tx, r locked) (bus.Target, error) {
		switch {
		case r.owner.Kind != OwnerHuman || r.owner.ID == "":
			return r.target, ErrNotTaken
		case r.owner.ID != by.ID:
			return r.target, ErrOwned
		}
		tag, err := tx.Exec(ctx, `INSERT INTO inbox_seen (workspace_id, event) VALUES ($1, $2) ON CONFLICT DO NOTHING`, k.Workspace, once)
		if err != nil || tag.RowsAffected() == 0 {
			return r.target, err
		}
		return r.keep(ctx, tx, bus.KindAgent, "conversation.say", by.Actor)
	})
}

// ownerChange is a change of owner and the event that tells the flow of it.
type ownerChange struct {
	kind, action string
	next         func(Owner) (Owner, error)
	// handoff says where it goes, of kind handoff.
	handoff Handoff
}

// ownerEvent is the body of the event that tells of a change.
type ownerEvent struct {
	Kind string `json:"kind"`
	Handoff
}

// own changes the owner and keeps the event in one transaction, so that no crash
// can leave a flow that does not know who answers.
func (c *Conversations) own(ctx context.Context, k Key, by Agent, ch ownerChange) (bus.Target, error) {
	body, err := json.Marshal(ownerEvent{ch.kind, ch.handoff})
	if err != nil {
		return bus.Target{}, fmt.Errorf("conversations: owner: %w", err)
	}
	return c.inLocked(ctx, k, body, func(tx pgx.Tx, r locked) (bus.Target, error) {
		next, err := ch.next(r.owner)
		if err != nil || next.Kind == r.owner.Kind && next.ID == r.owner.ID && ch.kind != bus.KindHandoff {
			return r.target, err
		}
		if _, err := tx.Exec(ctx, `UPDATE conversations SET owner_kind = $3, owner_id = $4, owner_version = owner_version + 1, queue = $5, queued_at = CASE WHEN $5 <> '' THEN now() END
			WHERE workspace_id = $1 AND id = $2`, k.Workspace, k.ID, next.Kind, next.ID, ch.handoff.Queue); err != nil {
			return r.target, err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject, data) VALUES ($1, $2, $3, jsonb_build_object('agent', $4::text))`,
			k.Workspace, ch.action, "conversation/"+k.ID.String(), by.ID); err != nil {
			return r.target, err
		}
		return r.keep(ctx, tx, ch.kind, ch.action, by.Actor)
	})
}

// locked is a conversation whose row this transaction holds.
type locked struct {
	owner  Owner
	target bus.Target
	sealed []byte
}

// inLocked seals the body of an event under the conversation's key and runs fn
// with the conversation's row locked.
func (c *Conversations) inLocked(ctx context.Context, k Key, body []byte, fn func(pgx.Tx, locked) (bus.Target, error)) (bus.Target, error) {
	ref, err := c.Ref(ctx, k)
	if err != nil {
		return bus.Target{}, err
	}
	r := locked{target: bus.Target{Workspace: k.Workspace, ID: k.ID, WorkflowID: ref.WorkflowID, Channel: ref.Connector}}
	if r.sealed, err = c.vault.Seal(ctx, bus.ConversationKey(k.Workspace, ref.Contact), bus.PlaceBody, body); err != nil {
		return r.target, err
	}
	err = c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `SELECT owner_kind, owner_id, owner_version, last_number FROM conversations WHERE workspace_id = $1 AND id = $2 FOR UPDATE`,
			k.Workspace, k.ID).Scan(&r.owner.Kind, &r.owner.ID, &r.owner.Version, &r.target.Number)
		if err != nil {
			return err
		}
		r.target, err = fn(tx, r)
		return err
	})
	if err != nil && !errors.Is(err, ErrOwned) && !errors.Is(err, ErrNotTaken) {
		return r.target, fmt.Errorf("conversations: owner: %w", err)
	}
	return r.target, err
}

// keep numbers the event, stores it, and records who asked for it.
func (r locked) keep(ctx context.Context, tx pgx.Tx, kind, action, actor string) (bus.Target, error) {
	t := r.target
	err := tx.QueryRow(ctx, `UPDATE conversations SET last_number = last_number + 1, event_at = now() WHERE workspace_id = $1 AND id = $2 RETURNING last_number`,
		t.Workspace, t.ID).Scan(&t.Number)
	if err != nil {
		return t, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO inbox (workspace_id, subject_id, number, kind, body) VALUES ($1, $2, $3, $4, $5)`,
		t.Workspace, t.ID, t.Number, kind, r.sealed); err != nil {
		return t, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`, t.Workspace, actor, action, t.ID.String())
	return t, err
}
