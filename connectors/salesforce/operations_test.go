package salesforce_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"parley/connectors/salesforce"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAContactIsFoundByWhateverIsKnown(t *testing.T) {
	r := newRig(t, func(c *salesforce.Config) { c.Language = "Parley_Language__c" })
	upsert := func(input string) role.Upserted {
		return run[role.Upserted](t, r.conn, "contact_upsert", call("k"), input)
	}
	// First there is no more than a number, as a conversation begins.
	first := upsert(`{"phone":"+15550001111"}`)
	require.True(t, first.Created)
	require.Equal(t, "[not provided]", r.stored("Contact", first.ID)["LastName"])
	require.Equal(t, role.Upserted{ID: first.ID}, upsert(`{"phone":"+15550001111","email":"jenny@example.com"}`), "and takes on an address")
	require.Equal(t, role.Upserted{ID: first.ID}, upsert(`{"external_id":"c-1","email":"Jenny@example.com"}`), "and our own identifier")
	require.Equal(t, role.Upserted{ID: first.ID}, upsert(`{"external_id":"c-1","name":"Jenny von Rosen","company":"Rosen Tea","language":"hi"}`))
	require.Equal(t, 1, r.count("Contact"))
	account := r.stored("Contact", first.ID)["AccountId"].(string)
	got := run[salesforce.Contact](t, r.conn, "contact_get", sdk.Call{}, `{"id":"`+first.ID+`"}`)
	require.Equal(t, salesforce.Contact{ID: first.ID, Account: account, Owner: "005Dx0000000001AAA", Person: role.Person{ExternalID: "c-1",
		Name: "Jenny von Rosen", Email: "Jenny@example.com", Phone: "+15550001111", Company: "Rosen Tea", Language: "hi"}}, got)
}

func TestAContactThatPeopleMadeIsFound(t *testing.T) {
	r := newRig(t)
	const id = "003DxHAND00000000A"
	r.put("Contact", id, map[string]any{"LastName": "Rosen", "Email": "jenny@example.com", "MobilePhone": "+15550001111"})
	require.Equal(t, role.Upserted{ID: id}, run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550001111"}`))
	require.Equal(t, role.Upserted{ID: id}, run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1","email":"jenny@example.com"}`))
	require.Equal(t, "c-1", r.stored("Contact", id)["Parley_Id__c"])
	require.Equal(t, "Rosen", r.stored("Contact", id)["LastName"], "what is not given stays")
}

func TestWhoSharesAnAddressOrANumberIsAnotherPerson(t *testing.T) {
	r := newRig(t)
	a := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1","email":"shared@example.com"}`)
	b := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-2","email":"shared@example.com"}`)
	require.True(t, b.Created)
	require.NotEqual(t, a.ID, b.ID)
	run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550001111"}`)
	run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550001111","email":"x@example.com"}`)
	y := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"phone":"+15550001111","email":"y@example.com"}`)
	require.True(t, y.Created)
	require.Equal(t, 4, r.count("Contact"))
}

// Whatever a customer writes stays a text.
func TestInputIsNeverReadAsSOQL(t *testing.T) {
	r := newRig(t)
	run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1","name":"Jenny Rosen"}`)
	for _, name := range []string{`' OR Name LIKE '%`, `%`, `_enny`, `\\`, `x') OR (Id != '`} {
		found := run[salesforce.Found](t, r.conn, "contact_search", sdk.Call{}, string(sdk.JSONBody(map[string]string{"name": name})))
		require.Empty(t, found.Contacts, name)
	}
	other := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"' OR Parley_Id__c = 'c-1"}`)
	require.True(t, other.Created)
	require.Len(t, run[salesforce.Found](t, r.conn, "contact_search", sdk.Call{}, `{"name":"jenny"}`).Contacts, 1)
	made := run[role.Upserted](t, r.conn, "company_upsert", call("k"), `{"name":"O'Brien \\ Sons"}`)
	require.Equal(t, role.Upserted{ID: made.ID}, run[role.Upserted](t, r.conn, "company_upsert", call("k"), `{"name":"o'brien \\  sons"}`))
}

func TestLeads(t *testing.T) {
	r := newRig(t)
	lead := run[role.Upserted](t, r.conn, "lead_upsert", call("k"), `{"email":"maya@example.com","name":"Maya","source":"Web","score":72.5}`)
	require.True(t, lead.Created)
	s := r.stored("Lead", lead.ID)
	require.Equal(t, []any{"Maya", "[not provided]", "Web", 72.5, "Open - Not Contacted"}, []any{s["LastName"], s["Company"], s["LeadSource"], s["Parley_Score__c"], s["Status"]})
	require.False(t, run[role.Upserted](t, r.conn, "lead_upsert", call("k2"), `{"email":"MAYA@example.com","status":"Working - Contacted","company":"Shah & Sons"}`).Created)
	s = r.stored("Lead", lead.ID)
	require.Equal(t, []any{"Working - Contacted", "Shah & Sons"}, []any{s["Status"], s["Company"]})

	plain := newRig(t, func(c *salesforce.Config) { c.Score = "" })
	e := fail(t, plain.conn, "lead_upsert", `{"email":"maya@example.com","score":1}`)
	require.Equal(t, sdk.Invalid, e.Class)
	require.Contains(t, e.Message, "score_field")
}

func TestADealIsOpenedOnce(t *testing.T) {
	r := newRig(t)
	contact := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1","company":"Rosen Tea"}`)
	input := fmt.Sprintf(`{"title":"Tea","contact":"%s","amount":199950,"currency":"USD","close_date":"2027-01-31"}`, contact.ID)
	deal := run[role.ID](t, r.conn, "deal_create", call("key-1"), input)
	require.Equal(t, deal, run[role.ID](t, r.conn, "deal_create", call("key-1"), input), "Salesforce refuses a second of the key, and the first is found")
	require.Equal(t, 1, r.count("Opportunity"))
	s := r.stored("Opportunity", deal.ID)
	require.Equal(t, []any{"Prospecting", 1999.5, contact.ID, r.stored("Contact", contact.ID)["AccountId"], "key-1", "2027-01-31"},
		[]any{s["StageName"], s["Amount"], s["ContactId"], s["AccountId"], s["Parley_Key__c"], s["CloseDate"]})
	run[role.ID](t, r.conn, "deal_update", call("key-2"), `{"id":"`+deal.ID+`","stage":"closed won","amount":100,"owner":"005Dx0000000002AAA"}`)
	require.Equal(t, salesforce.Deal{ID: deal.ID, Title: "Tea", Stage: "Closed Won", Amount: "1", Currency: "USD", Owner: "005Dx0000000002AAA", Closed: true, Won: true},
		run[salesforce.Deal](t, r.conn, "deal_get", sdk.Call{}, `{"id":"`+deal.ID+`"}`))
	require.Equal(t, sdk.Invalid, fail(t, r.conn, "deal_update", `{"id":"`+deal.ID+`","stage":"Nowhere"}`).Class)
	require.Equal(t, sdk.NotFound, fail(t, r.conn, "deal_update", `{"id":"006000000000000","stage":"Prospecting"}`).Class)
	require.Equal(t, sdk.NotFound, fail(t, r.conn, "deal_create", `{"title":"Tea","contact":"003000000000000"}`).Class)
}

func TestAmountsAreInTheOrgsCurrency(t *testing.T) {
	for name, c := range map[string]struct {
		currency, input, says string
	}{
		"another currency": {"USD", `{"title":"Tea","amount":100,"currency":"EUR"}`, "multi_currency"},
		"none at all":      {"", `{"title":"Tea","amount":100}`, "currency is missing"},
		"not configured":   {"", `{"title":"Tea","amount":100,"currency":"EUR"}`, "setting currency"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(s *salesforce.Config) { s.Currency = c.currency })
			e := fail(t, r.conn, "deal_create", c.input)
			require.Equal(t, sdk.Invalid, e.Class)
			require.Contains(t, e.Message, c.says)
			require.Zero(t, r.count("Opportunity"))
		})
	}
}

func TestANoteIsATaskThatIsDone(t *testing.T) {
	r := newRig(t)
	contact := run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1"}`)
	deal := run[role.ID](t, r.conn, "deal_create", call("key-1"), `{"title":"Tea"}`)
	input := fmt.Sprintf(`{"contact":"%s","deal":"%s","text":"Asked for tea."}`, contact.ID, deal.ID)
	note := run[role.ID](t, r.conn, "note_create", call("key-2"), input)
	s := r.stored("Task", note.ID)
	require.Equal(t, []any{"Asked for tea.\n\n[Parley key-2]", contact.ID, deal.ID, "Completed"}, []any{s["Description"], s["WhoId"], s["WhatId"], s["Status"]})
	for key, want := range map[string]bool{"key-2": true, "key-22": false, "y-2": false, "": false} {
		_, found, err := operationNamed(t, "note_create").Find(t.Context(), r.conn, call(key), []byte(input))
		require.NoError(t, err)
		require.Equal(t, want, found, key)
	}
}

func TestUsersAreFoundByAddress(t *testing.T) {
	r := newRig(t)
	require.Equal(t, "005Dx0000000002AAA", run[role.ID](t, r.conn, "owner_find", sdk.Call{}, `{"email":"olga@example.com"}`).ID)
	for _, email := range []string{"nobody@example.com", "gone@example.com"} {
		e := fail(t, r.conn, "owner_find", `{"email":"`+email+`"}`)
		require.Equal(t, sdk.NotFound, e.Class)
		require.NotContains(t, e.Error(), email)
	}
}

func TestCheckTellsWhatIsMissing(t *testing.T) {
	r := newRig(t)
	check := func() error { return r.conn.(sdk.Checker).Check(t.Context()) }
	require.NoError(t, check())
	for _, c := range []struct {
		object, field, state string
		class                sdk.Class
		says                 string
	}{
		{"Contact", "Parley_Id__c", "hidden", sdk.Invalid, "Contact has no field Parley_Id__c"},
		{"Opportunity", "Parley_Key__c", "plain", sdk.Invalid, "Opportunity.Parley_Key__c must be marked"},
		{"Account", "Parley_Key__c", "read-only", sdk.Auth, "may not set the field Account.Parley_Key__c"},
		{"Lead", "Parley_Score__c", "hidden", sdk.Invalid, "Lead has no field Parley_Score__c"},
		{"Task", "*", "read-only", sdk.Auth, "object Task"},
	} {
		r.env.State().Put("described", c.object, map[string]string{c.field: c.state})
		err := check()
		require.ErrorContains(t, err, c.says)
		require.Equal(t, c.class, sdk.AsError(err).Class)
		r.env.State().Delete("described", c.object)
	}
	hidden := answering(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	require.Equal(t, sdk.Auth, sdk.AsError(hidden.(sdk.Checker).Check(t.Context())).Class)
}

func TestASessionThatHasEndedIsRenewedOnce(t *testing.T) {
	r := newRig(t)
	r.env.State().Put("expired", "00D!first-session", true)
	run[role.Upserted](t, r.conn, "contact_upsert", call("k"), `{"external_id":"c-1"}`)
	require.Equal(t, []string{"00D!first-session"}, r.tokens.refused)
	r.env.State().Put("expired", "00D!second-session", true)
	e := fail(t, r.conn, "contact_upsert", `{"external_id":"c-1"}`)
	require.Equal(t, []any{sdk.Auth, "INVALID_SESSION_ID"}, []any{e.Class, e.Code})
	require.Len(t, r.tokens.refused, 3, "and no oftener")
}

func TestWhatIsNotOnesOwnIsRefused(t *testing.T) {
	r := newRig(t)
	for name, inputs := range map[string][]string{
		"contact_upsert": {`{}`, `{"name":"Jenny"}`, `{"email":"nobody"}`, `{"phone":"5550001111"}`, `{"external_id":"parley-x"}`, `{"external_id":"a/b"}`, `{"external_id":".."}`,
			`{"email":"a@b.example","properties":{"email":"x"}}`, `{"email":"a@b.example","properties":{"a b":"x"}}`, `{"email":"a@b.example","owner":"olga"}`},
		"lead_upsert":    {`{"email":"a@b.example","score":101}`},
		"contact_get":    {`{"id":"003' OR Id != '"}`, `{"id":""}`},
		"contact_search": {`{}`, `{"name":" "}`, `{"name":"x","limit":1000}`},
		"company_upsert": {`{"name":" "}`},
		"deal_create":    {`{"title":""}`, `{"title":"x","amount":-1}`, `{"title":"x","contact":"1"}`, `{"title":"x","close_date":"soon"}`},
		"deal_update":    {`{"id":"006000000000000"}`, `{"id":"x","stage":"y"}`},
		"note_create":    {`{"contact":"003000000000000","text":" "}`, `{"contact":"x","text":"y"}`},
	} {
		for _, input := range inputs {
			require.Equal(t, sdk.Invalid, fail(t, r.conn, name, input).Class, "%s %s", name, input)
		}
	}
	for bucket, n := range r.env.Sizes() {
		require.Zero(t, n, bucket)
	}
}

// However many ask at once, there is one of each.
func TestManyAtOnceMakeOne(t *testing.T) {
	r := newRig(t)
	var wg sync.WaitGroup
	ids := make([]string, 16)
	for i := range ids {
		wg.Go(func() {
			_, err := operationNamed(t, "contact_upsert").Run(t.Context(), r.conn, call("k"), []byte(`{"email":"jenny@example.com","company":"Rosen Tea"}`))
			raw, err2 := operationNamed(t, "deal_create").Run(t.Context(), r.conn, call("key-1"), []byte(`{"title":"Tea"}`))
			if assert.NoError(t, err) && assert.NoError(t, err2) {
				ids[i] = string(raw)
			}
		})
	}
	wg.Wait()
	require.Equal(t, []int{1, 1, 1}, []int{r.count("Contact"), r.count("Account"), r.count("Opportunity")})
	require.Len(t, slices.Compact(ids), 1, "all are told of the same deal")
}
