package conversations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Ref is a conversation and what it belongs to.
type Ref struct {
	Key
	Contact    uuid.UUID
	Connection uuid.UUID
	Connector  string
	WorkflowID string
}

// Ref looks up what a conversation belongs to.
func (c *Conversations) Ref(ctx context.Context, k Key) (Ref, error) {
	r := Ref{Key: k}
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT contact_id, connection_id, connector, workflow_id FROM conversations WHERE workspace_id = $1 AND id = $2`,
			k.Workspace, k.ID).Scan(&r.Contact, &r.Connection, &r.Connector, &r.WorkflowID)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return r, ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("conversations: %w", err)
	}
	return r, nil
}

// Requested is an effect that a turn planned, as its call performs it.
type Requested struct {
	Ref  string `json:"ref"`
	Kind string `json:"kind"`
	// Role by which a connection of the workspace is found, where the flow names no
	// connector; Connection is the one that was found.
	Role       string          `json:"role,omitempty"`
	Connection uuid.UUID       `json:"connection,omitzero"`
	Connector  string          `json:"connector,omitempty"`
	Operation  string          `json:"operation,omitempty"`
	Input      json.RawMessage `json:"input,omitempty"`
	// At is when it was planned: a time that every attempt sees the same.
	At time.Time `json:"-"`
}

// Requested returns the planned effect of a key.
func (c *Conversations) Requested(ctx context.Context, k Key, effect string) (Requested, error) {
	var sealed []byte
	var out Requested
	err := c.db.InWorkspace(ctx, k.Workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT request, created_at FROM effects WHERE workspace_id = $1 AND key = $2 AND subject_id = $3`,
			k.Workspace, effect, k.ID).Scan(&sealed, &out.At)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return out, ErrNotFound
	}
	if err != nil {
		return out, fmt.Errorf("conversations: %w", err)
	}
	plain, err := c.vault.Open(ctx, PlaceRequest, sealed)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(plain, &out)
}
