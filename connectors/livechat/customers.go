package livechat

import (
	"context"
	"errors"
	"sync"
	"time"

	"parley/connectors/sdk"
)

// customers remembers the tokens of the customers of chats that are under way.
type customers struct {
	mu     sync.Mutex
	byChat map[string]identity
}

// identity is a customer's token and until when it is good.
type identity struct {
	token string
	until time.Time
}

// mostRemembered bounds the tokens in memory; one that is not remembered is issued
// anew.
const mostRemembered = 5000

// early is how long before its end a token is not used any more.
const early = 5 * time.Minute

func (s *customers) get(chat string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.byChat[chat]
	return i.token, ok && time.Now().Before(i.until)
}

func (s *customers) put(chat string, i identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byChat == nil || len(s.byChat) >= mostRemembered {
		s.byChat = map[string]identity{}
	}
	s.byChat[chat] = i
}

func (s *customers) forget(chat string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byChat, chat)
}

// issue has a token issued for a customer, or for a new one if id is empty
// ("Customer authorization", agent token grant).
func (c *connection) issue(ctx context.Context, id string) (identity, error) {
	body := map[string]string{"grant_type": "agent_token", "client_id": c.ClientID, "response_type": "token"}
	if id != "" {
		body["entity_id"] = id
	}
	var out struct {
		Token     string `json:"access_token"`
		ExpiresIn int    `json:"expires_in"`
	}
	if err := c.asAgent(ctx, c.accounts+"/v2/customer/token", body, &out); err != nil {
		return identity{}, notYet(err)
	}
	if out.Token == "" {
		return identity{}, &sdk.Error{Class: sdk.Unavailable, Message: "LiveChat issued no customer's token: check base_url"}
	}
	return identity{out.Token, time.Now().Add(time.Duration(out.ExpiresIn)*time.Second - early)}, nil
}

// notYet marks an error of what comes before the effect itself: nothing that counts
// was done.
func notYet(err error) error {
	if e, ok := errors.AsType[*sdk.Error](err); ok && e.Class == sdk.Unavailable {
		before := *e
		before.Wrote = false
		return &before
	}
	return err
}

// asCustomerOf calls an action as the customer of a chat. A token that was refused
// is replaced, once.
func (c *connection) asCustomerOf(ctx context.Context, chat, action string, body, into any) error {
	token, known := c.customers.get(chat)
	if known {
		err := c.customer(ctx, token, action, body, into)
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.Auth {
			return err
		}
		c.customers.forget(chat)
	}
	got, err := c.getChat(ctx, chat)
	if err != nil {
		return notYet(err)
	}
	id := got.customer()
	if id == "" {
		return &sdk.Error{Class: sdk.NotFound, Message: "the chat has no customer"}
	}
	i, err := c.issue(ctx, id)
	if err != nil {
		return err
	}
	c.customers.put(chat, i)
	return c.customer(ctx, i.token, action, body, into)
}
