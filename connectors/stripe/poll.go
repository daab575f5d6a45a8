package stripe

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"parley/connectors/sdk"

	stripego "github.com/stripe/stripe-go/v85"
)

const (
	// pageSize is the largest page of Stripe's lists.
	pageSize = 100
	// pollPages bounds one poll to what the seam allows.
	pollPages = 5
	// firstPages bounds the walk through what a young account has.
	firstPages = 50
	// lateness is how late an event may come into the list: Stripe promises no order.
	// A cursor stays that far behind, and what is told twice is known by its ID.
	lateness = 5 * time.Minute
	// lookBack is where the first poll begins. Events can be listed for 30 days
	// (https://docs.stripe.com/api/events/list).
	lookBack = 24 * time.Hour
)

// eventPage is a page of events, newest first, each as a webhook would bring it.
type eventPage struct {
	stripego.APIResource
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
}

// Poll implements sdk.Poller by the Events API. Its events are those of webhooks,
// with the same IDs. The cursor is the ID of an event that is old enough for all
// before it to be in the list.
func (c *connection) Poll(ctx context.Context, cursor string) ([]sdk.Event, string, error) {
	if err := c.ready(); err != nil {
		return nil, "", err
	}
	if cursor == "" {
		anchor, err := c.anchor(ctx)
		if err != nil {
			return nil, "", err
		}
		if anchor == "" {
			return c.pollAll(ctx)
		}
		cursor = anchor
	}
	var raw []json.RawMessage
	for at, n := cursor, 0; n < pollPages; n++ {
		page, err := c.events(ctx, url.Values{"ending_before": {at}})
		if err != nil {
			return nil, "", err
		}
		slices.Reverse(page.Data)
		raw = append(raw, page.Data...)
		if len(page.Data) == 0 || !page.HasMore {
			break
		}
		if at = idOf(page.Data[len(page.Data)-1]); at == "" {
			break
		}
	}
	return c.told(raw, cursor)
}

// anchor is the newest event from before the time at which the first poll begins;
// empty if there is none.
func (c *connection) anchor(ctx context.Context) (string, error) {
	since := strconv.FormatInt(c.now().Add(-lookBack).Unix(), 10)
	page, err := c.events(ctx, url.Values{"created[lte]": {since}, "limit": {"1"}})
	if err != nil || len(page.Data) == 0 {
		return "", err
	}
	return idOf(page.Data[0]), nil
}

// pollAll reads the list of an account that is younger than lookBack to its end, and
// tells the oldest.
func (c *connection) pollAll(ctx context.Context) ([]sdk.Event, string, error) {
	var raw []json.RawMessage
	query := url.Values{}
	for range firstPages {
		page, err := c.events(ctx, query)
		if err != nil {
			return nil, "", err
		}
		raw = append(raw, page.Data...)
		if len(page.Data) == 0 || !page.HasMore {
			break
		}
		query.Set("starting_after", idOf(page.Data[len(page.Data)-1]))
	}
	slices.Reverse(raw)
	return c.told(raw[:min(len(raw), pollPages*pageSize)], "")
}

func (c *connection) events(ctx context.Context, query url.Values) (*eventPage, error) {
	if !query.Has("limit") {
		query.Set("limit", strconv.Itoa(pageSize))
	}
	for i, kind := range sources {
		query.Set("types["+strconv.Itoa(i)+"]", kind)
	}
	page := &eventPage{}
	err := c.backend.CallRaw(http.MethodGet, "/v1/events", c.config.SecretKey, []byte(query.Encode()), &stripego.Params{Context: ctx}, page)
	return page, err
}

// sources are the kinds of events that our triggers are made of; Stripe allows 20.
var sources = func() (out []string) {
	for _, t := range triggers {
		out = append(out, t.Source...)
	}
	return out
}()

// told parses events and moves the cursor to the newest that is old enough. One that
// cannot be read is left out, as its webhook would be refused: it must not stop the
// others.
func (c *connection) told(raw []json.RawMessage, cursor string) ([]sdk.Event, string, error) {
	var out []sdk.Event
	for _, body := range raw {
		events, err := c.Parse(sdk.WebhookRequest{Body: body})
		if err != nil {
			continue
		}
		for _, e := range events {
			out = append(out, e)
			if !e.At.IsZero() && c.now().Sub(e.At) > lateness {
				cursor = e.ID
			}
		}
	}
	return out, cursor, nil
}

func idOf(raw json.RawMessage) string {
	var e struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(raw, &e) // without one the list is at its end
	return e.ID
}
