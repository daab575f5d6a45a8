package zendesk

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

const (
	// pollEvery keeps far below the ten exports a minute that Zendesk allows
	// (https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/).
	pollEvery = 2 * time.Minute
	// lateness is how late a comment may come into the export, which leaves out the
	// newest minute. What is told twice is known by the comment's ID.
	lateness = 10 * time.Minute
	// Bounds of one poll: pages of the export, and tickets whose comments are read.
	pollPages, pollTickets = 5, 50
	// newest is how many of a ticket's comments are read.
	newest = 30
)

// Poll asks what the staff has written, for what webhooks could not be delivered:
// Zendesk repeats one for minutes only. Its events have the IDs of the webhooks'. The
// export is for users with the role admin; with another there is nothing to ask. A
// cursor is the time up to which all was told, and Zendesk's place in the export.
func (c *connection) Poll(ctx context.Context, cursor string) ([]sdk.Event, string, error) {
	began := time.Now()
	u, err := c.me(ctx)
	if err != nil || u.Role != "admin" {
		return nil, cursor, err
	}
	since, query, err := place(cursor, began)
	if err != nil {
		return nil, "", err
	}
	var events []sdk.Event
	for page, read := 0, 0; page < pollPages && read < pollTickets; page++ {
		var export struct {
			Tickets []ticket `json:"tickets"`
			After   string   `json:"after_cursor"`
			End     bool     `json:"end_of_stream"`
		}
		if err := c.get(ctx, "/api/v2/incremental/tickets/cursor", query, &export); err != nil {
			return nil, "", err
		}
		for _, t := range export.Tickets {
			if !keyForm.MatchString(t.ExternalID) || t.ID == "" {
				continue // somebody else's
			}
			said, err := c.saidIn(ctx, t, since, u.ID)
			if err != nil {
				return nil, "", err
			}
			events, read = append(events, said...), read+1
		}
		if export.After != "" {
			query = url.Values{"cursor": {export.After}}
		}
		if export.End || export.After == "" {
			since = began.Add(-lateness)
			break
		}
	}
	slices.SortStableFunc(events, func(a, b sdk.Event) int { return a.At.Compare(b.At) })
	return events, strconv.FormatInt(since.Unix(), 10) + " " + query.Get("cursor"), nil
}

// place reads a cursor. Without one, or without a place in the export, the export
// begins at the time up to which all was told.
func place(cursor string, now time.Time) (since time.Time, query url.Values, err error) {
	since = now.Add(-lateness)
	at, after, _ := strings.Cut(cursor, " ")
	if cursor != "" {
		secs, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return since, nil, sdk.Invalidf("the cursor is not readable")
		}
		since = time.Unix(secs, 0)
	}
	if after != "" {
		return since, url.Values{"cursor": {after}}, nil
	}
	return since, url.Values{"start_time": {strconv.FormatInt(since.Unix(), 10)}}, nil
}

// saidIn are the staff's public comments in a ticket since a time.
func (c *connection) saidIn(ctx context.Context, t ticket, since time.Time, own id) ([]sdk.Event, error) {
	var answer struct {
		Comments []struct {
			ID      id        `json:"id"`
			Author  id        `json:"author_id"`
			Body    string    `json:"body"`
			Public  bool      `json:"public"`
			Created time.Time `json:"created_at"`
		} `json:"comments"`
		Users []struct {
			ID   id     `json:"id"`
			Name string `json:"name"`
			Role string `json:"role"`
		} `json:"users"`
	}
	err := c.get(ctx, ticketPath(t.ID)+"/comments", url.Values{"sort": {"-created_at"}, "page[size]": {strconv.Itoa(newest)}, "include": {"users"}}, &answer)
	if err != nil {
		return nil, err
	}
	staff := map[id]string{}
	for _, u := range answer.Users {
		if u.Role == "agent" || u.Role == "admin" {
			staff[u.ID] = u.Name
		}
	}
	var events []sdk.Event
	for _, said := range answer.Comments {
		name, ok := staff[said.Author]
		if !ok || !said.Public || said.Author == own || said.Author == t.Requester || said.ID == "" || said.Created.Before(since) {
			continue
		}
		events = append(events, saidEvent(said.ID, said.Created, t.ExternalID, role.Said{
			Text: said.Body, Agent: name, Ticket: string(t.ID)}))
	}
	return events, nil
}

// saidEvent is the event of a comment, which is known by the comment's ID.
func saidEvent(comment id, at time.Time, key string, said role.Said) sdk.Event {
	return sdk.Event{ID: "comment/" + string(comment), Kind: sdk.EventProvider, Type: commentAdded, At: at.UTC(),
		Provider: &sdk.ProviderEvent{Name: role.AgentSaid, EffectKey: key, Refs: []string{said.Ticket}, Data: sdk.JSONBody(said)}}
}
