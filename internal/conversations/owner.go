package conversations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/internal/bus"
)

// ErrOwned tells that somebody else answers the conversation.
var ErrOwned = errors.New("conversations: somebody else has taken the conversation")

// Take gives the conversation to a human agent: the bot is silent from this
// moment on, also for what has arrived and not been answered. Taking what one
// has already changes nothing; what another person has is refused.
func (c *Conversations) Take(ctx context.Context, k Key, agent string) error {
	return c.own(ctx, k, `SET owner_kind = 'human', owner_id = $3, owner_version = owner_version + 1, queue = '', queued_at = NULL
		WHERE workspace_id = $1 AND id = $2 AND (owner_kind <> 'human' OR owner_id IN ('', $3))`, agent, "conversation.take")
}

// Return gives the conversation back to the bot.
func (c *Conversations) Return(ctx context.Context, k Key, agent string) error {
	return c.own(ctx, k, `SET owner_kind = 'bot', owner_id = '', owner_version = owner_version + 1, queue = '', queued_at = NULL
		WHERE workspace_id = $1 AND id = $2 AND owner_kind = 'human' AND owner_id IN ('', $3)`, agent, "conversation.return")
}

func (c *Conversations) own(ctx context.Context, k Key, set, agent, action string) error {
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE conversations `+set, k.Workspace, k.ID, agent)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			var exists bool
			if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM conversations WHERE workspace_id = $1 AND id = $2)`, k.Workspace, k.ID).Scan(&exists); err != nil {
				return err
			}
			if !exists {
				return ErrNotFound
			}
			return ErrOwned
		}
		if _, err := tx.Exec(ctx, `INSERT INTO events (workspace_id, type, subject) VALUES ($1, $2, $3)`, k.Workspace, action, "conversation/"+k.ID.String()); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, object) VALUES ($1, $2, $3, $4)`, k.Workspace, agent, action, k.ID.String())
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrOwned) {
		return fmt.Errorf("conversations: owner: %w", err)
	}
	return err
}

// OwnerArrival is the inbox event that tells the conversation's flow of a change
// of owner: bus.KindTaken or bus.KindReturned.
func OwnerArrival(r Ref, kind string) (bus.Arrival, error) {
	body, err := json.Marshal(map[string]string{"kind": kind})
	return bus.Arrival{Workspace: r.Workspace, Conversation: r.ID, Contact: r.Contact, WorkflowID: r.WorkflowID, Kind: kind, Body: body}, err
}

// AgentArrival is the inbox event by which a human agent says something. once
// identifies it over repeats, or is nil.
func AgentArrival(r Ref, agent string, content sdk.Content, once []byte) (bus.Arrival, error) {
	body, err := json.Marshal(map[string]any{"content": content, "agent": agent})
	return bus.Arrival{Workspace: r.Workspace, Conversation: r.ID, Contact: r.Contact, WorkflowID: r.WorkflowID, Kind: bus.KindAgent, Body: body, Once: once}, err
}
