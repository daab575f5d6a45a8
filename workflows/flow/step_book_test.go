package flow

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

const doctor = `
  start:
    - book: doctor
      ask: When?
      offer: 2
      save: visit
      none: full
      errors: broken
    - say: "{{ visit.when }}"
    - schedule: See you soon.
      at: date(visit.start) - duration("2h")
      name: reminder
    - ask: Change it?
      kind: yesno
      save: change
    - if: not change
      then: cancel
    - book: doctor
      ask: When then?
      move: visit
      save: visit
      none: full
      taken: beaten
      errors: broken
    - say: "Moved to {{ visit.time }}"
  cancel:
    - unbook:
      errors: broken
    - schedule: ""
      name: reminder
    - say: Cancelled.
  full:
    - say: All booked.
  beaten:
    - say: Gone.
  broken:
    - say: "sorry {{ error.code }}"
`

const threeSlots = `{"slots":[{"start":"2026-11-24T09:00:00+01:00"},{"start":"2026-11-24T09:30:00+01:00"},{"start":"2026-11-25T10:00:00+01:00"}]}`

func (k *talk) beaten() []string {
	return k.events(Event{Kind: EventCallResult, Ref: k.state.Pending, Error: &sdk.Error{Class: sdk.Rejected, Code: slotTaken}})
}

func TestAnAppointmentIsChosenAmongFreeSlots(t *testing.T) {
	k := newTalk(t, flowOf(doctor))
	require.Equal(t, []string{`call:parley.slots{"calendar":"doctor","limit":3}`}, k.say("hi"))
	require.Equal(t, []string{"One moment, please."}, k.say("quick"))
	require.Equal(t, []string{"When? [Tue 24 Nov, 09:00|Tue 24 Nov, 09:30|Later times]"}, k.result(threeSlots))
	require.Equal(t, []string{`call:parley.slots{"calendar":"doctor","from":"2026-11-25T10:00:00+01:00","limit":3}`}, k.say("later times"))
	require.Equal(t, []string{"When? [Wed 25 Nov, 10:00]"}, k.result(`{"slots":[{"start":"2026-11-25T10:00:00+01:00"}]}`))
	require.Equal(t, []string{`call:parley.book{"calendar":"doctor","start":"2026-11-25T10:00:00+01:00"}`}, k.say("1"))
	require.Equal(t, []string{`call:parley.slots{"calendar":"doctor","limit":3}`}, k.beaten(), "others are offered")
	require.Equal(t, []string{"Sorry, somebody has just taken that time.\n\nWhen? [Tue 24 Nov, 09:00|Tue 24 Nov, 09:30|Later times]"}, k.result(threeSlots))
	require.Equal(t, []string{`call:parley.book{"calendar":"doctor","start":"2026-11-24T09:30:00+01:00"}`}, k.say("2"))
	require.Equal(t, []string{"Tue 24 Nov, 09:30", "Change it? [Yes|No]"},
		k.result(`{"id":"b1","calendar":"doctor","start":"2026-11-24T09:30:00+01:00","end":"2026-11-24T10:00:00+01:00","day":"2026-11-24","time":"09:30"}`))
	require.Len(t, k.state.Scheduled, 1)
	require.Equal(t, "2026-11-24T06:30:00Z", k.state.Scheduled[0].At.Format("2006-01-02T15:04:05Z07:00"))
}

func booked(t *testing.T) *talk {
	k := newTalk(t, flowOf(doctor))
	k.say("hi")
	k.result(threeSlots)
	k.say("1")
	k.result(`{"id":"b1","calendar":"doctor","start":"2026-11-24T09:00:00+01:00","time":"09:00"}`)
	return k
}

func TestAnAppointmentIsMovedOrCancelled(t *testing.T) {
	k := booked(t)
	require.Equal(t, []string{`call:parley.slots{"calendar":"doctor","limit":9}`}, k.say("yes"))
	k.result(threeSlots)
	require.Equal(t, []string{`call:parley.booking_move{"booking_id":"b1","start":"2026-11-25T10:00:00+01:00"}`}, k.say("3"))
	require.Equal(t, []string{"Moved to 10:00"}, k.result(`{"id":"b1","start":"2026-11-25T10:00:00+01:00","time":"10:00"}`))

	k = booked(t)
	k.say("yes")
	k.result(threeSlots)
	k.say("3")
	require.Equal(t, []string{"Gone."}, k.beaten(), "a branch of its own")

	k = booked(t)
	require.Equal(t, []string{`call:parley.booking_cancel{"booking_id":"b1"}`}, k.say("no"))
	require.Equal(t, []string{"Cancelled."}, k.result(`{}`))
	require.Empty(t, k.state.Scheduled)
}

func TestNothingFreeAndErrorsHaveTheirBranches(t *testing.T) {
	k := newTalk(t, flowOf(doctor))
	k.say("hi")
	require.Equal(t, []string{"All booked."}, k.result(`{"slots":[]}`))
	k.say("hi")
	require.Equal(t, []string{"sorry c1"}, k.fails(sdk.NotFound))
}

// While people have the conversation, what was looked up is held; the question is
// put when they give it back.
func TestSlotsThatComeWhilePeopleTalkAreOfferedAfterwards(t *testing.T) {
	k := newTalk(t, "name: test\nagent_queue: desk\nwords: {agent: {say: [human], go: people}}\nblocks:"+doctor+"  people:\n    - handoff\n    - end\n")
	k.say("hi")
	k.state.Handed = true
	require.Empty(t, k.result(threeSlots))
	require.Equal(t, []string{"When? [Tue 24 Nov, 09:00|Tue 24 Nov, 09:30|Later times]"}, k.returned())
}

func TestTimesAreWrittenInTheCustomersLanguage(t *testing.T) {
	for language, want := range map[string]string{"en": "Tue 24 Nov, 09:30", "hi": "मंगल 24 नव॰, 09:30", "es": "mar 24 nov, 09:30", "de": "2026-11-24 09:30"} {
		require.Equal(t, want, when("2026-11-24T09:30:00+01:00", language))
	}
	require.Equal(t, "soon", when("soon", "en"))
}

func TestWhatABookingSaysIsCheckedAgainstChannels(t *testing.T) {
	doc, problems := Parse("f.yaml", []byte(flowOf(doctor)))
	require.Empty(t, problems)
	first := doc.Messages()[0]
	require.Equal(t, "When?", first.Content.Text)
	require.Len(t, first.Content.Choices, 2)
}
