package salesforce

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// Change is what is told of a record. It carries no personal data: what a contact now
// is like is asked for by contact_get.
type Change struct {
	ID         string `json:"id" doc:"Salesforce's ID of the record."`
	ExternalID string `json:"external_id,omitempty" doc:"Your own identifier of a contact or lead."`
	Status     string `json:"status,omitempty" doc:"The status of a lead."`
	Owner      string `json:"owner,omitempty" doc:"Salesforce's ID of the user who has it."`
	Contact    string `json:"contact,omitempty" doc:"Salesforce's ID of the contact that a lead has become."`
}

// DealState is what is told of an opportunity.
type DealState struct {
	ID       string `json:"id" doc:"Salesforce's ID of the opportunity."`
	Stage    string `json:"stage,omitempty" doc:"The stage's API name."`
	Amount   string `json:"amount,omitempty" doc:"The amount as Salesforce writes it, a decimal number."`
	Currency string `json:"currency,omitempty" doc:"ISO 4217 code, where the connection knows it."`
	Owner    string `json:"owner,omitempty" doc:"Salesforce's ID of the user who has it."`
	Closed   bool   `json:"closed" doc:"Whether it is over."`
	Won      bool   `json:"won" doc:"Whether it was won."`
}

var triggers = []sdk.Trigger{
	{Name: "contact.created", Payload: Change{}, Source: []string{"Contact"}, Summary: "A contact was made."},
	{Name: "contact.changed", Payload: Change{}, Source: []string{"Contact"}, Summary: "A contact was changed, once or several times."},
	{Name: "contact.deleted", Payload: Change{}, Source: []string{"Contact"}, Summary: "A contact was deleted, or merged into another."},
	{Name: "lead.created", Payload: Change{}, Source: []string{"Lead"}, Summary: "A lead was made."},
	{Name: "lead.changed", Payload: Change{}, Source: []string{"Lead"}, Summary: "A lead was changed, once or several times, or converted."},
	{Name: "lead.deleted", Payload: Change{}, Source: []string{"Lead"}, Summary: "A lead was deleted, or merged into another."},
	{Name: "deal.created", Payload: DealState{}, Source: []string{"Opportunity"}, Summary: "An opportunity was opened."},
	{Name: "deal.changed", Payload: DealState{}, Source: []string{"Opportunity"}, Summary: "An opportunity was changed, once or several times, such as its stage."},
	{Name: "deal.deleted", Payload: DealState{}, Source: []string{"Opportunity"}, Summary: "An opportunity was deleted."},
}

const (
	// lateness is how old a change must be to be told. A transaction stamps a record
	// before others can see it: within this time it has ended. It also ends the second
	// that stamps are counted in, so that no later change has the same.
	lateness = time.Minute
	// lookBack is where the first poll begins.
	lookBack = time.Hour
	// most is the largest answer that the seam allows.
	most = 500
)

// mark is the last change of an object that was told. Changes are told in the order of
// their stamps, those of the same stamp in Salesforce's order of the records' IDs.
type mark struct {
	At time.Time `json:"at"`
	ID string    `json:"id,omitempty"`
}

// polled are the objects whose changes are told, and how news of them is called.
var polled = []struct{ object, noun string }{{"Contact", "contact"}, {"Lead", "lead"}, {"Opportunity", "deal"}}

// news is a changed record.
type news struct {
	object, noun string
	mark
	row
}

// Poll implements sdk.Poller by SOQL on SystemModstamp. The cursor holds a mark for each
// object, so that of records with the same stamp none is lost and none told twice. What
// changed several times between two polls is told once, as it then is.
func (c *connection) Poll(ctx context.Context, cursor string) ([]sdk.Event, string, error) {
	horizon := c.now().Add(-lateness).UTC().Truncate(time.Second)
	marks, err := readCursor(cursor, horizon.Add(-lookBack))
	if err != nil {
		return nil, "", err
	}
	var all []news
	for _, p := range polled {
		found, err := c.changes(ctx, p.object, marks[p.object], horizon)
		if err != nil {
			return nil, "", err
		}
		for _, r := range found {
			n := news{p.object, p.noun, mark{r.time("SystemModstamp"), r.text("Id")}, r}
			if n.At.Before(marks[p.object].At) || !recordID.MatchString(n.ID) {
				return nil, "", unreadable()
			}
			all = append(all, n)
		}
	}
	// A stable sort leaves an object's records in Salesforce's order, whatever that is.
	slices.SortStableFunc(all, func(a, b news) int { return a.At.Compare(b.At) })
	events := []sdk.Event{}
	before := map[string]mark{}
	for k, m := range marks {
		before[k] = m
	}
	for _, n := range all[:min(len(all), most)] {
		events = append(events, c.event(n, before[n.object]))
		marks[n.object] = n.mark
	}
	return events, string(sdk.JSONBody(marks)), nil
}

func readCursor(cursor string, begin time.Time) (map[string]mark, error) {
	marks := map[string]mark{}
	if cursor != "" && json.Unmarshal([]byte(cursor), &marks) != nil {
		return nil, sdk.Invalidf("the cursor is none of this connector's")
	}
	for _, p := range polled {
		m, has := marks[p.object]
		if !has {
			marks[p.object] = mark{At: begin}
		} else if m.At.IsZero() || m.ID != "" && !recordID.MatchString(m.ID) {
			return nil, sdk.Invalidf("the cursor is none of this connector's")
		}
	}
	return marks, nil
}

// changes are the records of an object that were changed after the mark and before the
// horizon, the earliest first. Where Salesforce's clock is behind ours, the horizon is
// behind too.
func (c *connection) changes(ctx context.Context, object string, after mark, horizon time.Time) ([]row, error) {
	stamp := moment(after.At)
	since := "SystemModstamp >= " + stamp
	if after.ID != "" {
		since = anyOf("SystemModstamp > "+stamp, "(SystemModstamp = "+stamp+" AND "+"Id > "+quote(after.ID)+")")
	}
	soql := "SELECT Id, SystemModstamp, CreatedDate, IsDeleted, OwnerId, " + c.extra(object) + " FROM " + object +
		" WHERE " + since + " AND SystemModstamp < " + moment(horizon) + " ORDER BY SystemModstamp, Id" + limit(most)
	rows, at, err := c.queryAt(ctx, "queryAll", soql)
	if err != nil || at.IsZero() {
		return rows, err
	}
	if theirs := at.Add(-lateness); theirs.Before(horizon) {
		rows = slices.DeleteFunc(rows, func(r row) bool { return !r.time("SystemModstamp").Before(theirs) })
	}
	return rows, nil
}

// extra are the fields that are told of an object beside those that all have.
func (c *connection) extra(object string) string {
	switch object {
	case "Lead":
		return "Status, ConvertedContactId, " + c.ExternalID
	case "Opportunity":
		fields := "StageName, Amount, IsClosed, IsWon, " + c.Key
		if c.Many {
			fields += ", CurrencyIsoCode"
		}
		return fields
	}
	return c.ExternalID
}

// event tells of a change. Its ID is made of record and stamp: no record has two
// changes of one stamp that are told.
func (c *connection) event(n news, before mark) sdk.Event {
	p := &sdk.ProviderEvent{Name: n.noun + ".changed", Refs: []string{n.ID}}
	switch {
	case n.flag("IsDeleted"):
		p.Name = n.noun + ".deleted"
	case n.time("CreatedDate").After(before.At), n.time("CreatedDate").Equal(n.At):
		p.Name = n.noun + ".created"
	}
	if n.object == "Opportunity" {
		d := c.deal(n.row)
		p.Data = sdk.JSONBody(DealState{ID: d.ID, Stage: d.Stage, Amount: d.Amount, Currency: d.Currency, Owner: d.Owner, Closed: d.Closed, Won: d.Won})
		if key := n.text(c.Key); len(key) <= 64 {
			p.EffectKey = key
		}
	} else {
		change := Change{ID: n.ID, Status: n.text("Status"), Owner: n.text("OwnerId"), Contact: n.text("ConvertedContactId")}
		if id := n.text(c.ExternalID); !strings.HasPrefix(id, ours) {
			change.ExternalID = id
		}
		p.Data = sdk.JSONBody(change)
	}
	return sdk.Event{ID: n.object + "/" + n.ID + "/" + n.At.Format(time.RFC3339Nano), Kind: sdk.EventProvider, Type: n.object, At: n.At, Provider: p}
}
