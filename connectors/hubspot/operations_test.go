package hubspot_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/connectors/hubspot"
	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
	"parley/connectors/sdk/role"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAContactIsFoundByWhateverIsKnown(t *testing.T) {
	r := newRig(t)
	upsert := func(input string) role.Upserted {
		return run[role.Upserted](t, r.conn, "contact_upsert", call("k"), input)
	}
	// First there is no more than a number, as a conversation begins.
	first := upsert(`{"phone":"+15550001111"}`)
	require.True(t, first.Created)
	require.Equal(t, role.Upserted{ID: first.ID}, upsert(`{"phone":"+15550001111","email":"Jenny@Example.com"}`), "and takes on an address")
	require.Equal(t, role.Upserted{ID: first.ID}, upsert(`{"external_id":"c-1","email":"jenny@example.com"}`), "and our own identifier")
	require.Equal(t, role.Upserted{ID: first.ID}, upsert(`{"external_id":"c-1","name":"Jenny von Rosen","language":"pt-BR"}`))
	require.Equal(t, 1, r.count("contacts"))
	require.Equal(t, hubspot.Contact{ID: first.ID, Person: role.Person{ExternalID: "c-1", Name: "Jenny von Rosen", Email: "jenny@example.com",
		Phone: "+15550001111", Language: "pt-br"}}, run[hubspot.Contact](t, r.conn, "contact_get", sdk.Call{}, `{"id":"`+first.ID+`"}`))
}

func TestWhoSharesANumberIsAnotherPerson(t *testing.T) {
	r := newRig(t)
	a := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550001111"}`)
	run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550001111","email":"a@example.com"}`)
	b := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550001111","email":"b@example.com"}`)
	require.True(t, b.Created)
	require.NotEqual(t, a.ID, b.ID)
}

func TestOneAddressIsOneContact(t *testing.T) {
	r := newRig(t)
	run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1","email":"shared@example.com"}`)
	e := fail(t, r.conn, "contact_upsert", `{"external_id":"c-2","email":"shared@example.com"}`)
	require.Equal(t, sdk.Rejected, e.Class)
	run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-3","email":"other@example.com"}`)
	e = fail(t, r.conn, "contact_upsert", `{"external_id":"c-3","email":"shared@example.com"}`)
	require.Equal(t, sdk.Rejected, e.Class)
	require.Equal(t, "CONFLICT", e.Code)
	require.NotContains(t, e.Error(), "shared")
}

func TestAContactThatPeopleMadeIsFoundByItsNumber(t *testing.T) {
	r := newRig(t)
	old := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"by-hand","phone":"+15550003333"}`)
	r.env.SetFault(fake.FaultSearchLag, time.Minute)
	young := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550003333"}`)
	require.True(t, young.Created, "the search does not see it yet")
	r.env.SetFault(fake.FaultSearchLag, -1)
	require.Equal(t, young.ID, run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550003333"}`).ID, "one's own is known without a search")
	require.NotEqual(t, old.ID, young.ID)
}

func TestALeadIsOneUntilItIsMore(t *testing.T) {
	r := newRig(t)
	lead := run[role.Upserted](t, r.conn, "lead_upsert", call("k"), `{"email":"maya@example.com","source":"spring","score":72.5,"status":"NEW","owner":"41629779"}`)
	require.True(t, lead.Created)
	require.Equal(t, map[string]string{"email": "maya@example.com", "lifecyclestage": "lead", "parley_source": "spring", "parley_score": "72.5",
		"hs_lead_status": "NEW", "hubspot_owner_id": "41629779"}, r.stored("contacts", lead.ID).Properties)
	r.happen(lead.ID, "become customer")
	run[role.Upserted](t, r.conn, "lead_upsert", call("k2"), `{"email":"maya@example.com","status":"OPEN"}`)
	p := r.stored("contacts", lead.ID).Properties
	require.Equal(t, "customer", p["lifecyclestage"], "nobody goes back to being a lead")
	require.Equal(t, "OPEN", p["hs_lead_status"])
	require.Equal(t, sdk.Invalid, fail(t, r.conn, "lead_upsert", `{"email":"maya@example.com","status":"nonsense"}`).Class)
}

func TestACompanyIsMadeOnceEvenWhileSearchLags(t *testing.T) {
	r := newRig(t)
	r.env.SetFault(fake.FaultSearchLag, time.Hour)
	a := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1","company":"Rosen Tea"}`)
	b := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-2","company":" rosen  tea "}`)
	require.Equal(t, 1, r.count("companies"))
	require.Len(t, r.stored("contacts", a.ID).To, 1)
	require.Equal(t, r.stored("contacts", a.ID).To, r.stored("contacts", b.ID).To)
	run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1","company":"Rosen Tea"}`)
	require.Len(t, r.stored("contacts", a.ID).To, 1, "once is enough")
}

func TestACompanyIsFoundByDomain(t *testing.T) {
	r := newRig(t)
	a := run[role.Upserted](t, r.conn, "company_upsert", call("k"), `{"name":"Rosen Tea","domain":"rosen.example"}`)
	b := run[role.Upserted](t, r.conn, "company_upsert", call("k"), `{"name":"The Rosen Tea Company","domain":"ROSEN.example","owner":"41629779"}`)
	require.Equal(t, a.ID, b.ID)
	p := r.stored("companies", a.ID).Properties
	require.Equal(t, []string{"Rosen Tea", "41629779"}, []string{p["name"], p["hubspot_owner_id"]}, "people's name for it stays")
}

func TestADealIsOpenedOnce(t *testing.T) {
	r := newRig(t)
	r.env.SetFault(fake.FaultSearchLag, time.Hour)
	contact := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1"}`)
	input := fmt.Sprintf(`{"title":"Tea","contact":"%s","amount":1999,"currency":"KWD"}`, contact.ID)
	deal := run[role.ID](t, r.conn, "deal_create", call("key-1"), input)
	require.Equal(t, deal, run[role.ID](t, r.conn, "deal_create", call("key-1"), input), "HubSpot refuses a second of the key, and the first is found")
	require.Equal(t, 1, r.count("0-3"))
	s := r.stored("0-3", deal.ID)
	require.Equal(t, []string{"contacts/" + contact.ID}, s.To)
	require.Equal(t, map[string]string{"dealname": "Tea", "amount": "1.999", "deal_currency_code": "KWD", "pipeline": "default",
		"dealstage": "appointmentscheduled", "parley_key": "key-1"}, s.Properties)
}

func TestADealsStageGoesByNameOrID(t *testing.T) {
	r := newRig(t, func(c *hubspot.Config) { c.Currency = "USD" })
	deal := run[role.ID](t, r.conn, "deal_create", call("key-1"), `{"title":"Tea","amount":100000,"currency":"JPY","stage":"contract sent"}`)
	require.Equal(t, "contractsent", r.stored("0-3", deal.ID).Properties["dealstage"])
	run[role.ID](t, r.conn, "deal_update", call("key-2"), `{"id":"`+deal.ID+`","stage":"closedwon","amount":90000,"owner":"41629780","close_date":"2027-01-31"}`)
	require.Equal(t, hubspot.Deal{ID: deal.ID, Title: "Tea", Stage: "closedwon", Pipeline: "default", Amount: "90000", Currency: "JPY", Owner: "41629780"},
		run[hubspot.Deal](t, r.conn, "deal_get", sdk.Call{}, `{"id":"`+deal.ID+`"}`), "an amount is in the deal's own currency")
	for _, bad := range []string{`{"title":"Tea","stage":"nowhere"}`, `{"title":"Tea","pipeline":"nowhere"}`} {
		require.Equal(t, sdk.Invalid, fail(t, r.conn, "deal_create", bad).Class)
	}
	require.Equal(t, 1, r.count("0-3"))
	require.Equal(t, sdk.NotFound, fail(t, r.conn, "deal_update", `{"id":"999","owner":"41629780"}`).Class)
}

func TestAnAmountNeedsACurrency(t *testing.T) {
	r := newRig(t)
	e := fail(t, r.conn, "deal_create", `{"title":"Tea","amount":100}`)
	require.Equal(t, sdk.Invalid, e.Class)
	require.Contains(t, e.Message, "currency")
}

func TestANoteIsFoundByItsReference(t *testing.T) {
	r := newRig(t)
	contact := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1"}`)
	deal := run[role.ID](t, r.conn, "deal_create", call("key-1"), `{"title":"Tea"}`)
	input := fmt.Sprintf(`{"contact":"%s","deal":"%s","text":"1 < 2\n& so on"}`, contact.ID, deal.ID)
	note := run[role.ID](t, r.conn, "note_create", call("key-2"), input)
	s := r.stored("notes", note.ID)
	require.Equal(t, "1 &lt; 2<br>&amp; so on<br>[Parley key-2]", s.Properties["hs_note_body"])
	require.Equal(t, []string{"contacts/" + contact.ID, "0-3/" + deal.ID}, s.To)
	op := operationNamed(t, "note_create")
	raw, found, err := op.Find(t.Context(), r.conn, call("key-2"), []byte(input))
	require.NoError(t, err)
	require.True(t, found)
	require.JSONEq(t, `{"id":"`+note.ID+`"}`, string(raw))
	_, found, err = op.Find(t.Context(), r.conn, call("key-22"), []byte(input))
	require.NoError(t, err)
	require.False(t, found)
	require.Positive(t, op.Effect.Settle, "a search lags")
}

func TestStaffAreFoundByAddress(t *testing.T) {
	r := newRig(t)
	require.Equal(t, "41629779", run[role.ID](t, r.conn, "owner_find", sdk.Call{}, `{"email":"olga@example.com"}`).ID)
	e := fail(t, r.conn, "owner_find", `{"email":"nobody@example.com"}`)
	require.Equal(t, sdk.NotFound, e.Class)
	require.NotContains(t, e.Error(), "nobody@")
}

func TestCheckTellsWhatIsMissingAndSetupMakesIt(t *testing.T) {
	r := newRig(t)
	check := func() error { return r.conn.(sdk.Checker).Check(t.Context()) }
	require.NoError(t, check())
	for _, property := range []string{"contacts/parley_id", "deals/parley_key"} {
		require.Equal(t, 204, r.send("DELETE", "/crm/v3/properties/"+property))
	}
	require.ErrorContains(t, check(), "parley_id for contacts")
	e := fail(t, r.conn, "contact_upsert", `{"external_id":"c-1"}`)
	require.Equal(t, sdk.Invalid, e.Class)
	require.Contains(t, e.Message, "(parley_id)")
	require.Equal(t, hubspot.SetupOutput{Created: []string{"contacts.parley_id", "deals.parley_key"}},
		run[hubspot.SetupOutput](t, r.conn, "setup", call("k"), `{}`))
	require.NoError(t, check())
	require.Empty(t, run[hubspot.SetupOutput](t, r.conn, "setup", call("k"), `{}`).Created)
	require.True(t, run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1"}`).Created)

	other := newRig(t, func(c *hubspot.Config) { c.ExternalID = "jobtitle" })
	require.ErrorContains(t, other.conn.(sdk.Checker).Check(t.Context()), "not unique")
}

func TestWhatIsNotOnesOwnIsRefused(t *testing.T) {
	r := newRig(t)
	for name, inputs := range map[string][]string{
		"contact_upsert": {`{}`, `{"name":"Jenny"}`, `{"email":"nobody"}`, `{"phone":"5550001111"}`, `{"external_id":"tel:+15550001111"}`,
			`{"email":"a@b.example","properties":{"email":"x"}}`, `{"email":"a@b.example","properties":{"No":"x"}}`, `{"email":"a@b.example","owner":"olga"}`},
		"lead_upsert":    {`{"email":"a@b.example","score":101}`},
		"contact_get":    {`{"id":"../deals/1"}`, `{"id":""}`},
		"contact_search": {`{}`, `{"words":" "}`, `{"words":"x","limit":1000}`},
		"company_upsert": {`{"name":" "}`, `{"name":"x","domain":"no domain"}`},
		"deal_create":    {`{"title":""}`, `{"title":"x","amount":-1}`, `{"title":"x","contact":"1/2"}`, `{"title":"x","close_date":"soon"}`},
		"deal_update":    {`{"id":"1"}`, `{"id":"x","stage":"y"}`},
		"note_create":    {`{"contact":"1","text":" "}`, `{"contact":"x","text":"y"}`},
	} {
		for _, input := range inputs {
			require.Equal(t, sdk.Invalid, fail(t, r.conn, name, input).Class, "%s %s", name, input)
		}
	}
	for bucket, n := range r.env.Sizes() {
		require.Zero(t, n, bucket)
	}
}

// However many ask at once, and however far the search lags, there is one of each.
func TestManyAtOnceMakeOne(t *testing.T) {
	r := newRig(t)
	r.env.SetFault(fake.FaultSearchLag, time.Hour)
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		wg.Go(func() {
			_, err := operationNamed(t, "contact_upsert").Run(t.Context(), r.conn, call("k"), []byte(`{"external_id":"c-1","email":"jenny@example.com","company":"Rosen Tea"}`))
			raw, err2 := operationNamed(t, "deal_create").Run(t.Context(), r.conn, call("key-1"), []byte(`{"title":"Tea"}`))
			if assert.NoError(t, err) && assert.NoError(t, err2) {
				ids[i] = string(raw)
			}
		})
	}
	wg.Wait()
	require.Equal(t, []int{1, 1, 1}, []int{r.count("contacts"), r.count("companies"), r.count("0-3")})
	require.Len(t, slices.Compact(ids), 1, "all are told of the same deal")
}
