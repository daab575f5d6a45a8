package flow

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func (k *talk) nobody(name string) []string { return k.events(Event{Kind: EventNobody, Name: name}) }

func TestAHandoffSaysWhatHoldsForLiveChats(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - handoff: sales
      to: livechat
      group: 3
      nobody: closed
    - say: Back again.
  closed:
    - say: Come again tomorrow.
`))
	require.Equal(t, []string{"handoff:sales"}, k.say("hello"))
	require.Equal(t, LiveChat{Wanted: true, Group: "3", Branch: true}, k.out.Effects[0].Live)
	other := *k
	require.Equal(t, []string{"Back again."}, other.returned())
	require.Equal(t, []string{"Come again tomorrow."}, k.nobody(NobodyReturned))
	require.Empty(t, k.nobody(NobodyReturned), "people do not have it any more")

	for handoffTo, wanted := range map[string]bool{"": false, "handoff_to: queue\n": false, "handoff_to: livechat\n": true} {
		k = newTalk(t, "name: test\nagent_queue: desk\n"+handoffTo+"blocks:\n  start:\n    - ask: Your name?\n      save: name\n    - handoff: sales\n      to: queue\n")
		k.say("hello")
		other := *k
		k.say("agent")
		require.Equal(t, wanted, k.out.Effects[len(k.out.Effects)-1].Live.Wanted, handoffTo)
		other.say("Ana")
		require.False(t, other.out.Effects[len(other.out.Effects)-1].Live.Wanted, "the step says more than the flow")
	}
}

func TestTheCustomerIsToldThatNobodyIsThere(t *testing.T) {
	const noted, queued = "Nobody is free right now. I have passed on what you wrote, and the answer will come here.",
		"Nobody is free right now. Somebody will answer you here as soon as possible."
	handing := flowOf("\n  start:\n    - handoff: sales\n    - say: Anything else?\n")
	k := newTalk(t, handing)
	k.say("hello")
	require.Equal(t, []string{noted, "Anything else?"}, k.nobody(NobodyTicket))

	k = newTalk(t, handing)
	k.say("hello")
	require.Equal(t, []string{queued}, k.nobody(NobodyQueued))
	require.Empty(t, k.say("hello?"), "it still waits for a person")
	require.Equal(t, []string{"Anything else?"}, k.returned())

	k = newTalk(t, "name: test\nagent_queue: desk\nblocks:\n  start:\n    - ask: Your name?\n      save: name\n")
	k.say("hello")
	k.say("agent")
	require.Equal(t, []string{noted}, k.nobody(NobodyTicket), "a hand-over from anywhere has no place to go on from")
	require.Equal(t, []string{"Your name?"}, k.say("hello"))
}

func TestAHandoffGoesNowhereElse(t *testing.T) {
	_, problems := Parse("test.yaml", []byte(flowOf("\n  start:\n    - handoff: sales\n      to: mars\n")))
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].String(), "a hand-over goes to livechat or to queue")
}
