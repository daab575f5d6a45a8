package roles

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"parley/api"
	"parley/internal/conversations"
)

// Heard lists what a conversation has answered.
func (r messageResource) Heard(ctx context.Context, ws, id uuid.UUID, q api.PageQuery) ([]api.Heard, string, error) {
	after, err := cursorNumber(q.After)
	if err != nil {
		return nil, "", err
	}
	key := conversations.Key{Workspace: ws, ID: id}
	if _, err := r.conversations.Ref(ctx, key); err != nil {
		return nil, "", conversationProblem(err)
	}
	got, err := r.conversations.Heard(ctx, key, after, q.Limit+1)
	return part(got, q, showHeard, func(h conversations.Heard) string { return strconv.FormatInt(h.Number, 10) }, err)
}

func showHeard(h conversations.Heard) api.Heard {
	return api.Heard{Number: h.Number, Turn: h.Turn, Kind: h.Kind, At: h.At, TurnAt: h.TurnAt, FlowHash: h.FlowHash, Body: json.RawMessage(h.Body)}
}
