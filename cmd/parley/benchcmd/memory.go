package benchcmd

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"parley/connectors/sdk"
)

// replies tells whoever waits that a conversation was answered.
type replies struct{ waiting sync.Map } // address → chan struct{}

func (r *replies) expect(address string) <-chan struct{} {
	ch := make(chan struct{}, 1)
	r.waiting.Store(address, ch)
	return ch
}

func (r *replies) arrived(address string) {
	if ch, ok := r.waiting.LoadAndDelete(address); ok {
		ch.(chan struct{}) <- struct{}{}
	}
}

// memoryConnector is a channel that ends in this process, with one operation.
func memoryConnector(r *replies) sdk.Connector {
	type query struct {
		Query string `json:"query"`
	}
	type found struct {
		Count int `json:"count"`
	}
	return sdk.Connector{
		Name: "bench", Title: "In-memory channel of the measurement", Config: &struct{}{},
		Operations: []sdk.Operation{
			sdk.Op("look_up", "Answers at once.", sdk.Effect{Kind: sdk.Keyed, KeyLifetime: 24 * time.Hour},
				func(*memoryChannel, context.Context, sdk.Call, query) (found, error) { return found{1}, nil }),
		},
		Channel: &sdk.Channel{Effect: sdk.Effect{Kind: sdk.Once}, Echoes: true, SettleAfter: 30 * time.Second, TextMax: 4096},
		Open:    func(json.RawMessage, sdk.Host) (any, error) { return &memoryChannel{r}, nil },
	}
}

type memoryChannel struct{ replies *replies }

// Send implements sdk.Sender.
func (c *memoryChannel) Send(_ context.Context, out sdk.Outgoing) (sdk.Receipt, error) {
	c.replies.arrived(out.To.Value)
	return sdk.Receipt{MessageID: out.Key}, nil
}
