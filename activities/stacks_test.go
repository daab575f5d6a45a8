package activities

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"parley/connectors/sdk/role"
	"parley/internal/bookings"
	"parley/stacks"
)

// stack starts a conversation with a ready-made solution, in a workspace that has
// what it needs, whoever provides it.
func stack(t *testing.T, name, language string) *talk {
	t.Helper()
	s, err := stacks.Load(name)
	require.NoError(t, err)
	k := setUp(t, string(s.Flows[0].Source)).talk()
	for _, r := range s.Roles {
		k.connect(r, map[string]string{"helpdesk": "desk", "crm": "crm"}[r])
	}
	for _, calendar := range s.Calendars {
		k.calendar(calendar, always)
	}
	require.NoError(t, k.people.SetLanguage(t.Context(), k.ws, k.Contact, language))
	return k
}

func TestCustomerServiceOpensATicketAndFollowsIt(t *testing.T) {
	for language, said := range map[string]struct{ problem, what, yes, thanks, more, added, settled, no string }{
		"en": {"A problem", "The kettle leaks", "Yes", "Your ticket is t1", "It drips", "I have added it.", "Is it?", "No"},
		"hi": {"एक समस्या", "केतली टपकती है", "हाँ", "आपका टिकट t1 है", "टपक रही है", "मैंने जोड़ दिया है।", "क्या सच में?", "नहीं"},
	} {
		t.Run(language, func(t *testing.T) {
			k := stack(t, "customer-service", language)
			k.talks(map[string]string{"en": "hi", "hi": "नमस्ते"}[language])
			k.talks(said.problem)
			k.talks(said.what)
			got := k.talks(said.yes)
			require.Len(t, got, 1)
			require.Contains(t, got[0], said.thanks)
			require.Len(t, k.desk.tickets, 1)
			opened := k.desk.tickets[0]
			require.Equal(t, said.what, opened.text)
			require.Equal(t, "high", opened.Priority)
			require.Equal(t, "Planted-Name", opened.customer.Name)

			k.talks("?")
			require.Equal(t, []string{said.added}, k.talks(said.more))
			require.Equal(t, []role.Comment{{ID: "t1", Text: said.more}}, opened.comments)

			opened.Status = role.TicketPending // the desk asks back
			k.tells("helpdesk", "ticket.changed", "t1", opened.TicketState)
			k.talks("since Monday")
			require.Equal(t, "since Monday", opened.comments[1].Text)
			require.Equal(t, role.TicketOpen, opened.Status)

			opened.Status = role.TicketSolved
			require.Contains(t, k.tells("helpdesk", "ticket.changed", "t1", opened.TicketState)[0], said.settled)
			k.talks(said.no)
			require.Equal(t, role.TicketOpen, opened.Status, "it is opened again")
			opened.Status = role.TicketSolved
			k.tells("helpdesk", "ticket.changed", "t1", opened.TicketState)
			k.talks(said.yes)
			k.talks("5")
			require.JSONEq(t, `{"stars": 5}`, one[string](k.engine, `SELECT data::text FROM events WHERE type = 'flow.feedback.given'`))
		})
	}
}

func TestCustomerServiceAnswersAndAsksForFeedback(t *testing.T) {
	k := stack(t, "customer-service", "en")
	k.talks("hello")
	k.talks("A question")
	got := k.talks("Delivery")
	require.Equal(t, "Parcels take two to four working days.", got[0])
	k.talks("yes")
	k.talks("2")
	k.talks("Be faster")
	require.Len(t, k.desk.tickets, 1)
	require.Equal(t, "Feedback: 2 of 5", k.desk.tickets[0].Subject)
	require.Equal(t, "Be faster", k.desk.tickets[0].text)
	person, err := k.people.Get(t.Context(), k.ws, k.Contact)
	require.NoError(t, err)
	require.Contains(t, person.Profile.Tags, "unhappy")
}

func TestCustomerServiceHandsOverAfterTwoMisses(t *testing.T) {
	k := stack(t, "customer-service", "en")
	k.talks("hello")
	k.talks("blah")
	k.talks("blah blah")
	require.Equal(t, "human", one[string](k.engine, `SELECT owner_kind FROM conversations WHERE id = $1`, k.ID))
	require.Equal(t, "support", one[string](k.engine, `SELECT queue FROM conversations WHERE id = $1`, k.ID))
}

func TestCustomerServiceWithoutAHelpdeskHandsOver(t *testing.T) {
	k := stack(t, "customer-service", "en")
	require.NoError(t, k.Connections.Delete(t.Context(), k.ws, "helpdesk", "test"))
	k.talks("hello")
	k.talks("A problem")
	k.talks("The kettle leaks")
	require.Contains(t, k.talks("no")[0], "I could not open a ticket")
	require.Equal(t, "support", one[string](k.engine, `SELECT queue FROM conversations WHERE id = $1`, k.ID))
}

func TestALeadIsScoredKeptAndMet(t *testing.T) {
	for language, said := range map[string][]string{
		"en": {"hi", "An office", "20000000", "This month", "Ana Sol", "ana@example.org", "Yes"},
		"hi": {"नमस्ते", "एक दफ़्तर", "20000000", "इसी महीने", "अना", "ana@example.org", "हाँ"},
	} {
		t.Run(language, func(t *testing.T) {
			k := stack(t, "leads", language)
			for _, text := range said[:6] {
				k.talks(text)
			}
			require.Contains(t, k.talks(said[6])[0], map[string]string{"en": "When shall we talk?", "hi": "हम कब बात करें?"}[language])
			require.Equal(t, map[string]role.Lead{k.Contact.String(): {Person: role.Person{ExternalID: k.Contact.String(), Name: said[4], Email: "ana@example.org", Language: language},
				Source: "chat", Score: 100}}, k.crm.leads)
			got := k.talks("1")
			made, err := k.Bookings.List(t.Context(), k.ws, bookings.Filter{State: bookings.Booked}, 10)
			require.NoError(t, err)
			require.Len(t, made, 1)
			zone, err := time.LoadLocation("Asia/Kolkata")
			require.NoError(t, err)
			require.Contains(t, got[0], made[0].Start.In(zone).Format("15:04"))
			require.Len(t, k.crm.notes, 2)
			require.Equal(t, "l-"+k.Contact.String(), k.crm.notes[1].Contact)
			require.True(t, strings.HasPrefix(k.crm.notes[1].Text, "Appointment: "))
			_, waits := k.deadline()
			require.True(t, waits, "a reminder is due")

			k.talks(map[string]string{"en": "change my appointment", "hi": "समय बदलें"}[language])
			k.talks("2")
			moved, err := k.Bookings.List(t.Context(), k.ws, bookings.Filter{State: bookings.Booked}, 10)
			require.NoError(t, err)
			require.Len(t, moved, 1)
			require.True(t, moved[0].Start.After(made[0].Start) || moved[0].Start.Before(made[0].Start))
			k.talks(map[string]string{"en": "cancel my appointment", "hi": "मुलाक़ात रद्द करें"}[language])
			left, err := k.Bookings.List(t.Context(), k.ws, bookings.Filter{State: bookings.Booked}, 10)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func (k *talk) deadline() (time.Time, bool) {
	at := one[*time.Time](k.engine, `SELECT due_at FROM conversations WHERE id = $1`, k.ID)
	if at == nil {
		return time.Time{}, false
	}
	return *at, true
}

func TestALeadThatIsOnlyLookingIsKeptWithoutAnAppointment(t *testing.T) {
	k := stack(t, "leads", "en")
	for _, text := range []string{"hi", "Only looking", "1000", "Later", "Bo", "Skip"} {
		k.talks(text)
	}
	require.Equal(t, []string{"Thank you, Bo. We will write when something fits."}, k.talks("yes"))
	require.Equal(t, 5.0, k.crm.leads[k.Contact.String()].Score)
	person, err := k.people.Get(t.Context(), k.ws, k.Contact)
	require.NoError(t, err)
	require.Contains(t, person.Profile.Tags, "nurture")

	k = stack(t, "leads", "en")
	for _, text := range []string{"hi", "A home", "1000", "Later", "Bo", "Skip"} {
		k.talks(text)
	}
	require.Contains(t, k.talks("no")[0], "forgotten")
	require.Empty(t, k.crm.leads, "nothing is kept without consent")
}
