package cases_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/bus"
	"parley/internal/cases"
	"parley/internal/contacts"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/vault"
	"parley/internal/vault/codec"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

type fixture struct {
	t      *testing.T
	db     *store.DB
	vault  *vault.Vault
	ws     uuid.UUID
	people *contacts.Contacts
	conv   contacts.Conversation
	*cases.Cases
}

func setUp(t *testing.T) *fixture {
	f := &fixture{t: t}
	f.db, f.vault, f.ws = storetest.Open(t)
	f.people = contacts.New(f.db, f.vault)
	f.Cases = cases.New(f.db, f.vault)
	f.conv = f.person(1)
	return f
}

func (f *fixture) person(n int) contacts.Conversation {
	f.t.Helper()
	conv, err := f.people.Conversation(f.t.Context(), contacts.Channel{Workspace: f.ws, Connection: uuid.New(), Connector: "test"},
		[]sdk.Address{{Kind: "user", Value: fmt.Sprint("u", n)}}, "")
	require.NoError(f.t, err)
	return conv
}

func (f *fixture) new(kind string) cases.Case {
	return cases.Case{Workspace: f.ws, ID: uuid.New(), Kind: kind, Contact: f.conv.Contact, Conversation: f.conv.ID, Connection: uuid.New()}
}

func (f *fixture) create(n cases.Case) cases.Case {
	f.t.Helper()
	got, err := f.Create(f.t.Context(), n, json.RawMessage(`{"planted":"case-input"}`))
	require.NoError(f.t, err)
	return got
}

func (f *fixture) key(c cases.Case) cases.Key { return cases.Key{Workspace: f.ws, ID: c.ID} }

func (f *fixture) tell(c cases.Case, once, name string) bus.Target {
	f.t.Helper()
	got, err := f.Tell(context.Background(), f.key(c), bus.Once(nil, once), cases.News{Name: name, Data: json.RawMessage(`{"planted":"news-words"}`)})
	require.NoError(f.t, err)
	return got
}

func (f *fixture) undelivered(c cases.Case) (names []string) {
	f.t.Helper()
	news, err := f.Undelivered(f.t.Context(), f.key(c))
	require.NoError(f.t, err)
	for _, n := range news {
		names = append(names, fmt.Sprint(n.Number, n.Name))
	}
	return names
}

func (f *fixture) count(table string) (n int) {
	f.t.Helper()
	require.NoError(f.t, f.db.InWorkspace(f.t.Context(), f.ws, func(tx pgx.Tx) error {
		return tx.QueryRow(f.t.Context(), `SELECT count(*) FROM `+table).Scan(&n)
	}))
	return n
}

func TestACaseIsMadeOnce(t *testing.T) {
	f := setUp(t)
	n := f.new("order")
	first := f.create(n)
	require.Equal(t, codec.WorkflowID("order", f.ws, n.Contact, n.ID), first.WorkflowID)
	require.Equal(t, first, f.create(n))
	got, err := f.Get(t.Context(), f.key(n))
	require.NoError(t, err)
	require.Equal(t, first.Number, got.Number)
	require.Equal(t, "new", got.Stage)
	require.True(t, got.Open)
	require.Equal(t, 1, f.count("events"))
	_, err = f.Get(t.Context(), cases.Key{Workspace: f.ws, ID: uuid.New()})
	require.ErrorIs(t, err, cases.ErrNotFound)
}

// Cases are made at once, each by two attempts: one case each, and the numbers of
// a kind have no holes.
func TestNumbersAreDense(t *testing.T) {
	const n = 15
	f := setUp(t)
	made := make([]cases.Case, n)
	for i := range made {
		made[i] = f.new("order")
	}
	numbers := make([][2]int64, n)
	var wg sync.WaitGroup
	for i := range made {
		for j := range 2 {
			wg.Go(func() {
				got, err := f.Create(context.Background(), made[i], json.RawMessage(`{}`))
				require.NoError(t, err)
				numbers[i][j] = got.Number
			})
		}
	}
	wg.Wait()
	var all []int64
	for _, pair := range numbers {
		require.Equal(t, pair[0], pair[1])
		all = append(all, pair[0])
	}
	slices.Sort(all)
	for i, number := range all {
		require.EqualValues(t, 1001+i, number)
	}
	require.Equal(t, n, f.count("cases"))
	require.EqualValues(t, 1001, f.create(f.new("claim")).Number, "every kind counts for itself")
}

func TestNewsIsKeptOnceAndInOrder(t *testing.T) {
	f := setUp(t)
	c := f.create(f.new("order"))
	target := f.tell(c, "a", "payment.paid")
	require.Equal(t, bus.Target{Workspace: f.ws, ID: c.ID, WorkflowID: c.WorkflowID, Case: true, Number: 1}, target)
	require.Zero(t, f.tell(c, "a", "payment.paid").Number, "a repeat")
	require.EqualValues(t, 2, f.tell(c, "b", "cancel").Number)
	require.Equal(t, []string{"1payment.paid", "2cancel"}, f.undelivered(c))

	require.NoError(t, f.Delivered(t.Context(), f.key(c), 1))
	require.Equal(t, []string{"2cancel"}, f.undelivered(c))
	require.NoError(t, f.Delivered(t.Context(), f.key(c), 2))
	require.NoError(t, f.Delivered(t.Context(), f.key(c), 1), "an older note")
	require.Empty(t, f.undelivered(c))
	_, err := f.Tell(t.Context(), cases.Key{Workspace: f.ws, ID: uuid.New()}, bus.Once(nil, "c"), cases.News{})
	require.ErrorIs(t, err, cases.ErrNotFound)
}

func TestNewsToldAtOnceIsNumberedDensely(t *testing.T) {
	const n = 20
	f := setUp(t)
	c := f.create(f.new("order"))
	var mu sync.Mutex
	var numbers []int64
	var wg sync.WaitGroup
	for i := range 3 * n { // everything three times
		wg.Go(func() {
			if got := f.tell(c, fmt.Sprint(i%n), "x"); got.Number > 0 {
				mu.Lock()
				defer mu.Unlock()
				numbers = append(numbers, got.Number)
			}
		})
	}
	wg.Wait()
	slices.Sort(numbers)
	require.Len(t, numbers, n)
	require.EqualValues(t, []int64{1, n}, []int64{numbers[0], numbers[n-1]})
	require.Len(t, f.undelivered(c), n)
}

func TestAdvanceIsIdempotent(t *testing.T) {
	f := setUp(t)
	c := f.create(f.new("order"))
	p := cases.Progress{Key: f.key(c), Contact: c.Contact, Stage: "paid", WaitingFor: "shop", Open: true, Summary: cases.Summary{Text: "planted-summary", CanCancel: true}}
	for range 3 {
		require.NoError(t, f.Advance(t.Context(), p))
	}
	got, err := f.Get(t.Context(), f.key(c))
	require.NoError(t, err)
	require.Equal(t, []any{"paid", "shop", true, p.Summary}, []any{got.Stage, got.WaitingFor, got.Open, got.Summary})
	require.Equal(t, 1, f.count(`events WHERE type = 'case.stage' AND data = '{"from": "new", "to": "paid"}'`))
	p.Stage, p.WaitingFor, p.Outcome, p.Open = "done", "", "fulfilled", false
	require.NoError(t, f.Advance(t.Context(), p))
	require.Equal(t, 2, f.count(`events WHERE type = 'case.stage'`))
	p.ID = uuid.New()
	require.ErrorIs(t, f.Advance(t.Context(), p), cases.ErrNotFound)
}

func TestCasesOfAPersonFollowMerges(t *testing.T) {
	f := setUp(t)
	other := f.person(2)
	mine := f.create(f.new("order"))
	n := f.new("order")
	n.Contact = other.Contact
	theirs := f.create(n)
	require.NoError(t, f.Advance(t.Context(), cases.Progress{Key: f.key(theirs), Contact: other.Contact, Stage: "done"}))
	of := func(contact uuid.UUID, kind string) (numbers []int64) {
		got, err := f.OfContact(t.Context(), f.ws, contact, kind)
		require.NoError(t, err)
		for _, c := range got {
			numbers = append(numbers, c.Number)
		}
		return numbers
	}
	require.Equal(t, []int64{mine.Number}, of(f.conv.Contact, "order"))
	require.NoError(t, f.people.Merge(t.Context(), f.ws, f.conv.Contact, other.Contact, "test"))
	for _, contact := range []uuid.UUID{f.conv.Contact, other.Contact} {
		require.Equal(t, []int64{mine.Number, theirs.Number}, of(contact, ""), "open ones first")
	}
	require.Empty(t, of(other.Contact, "claim"))
}

func TestListFiltersAndPages(t *testing.T) {
	f := setUp(t)
	var want []int64
	for range 5 {
		want = append([]int64{f.create(f.new("order")).Number}, want...)
	}
	f.create(f.new("claim"))
	var got []int64
	filter := cases.Filter{Kind: "order"}
	for {
		page, err := f.List(t.Context(), f.ws, filter, 2)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			got = append(got, c.Number)
		}
		filter.After = page[len(page)-1].ID
	}
	require.Equal(t, want, got)
	closed := false
	page, err := f.List(t.Context(), f.ws, cases.Filter{Open: &closed}, 10)
	require.NoError(t, err)
	require.Empty(t, page)
}

func TestACaseIsSealedAndCanBeErasedAlone(t *testing.T) {
	f := setUp(t)
	c, other := f.create(f.new("order")), f.create(f.new("order"))
	for i, k := range []cases.Case{c, other} {
		f.tell(k, fmt.Sprint(i), "cancel")
		require.NoError(t, f.Advance(t.Context(), cases.Progress{Key: f.key(k), Contact: k.Contact, Stage: "paid", Summary: cases.Summary{Text: "planted-summary"}}))
	}
	for _, table := range []string{"cases", "inbox", "events"} {
		for _, secret := range []string{"case-input", "news-words", "planted-summary"} {
			require.Zero(t, f.count(table+` t WHERE t::text LIKE '%`+secret+`%' OR t::text LIKE '%`+fmt.Sprintf("%x", secret)+`%'`), table)
		}
	}
	_, err := f.vault.Destroy(t.Context(), f.ws, c.Contact, vault.CasePurpose(c.ID))
	require.NoError(t, err)
	got, err := f.Get(t.Context(), f.key(c))
	require.NoError(t, err)
	require.Empty(t, got.Summary)
	news, err := f.Undelivered(t.Context(), f.key(c))
	require.NoError(t, err)
	require.Equal(t, []cases.News{{Number: 1, Name: "cancel"}}, news)
	got, err = f.Get(t.Context(), f.key(other))
	require.NoError(t, err)
	require.Equal(t, "planted-summary", got.Summary.Text)
}
