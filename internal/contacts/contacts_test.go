package contacts_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/connectors/sdk"
	"parley/internal/contacts"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/vault"
	"parley/internal/vault/codec"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

type fixture struct {
	t     *testing.T
	db    *store.DB
	vault *vault.Vault
	ws    uuid.UUID
	*contacts.Contacts
}

func setUp(t *testing.T) *fixture {
	f := &fixture{t: t}
	f.db, f.vault, f.ws = storetest.Open(t)
	f.Contacts = contacts.New(f.db, f.vault)
	return f
}

func (f *fixture) channel(connector string) contacts.Channel {
	return contacts.Channel{Workspace: f.ws, Connection: uuid.New(), Connector: connector}
}

func (f *fixture) conversation(ch contacts.Channel, from ...sdk.Address) contacts.Conversation {
	f.t.Helper()
	conv, err := f.Conversation(f.t.Context(), ch, from, "Ana")
	require.NoError(f.t, err)
	return conv
}

func (f *fixture) count(table string) (n int) {
	f.t.Helper()
	require.NoError(f.t, f.db.InWorkspace(f.t.Context(), f.ws, func(tx pgx.Tx) error {
		return tx.QueryRow(f.t.Context(), `SELECT count(*) FROM `+table).Scan(&n)
	}))
	return n
}

func phone(n int) sdk.Address {
	return sdk.Address{Kind: "phone", Value: fmt.Sprintf("1555000%04d", n)}
}
func user(id string) sdk.Address {
	return sdk.Address{Kind: "user", Value: id}
}

func TestWhoIsTheSamePerson(t *testing.T) {
	f := setUp(t)
	one, two := f.channel("whatsapp"), f.channel("whatsapp")
	cases := []struct {
		name          string
		a             contacts.Channel
		from          []sdk.Address
		b             contacts.Channel
		then          []sdk.Address
		person, convo bool
	}{
		{"a phone number is one person on every channel", one, []sdk.Address{phone(1)}, two, []sdk.Address{phone(1)}, true, false},
		{"other IDs are only within their connection", one, []sdk.Address{user("u2")}, two, []sdk.Address{user("u2")}, false, false},
		{"the same address", one, []sdk.Address{user("u3")}, one, []sdk.Address{user("u3")}, true, true},
		{"a value of another kind is another person", one, []sdk.Address{user("15550000004")}, one, []sdk.Address{phone(4)}, false, false},
		{"a message with both joins them: phone known", one, []sdk.Address{phone(5)}, one, []sdk.Address{user("u5"), phone(5)}, true, true},
		{"a message with both joins them: user known", one, []sdk.Address{user("u6")}, one, []sdk.Address{phone(6), user("u6")}, true, true},
	}
	for _, c := range cases {
		a, b := f.conversation(c.a, c.from...), f.conversation(c.b, c.then...)
		require.Equal(t, c.person, a.Contact == b.Contact, c.name)
		require.Equal(t, c.convo, a.ID == b.ID, c.name)
		for _, addr := range c.then { // each of the addresses alone leads there from now on
			require.Equal(t, b, f.conversation(c.b, addr), c.name)
		}
	}
	other := contacts.Channel{Workspace: storetest.Workspace(t, f.db, "other"), Connection: one.Connection, Connector: "whatsapp"}
	conv, err := contacts.New(f.db, f.vault).Conversation(t.Context(), other, []sdk.Address{phone(1)}, "")
	require.NoError(t, err)
	require.NotEqual(t, f.conversation(one, phone(1)).Contact, conv.Contact, "a workspace knows nobody of another")
}

func TestAMessageWithoutSenderIsRefused(t *testing.T) {
	f := setUp(t)
	for _, from := range [][]sdk.Address{nil, {{Kind: "phone"}}} {
		_, err := f.Conversation(t.Context(), f.channel("x"), from, "")
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
	}
	require.Equal(t, 0, f.count("contacts"))
}

// First messages of one person arrive at several processes at once.
func TestConcurrentFirstMessagesMakeOneConversation(t *testing.T) {
	const people, at = 6, 8
	f := setUp(t)
	ch := f.channel("whatsapp")
	processes := make([]*contacts.Contacts, at)
	for i := range processes {
		processes[i] = contacts.New(f.db, f.vault)
	}
	var mu sync.Mutex
	found := map[int]map[contacts.Conversation]bool{}
	var wg sync.WaitGroup
	for p := range people {
		found[p] = map[contacts.Conversation]bool{}
		for i := range at {
			wg.Go(func() {
				from := []sdk.Address{phone(p), user(fmt.Sprint("u", p))}
				if i%2 == 1 {
					from[0], from[1] = from[1], from[0]
				}
				conv, err := processes[i].Conversation(context.Background(), ch, from, "")
				require.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				found[p][conv] = true
			})
		}
	}
	wg.Wait()
	for p := range people {
		require.Len(t, found[p], 1)
	}
	require.Equal(t, people, f.count("contacts"))
	require.Equal(t, 2*people, f.count("contact_addresses"))
	require.Equal(t, people, f.count("conversations"))
}

// Two addresses of a person who is known from elsewhere write on a new channel
// for the first time, at once.
func TestTwoAddressesOfOnePersonMakeOneConversation(t *testing.T) {
	f := setUp(t)
	ch := f.channel("whatsapp")
	for range 8 {
		p, u := phone(f.count("conversations")), user(uuid.NewString())
		f.conversation(ch, p, u)
		require.NoError(t, f.db.InWorkspace(t.Context(), f.ws, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `DELETE FROM conversations`)
			return err
		}))
		got := make([]contacts.Conversation, 2)
		var wg sync.WaitGroup
		for i, a := range []sdk.Address{p, u} {
			wg.Go(func() {
				var err error
				got[i], err = contacts.New(f.db, f.vault).Conversation(context.Background(), ch, []sdk.Address{a}, "")
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, got[0], got[1])
	}
}

func TestMergedContactsAreOnePerson(t *testing.T) {
	f := setUp(t)
	wa, web := f.channel("whatsapp"), f.channel("webchat")
	a, b, c := f.conversation(wa, phone(1)), f.conversation(web, user("v1")), f.conversation(wa, phone(2))
	merge := func(from, into contacts.Conversation) error {
		return f.Merge(t.Context(), f.ws, from.Contact, into.Contact, "test")
	}

	require.NoError(t, merge(a, b))
	require.ErrorIs(t, merge(a, b), contacts.ErrMerge, "twice")
	require.ErrorIs(t, merge(b, a), contacts.ErrMerge, "a circle")
	require.ErrorIs(t, merge(b, b), contacts.ErrMerge, "with itself")
	require.ErrorIs(t, merge(c, a), contacts.ErrMerge, "into one that was merged")
	require.ErrorIs(t, f.Merge(t.Context(), f.ws, b.Contact, uuid.New(), "test"), contacts.ErrNotFound)

	require.Equal(t, a, f.conversation(wa, phone(1)), "its conversation goes on, under its own key")
	newChannel := f.channel("telegram")
	require.Equal(t, b.Contact, f.conversation(newChannel, phone(1)).Contact, "what begins now is the survivor's")
	got, err := f.Get(t.Context(), f.ws, b.Contact)
	require.NoError(t, err)
	require.ElementsMatch(t, []sdk.Address{phone(1), user("v1")}, got.Addresses)

	require.NoError(t, merge(b, c), "who was merged into the first follows")
	for _, from := range []contacts.Conversation{a, b} {
		got, err := f.Get(t.Context(), f.ws, from.Contact)
		require.NoError(t, err)
		require.Equal(t, c.Contact, got.MergedInto)
	}
	require.Equal(t, c.Contact, f.conversation(f.channel("telegram"), phone(1)).Contact)
	all, err := f.List(t.Context(), f.ws, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, 2, f.count("audit"))
}

// Merges in a ring, all at once: never a circle, and one step leads to the person.
func TestConcurrentMergesMakeNoCircle(t *testing.T) {
	const n = 6
	f := setUp(t)
	ch := f.channel("whatsapp")
	var ids []uuid.UUID
	for i := range n {
		ids = append(ids, f.conversation(ch, phone(i)).Contact)
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := f.Merge(context.Background(), f.ws, ids[i], ids[(i+1)%n], "test"); err != nil {
				require.ErrorIs(t, err, contacts.ErrMerge)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 0, f.count(`contacts a JOIN contacts b ON b.id = a.merged_into WHERE b.merged_into IS NOT NULL`))
	require.Positive(t, f.count(`contacts WHERE merged_into IS NULL`))
}

func TestABlockedPersonIsBlockedByEveryAddress(t *testing.T) {
	f := setUp(t)
	wa, web := f.channel("whatsapp"), f.channel("webchat")
	a, b := f.conversation(wa, phone(1)), f.conversation(web, user("v1"))
	blocked := func() [2]bool {
		return [2]bool{f.conversation(wa, phone(1)).Blocked, f.conversation(web, user("v1")).Blocked}
	}
	set := func(c contacts.Conversation, on bool) {
		require.NoError(t, f.SetBlocked(t.Context(), f.ws, c.Contact, on, "test"))
	}

	set(a, true)
	require.Equal(t, [2]bool{true, false}, blocked())
	require.NoError(t, f.Merge(t.Context(), f.ws, a.Contact, b.Contact, "test"))
	require.Equal(t, [2]bool{true, true}, blocked(), "a merge does not let a blocked person in")
	set(a, false) // by either name
	require.Equal(t, [2]bool{false, false}, blocked())
	set(b, true)
	require.Equal(t, [2]bool{true, true}, blocked())
	require.True(t, f.conversation(f.channel("telegram"), phone(1)).Blocked)
	require.ErrorIs(t, f.SetBlocked(t.Context(), f.ws, uuid.New(), true, "test"), contacts.ErrNotFound)
}

func TestFindMakesNothing(t *testing.T) {
	f := setUp(t)
	ch := f.channel("webchat")
	_, found, err := f.Find(t.Context(), ch, user("v1"))
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, 0, f.count("contacts"))
	want := f.conversation(ch, user("v1"))
	got, found, err := f.Find(t.Context(), ch, user("v1"))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, want, got)
	require.Equal(t, codec.WorkflowID("conversation", f.ws, got.Contact, got.ID), got.WorkflowID)
}

func TestContactsAreSealedAndCanBeErased(t *testing.T) {
	f := setUp(t)
	conv := f.conversation(f.channel("whatsapp"), phone(7), user("planted-user"))
	for _, table := range []string{"contacts", "contact_addresses", "conversations"} {
		for _, secret := range []string{"Ana", phone(7).Value, "planted-user"} {
			require.Zero(t, f.count(table+` t WHERE t::text LIKE '%`+secret+`%' OR t::text LIKE '%`+fmt.Sprintf("%x", secret)+`%'`), table)
		}
	}
	got, err := f.Get(t.Context(), f.ws, conv.Contact)
	require.NoError(t, err)
	require.Equal(t, "Ana", got.Profile.Name)
	require.ElementsMatch(t, []sdk.Address{phone(7), user("planted-user")}, got.Addresses)

	_, err = f.vault.Destroy(t.Context(), f.ws, conv.Contact, vault.Profile)
	require.NoError(t, err)
	got, err = f.Get(t.Context(), f.ws, conv.Contact)
	require.NoError(t, err)
	require.True(t, got.Erased)
	require.Empty(t, got.Profile)
	require.Empty(t, got.Addresses)
	_, err = f.Get(t.Context(), f.ws, uuid.New())
	require.ErrorIs(t, err, contacts.ErrNotFound)
}

func TestListGivesPages(t *testing.T) {
	f := setUp(t)
	ch := f.channel("whatsapp")
	var want []uuid.UUID
	for i := range 5 {
		want = append([]uuid.UUID{f.conversation(ch, phone(i)).Contact}, want...)
	}
	var got []uuid.UUID
	after := uuid.Nil
	for {
		page, err := f.List(t.Context(), f.ws, after, 2)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			got = append(got, c.ID)
		}
		after = page[len(page)-1].ID
	}
	require.Equal(t, want, got)
}
