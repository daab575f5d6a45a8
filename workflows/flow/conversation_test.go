package flow

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const shop = `
name: shop
agent_queue: desk
keywords: {start: [hi, hello, "#"], news: [news]}
words:
  cancel: [cancel, basta]
texts:
  cancelled: Stopped.
blocks:
  start:
    - say: Welcome.
    - go: menu
  menu:
    - choices: What next?
      options: {Tell me more: more, Menu: leaflet}
  more:
    - ask: Your name?
      save: who
    - wait: 1d
    - say: Good morning, {{ who }}.
  leaflet:
    - say: Here is our menu.
  news:
    - say: No news.
`

func TestGlobalWordsAndKeywords(t *testing.T) {
	welcome := []string{"Welcome.", "What next? [Tell me more|Menu]"}
	cases := []struct {
		name string
		says []string
		want []string
	}{
		{"anything starts the flow", []string{"good day"}, welcome},
		{"a keyword enters its block", []string{"News!"}, []string{"No news."}},
		{"a keyword that is a sign", []string{"x", "#"}, welcome},
		{"a keyword in a question", []string{"x", "1", " HELLO "}, welcome},
		{"a keyword in a longer text is an answer", []string{"x", "1", "hello world"}, nil},
		{"the menu from a question", []string{"x", "1", "main menu"}, welcome[1:]},
		{"an offered choice comes before a word", []string{"x", "menu"}, []string{"Here is our menu."}},
		{"cancel in a question", []string{"x", "1", "basta"}, []string{"Stopped."}},
		{"cancel when there is nothing to cancel", []string{"cancel"}, welcome},
		{"a word that the flow replaced", []string{"x", "1", "never mind"}, nil},
		{"start over", []string{"x", "1", "Ana", "start over"}, welcome},
		{"the agent from a wait", []string{"x", "1", "Ana", "talk to an agent"},
			[]string{"I am handing you over to a colleague, who will answer here.", "handoff:desk"}},
		{"a burst is answered in order", []string{"x\x00hello\x001\x00Ana"}, append(append(append([]string{}, welcome...), welcome...), "Your name?")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			k := newTalk(t, shop)
			var got []string
			for _, s := range c.says {
				got = k.say(splitBurst(s)...)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func splitBurst(s string) []string {
	var out []string
	for at, i := 0, 0; i <= len(s); i++ {
		if i == len(s) || s[i] == 0 {
			out, at = append(out, s[at:i]), i+1
		}
	}
	return out
}

func TestStartOverForgets(t *testing.T) {
	k := newTalk(t, shop)
	for _, s := range []string{"x", "1", "Ana"} {
		k.say(s)
	}
	require.Equal(t, map[string]any{"who": "Ana"}, k.state.Vars)
	k.say("restart")
	require.Empty(t, k.state.Vars)
	seq := k.state.Seq
	k.say("cancel")
	require.Greater(t, k.state.Seq, seq, "Refs are never used again")
}

func TestWithoutAQueueTheAgentWordIsAnAnswer(t *testing.T) {
	k := newTalk(t, "name: test\nblocks:\n  start:\n    - ask: Who are you?\n      save: who\n    - say: Hello {{ who }}.\n")
	k.say("x")
	require.Equal(t, []string{"Hello agent."}, k.say("agent"))
}

func TestTwoMissesHandOff(t *testing.T) {
	k := newTalk(t, shop)
	k.say("x")
	require.Contains(t, k.say("blah")[0], "or write its number.")
	require.Equal(t, []string{"I am handing you over to a colleague, who will answer here.", "handoff:desk"}, k.say("blah"))
	require.Equal(t, "The customer's answers were not understood.", k.out.Effects[1].Note)
	require.Equal(t, []string{"Welcome.", "What next? [Tell me more|Menu]"}, k.returned())

	k.say("blah")
	k.say("1") // understood: the count begins anew
	require.Zero(t, k.state.Misses)
}

func TestMissesLeadToTheFallback(t *testing.T) {
	source := "name: test\nmisses: 3\nfallback: lost\n" + `
blocks:
  start:
    - ask: A number?
      kind: number
      save: n
  lost:
    - say: Let us leave it.
`
	k := newTalk(t, source)
	k.say("x")
	for range 2 {
		require.Contains(t, k.say("what")[0], "A number?")
	}
	require.Equal(t, []string{"Let us leave it."}, k.say("what"))
	require.True(t, k.out.Missed)
}

func TestWithoutAFallbackTheQuestionIsPutForever(t *testing.T) {
	k := newTalk(t, "name: test\nblocks:\n  start:\n    - ask: A number?\n      kind: number\n      save: n\n")
	k.say("x")
	for range 20 {
		require.Contains(t, k.say("what")[0], "A number?")
	}
}

func TestReturnedWithoutAHandoffPutsTheQuestionAgain(t *testing.T) {
	k := newTalk(t, shop)
	k.say("x")
	require.Equal(t, []string{"What next? [Tell me more|Menu]"}, k.returned())
	k.say("1")
	k.say("Ana")
	require.Empty(t, k.returned(), "a wait goes on")
	require.NotNil(t, k.state.Wait)
}

func TestMessagesThatAreNoText(t *testing.T) {
	k := newTalk(t, shop)
	require.Len(t, k.say(""), 2, "a picture starts the flow too")
	k.say("1")
	k.say("")
	require.True(t, k.out.Missed)
}

func TestAStateOfAnotherDocumentStartsAnew(t *testing.T) {
	for _, s := range []State{
		{Block: "gone", Step: 3, Pending: "e1"}, {Block: "more", Step: 99}, {Block: "more", Step: -1},
		{Block: "start", Step: 0}, {Block: "menu", Step: 0, Misses: -5},
	} {
		k := newTalk(t, shop)
		k.state = s
		require.NotEmpty(t, k.say("x"))
	}
}

const payer = `
name: payer
agent_queue: desk
keywords: {other: [other]}
blocks:
  start:
    - set: {total: 1999, item: Tea}
    - pay: "{{ item }}"
      amount: total
      currency: USD
      expires: 1d
      button: Pay {{ money(total, "USD") }}
      expired: late
      failed: declined
    - say: Thank you for buying {{ item }}.
  late:
    - say: Too late.
  declined:
    - choices: That did not work {{ error.code }}. Again?
      options: {Again: start, Stop: late}
  other:
    - ask: What is it?
      save: it
    - say: Noted.
`

// paying brings a conversation to where the payment is awaited.
func paying(t *testing.T) (*talk, string) {
	k := newTalk(t, payer)
	require.Equal(t, []string{`pay:{"amount":1999,"currency":"USD","description":"Tea","expires":86400000000000}`}, k.say("hello"))
	require.Equal(t, []string{"One moment, please."}, k.say("hello?"))
	require.Equal(t, []string{"Here is your payment link. <https://pay.test/1>"}, k.result(`{"url":"https://pay.test/1"}`))
	require.Equal(t, "Pay $19.99", k.out.Effects[0].Content.Link.Label)
	return k, k.state.Pending
}

func TestPaid(t *testing.T) {
	k, ref := paying(t)
	require.Contains(t, k.say("how?")[0], "I am waiting for your payment")
	require.Empty(t, k.news("e77", "payment.paid"), "another's payment is ignored")
	require.Empty(t, k.news(ref, "payment.unheard_of"))
	require.Equal(t, []string{"Thank you for buying Tea."}, k.news(ref, "payment.paid"))
	require.Empty(t, k.news(ref, "payment.paid"), "it is answered once")
	require.Empty(t, k.state.Payments)
	require.Empty(t, k.state.Vars)
}

func TestNotPaid(t *testing.T) {
	k, ref := paying(t)
	require.Equal(t, []string{"Too late."}, k.news(ref, "payment.expired"))
	require.Empty(t, k.state.Vars)
	require.Equal(t, []string{"Thank you for buying ."}, k.news(ref, "payment.paid"), "a payment after its expiry is answered still")

	k, ref = paying(t)
	require.Equal(t, []string{"That did not work payment_failed. Again? [Again|Stop]"}, k.news(ref, "payment.failed"))
	require.Equal(t, []string{"Thank you for buying Tea."}, k.news(ref, "payment.paid"), "the same link may work at last")
}

func TestNoLink(t *testing.T) {
	k := newTalk(t, payer)
	k.say("hello")
	require.Equal(t, []string{"That did not work c1. Again? [Again|Stop]"}, k.fails("unavailable"))
	k.say("again")
	require.Equal(t, []string{"That did not work no_link. Again? [Again|Stop]"}, k.result(`{}`))
	require.Empty(t, k.state.Payments)
}

func TestAPaymentIsAnsweredWhereverTheCustomerIs(t *testing.T) {
	k, ref := paying(t)
	require.Equal(t, []string{"What is it?"}, k.say("other"))
	require.Empty(t, k.news(ref, "payment.failed"), "who went on is not bothered with failure")
	require.Equal(t, []string{"Thank you for buying Tea."}, k.news(ref, "payment.paid"))

	k, ref = paying(t)
	k.say("cancel")
	require.Empty(t, k.state.Block)
	require.Equal(t, []string{"Thank you for buying Tea."}, k.news(ref, "payment.paid"), "the variables are kept for it")
	require.Empty(t, k.state.Vars)

	k, ref = paying(t)
	k.say("agent")
	require.Empty(t, k.news(ref, "payment.paid"), "people have the conversation")
	require.Equal(t, []string{"Thank you for buying Tea."}, k.returned())
}

func TestOpenPaymentsAreBounded(t *testing.T) {
	k, _ := paying(t)
	for range maxPayments - 1 {
		k.say("other")
		k.say("cancel")
		k.say("x")
		k.result(`{"url":"https://pay.test/2"}`)
	}
	require.Len(t, k.state.Payments, maxPayments)
	k.say("cancel")
	require.Equal(t, []string{"That did not work too_many_payments. Again? [Again|Stop]"}, k.say("x"))
	require.Equal(t, []string{`block "start", step 2: too many payments are open`}, k.out.Faults)

	k.news(k.state.Payments[3].Ref, "payment.expired")
	k.say("again")
	k.result(`{"url":"https://pay.test/3"}`)
	require.Len(t, k.state.Payments, maxPayments, "an expired one makes room")
}
