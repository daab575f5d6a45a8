package flow

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

func TestSayEverything(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - say: Rooms
      location: {latitude: 40.4, longitude: '=-3.7', name: Hotel, address: Calle 1}
    - say: Call us
      contact: {name: Desk, organization: Hotel, phones: ["34600112233"], emails: [desk@example.test]}
    - say: Which one?
      cards:
        from: rooms
        title: "{{ item.name }}"
        subtitle: "{{ money(item.price, 'EUR') }}"
        image: "https://example.test/{{ item.name }}.jpg"
        link: https://example.test/
        button: Look
    - say: Watch it
      live: https://example.test/live
    - say: The terms
      document: https://example.test/t.pdf
      filename: terms.pdf
      template: {name: terms, params: ["{{ contact.name }}", "2"]}
vars: {rooms: [{name: A, price: 5000}, {name: B, price: 9000}]}
`))
	k.say("x")
	sent := []sdk.Content{}
	for _, e := range k.out.Effects {
		sent = append(sent, *e.Content)
	}
	require.Equal(t, []sdk.Content{
		{Text: "Rooms", Location: &sdk.Location{Latitude: 40.4, Longitude: -3.7, Name: "Hotel", Address: "Calle 1"}},
		{Text: "Call us", Contact: &sdk.ContactCard{Name: "Desk", Organization: "Hotel", Phones: []string{"34600112233"}, Emails: []string{"desk@example.test"}}},
		{Text: "Which one?", Cards: []sdk.Card{
			{Title: "A", Subtitle: "€50.00", ImageURL: "https://example.test/A.jpg", Link: &sdk.Link{URL: "https://example.test/", Label: "Look"}},
			{Title: "B", Subtitle: "€90.00", ImageURL: "https://example.test/B.jpg", Link: &sdk.Link{URL: "https://example.test/", Label: "Look"}}}},
		{Text: "Watch it", Link: &sdk.Link{URL: "https://example.test/live", Label: "Watch live"}},
		{Text: "The terms", Media: &sdk.Media{Kind: "document", URL: "https://example.test/t.pdf", Filename: "terms.pdf"},
			Template: &sdk.Template{Name: "terms", Language: "en", Params: []string{"Ana", "2"}}},
	}, sent)
}

func TestMoreKinds(t *testing.T) {
	amount := func(minor float64, currency string) map[string]any {
		return map[string]any{"amount": minor, "currency": currency}
	}
	cases := []struct {
		kind, rules, answer string
		want                any // nil: not understood
	}{
		{"longtext", "", strings.Repeat("a ", 4000) + "z", strings.Repeat("a ", 4000) + "z"},
		{"amount", "currency: EUR", "12,50", amount(1250, "EUR")},
		{"amount", "currency: EUR", "1.234,50 €", amount(123450, "EUR")},
		{"amount", "currency: EUR", "USD 1,234.5", amount(123450, "USD")},
		{"amount", "currency: USD", "$ 20", amount(2000, "USD")},
		{"amount", "currency: JPY", "1,200", amount(1200, "JPY")},
		{"amount", "currency: EUR\n      max: 1000", "20", nil},
		{"amount", "currency: EUR", "a lot", nil},
		{"date", "", "2026-12-24", "2026-12-24"},
		{"date", "", "24/12/2026", "2026-12-24"},
		{"date", "", "24 December 2026", "2026-12-24"},
		{"date", "", "Tomorrow", "2026-11-24"},
		{"date", "min: now", "22.11.2026", nil},
		{"date", "min: now\n      max: '\"2026-12-01\"'", "1.12.2026", "2026-12-01"},
		{"date", "", "31.2.2026", nil},
		{"time", "", "9:30", "09:30"},
		{"time", "", "3 pm", "15:00"},
		{"time", "max: '\"12:00\"'", "15:00", nil},
		{"rating", "", "5", 5.0},
		{"rating", "max: 3", "4", nil},
		{"address", "", "Main Street 5, Town", map[string]any{"text": "Main Street 5, Town"}},
		{"address", "", "here", nil},
		{"photo", "", "a photo", nil},
	}
	for _, c := range cases {
		t.Run(c.kind+" "+clip(c.answer, 20), func(t *testing.T) {
			rules := ""
			if c.rules != "" {
				rules = "      " + c.rules + "\n"
			}
			k := newTalk(t, flowOf("  start:\n    - ask: Well?\n      kind: "+c.kind+"\n"+rules+"      save: it\n    - ask: Next?\n      save: other\n"))
			k.say("hello")
			k.say(c.answer)
			require.Equal(t, c.want, k.state.Vars["it"])
			require.Equal(t, c.want == nil, k.out.Missed)
		})
	}
}

func TestFilesAndLocations(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - ask: Your passport?
      kind: file
      types: [image/*, application/pdf]
      save: passport
    - ask: Where?
      kind: location
      save: at
    - say: "{{ passport.id }} {{ at.latitude }}"
`))
	k.say("x")
	send := func(msg sdk.Incoming) []string { return k.events(Event{Kind: EventMessage, Message: &msg}) }
	send(sdk.Incoming{Media: &sdk.Media{Kind: "video", ID: "v", MIME: "video/mp4"}})
	require.True(t, k.out.Missed)
	require.Equal(t, []string{"Where?"}, send(sdk.Incoming{Media: &sdk.Media{Kind: "document", ID: "m1", MIME: "application/pdf; x=1"}}))
	require.Equal(t, []string{"m1 40.5"}, send(sdk.Incoming{Location: &sdk.Location{Latitude: 40.5, Longitude: 1}}))
}

func TestQuestionsHelpRetrySkipAndGiveUp(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - ask: How old?
      kind: integer
      save: age
      skip: true
      retry: [Digits please., Only digits.]
      help: A number like 42.
      tries: 3
      failed: lost
      timeout: {after: 1h, say: Still there?, times: 2, go: gone}
    - say: "{{ age ?? 'nothing' }}"
  lost:
    - say: Lost.
  gone:
    - say: Gone.
`))
	require.Equal(t, []string{"How old? [Skip]"}, k.say("x"))
	require.Equal(t, []string{"Digits please.\n\nA number like 42.\n\nHow old? [Skip]"}, k.say("old"))
	require.Equal(t, []string{"Only digits.\n\nHow old? [Skip]"}, k.say("very"))
	require.Equal(t, []string{"Lost."}, k.say("ancient"))
	require.Equal(t, []string{"nothing"}, converse(k, "x", "skip"))
	require.Equal(t, []string{"1"}, converse(k, "x", "1"), "a number is an answer, not the first choice")
	k.say("x")
	require.Equal(t, []string{"Still there?\n\nHow old? [Skip]"}, k.timeUp())
	require.Equal(t, []string{"Still there?\n\nHow old? [Skip]"}, k.timeUp())
	require.Equal(t, []string{"Gone."}, k.timeUp())
}

const account = `
  start:
    - form: Let us open your account.
      save: account
      fields:
        name: {ask: Your name?, label: Name}
        email: {ask: Your e-mail?, kind: email, label: E-mail}
        news: {ask: News?, kind: yesno, label: News, if: account.name != "Bo"}
    - say: "{{ account.name }} {{ account.email }} {{ account.news }}"
`

func TestForm(t *testing.T) {
	k := newTalk(t, flowOf(account))
	require.Equal(t, []string{"Let us open your account.\n\nYour name?"}, k.say("x"))
	require.Equal(t, []string{"Your e-mail?"}, k.say("Ana"))
	require.Equal(t, []string{"Your name?"}, k.say("back"))
	require.Equal(t, []string{"Your e-mail?"}, k.say("Eva"))
	require.Contains(t, k.say("nothing")[0], "did not understand")
	require.Equal(t, []string{"Your name?"}, k.say("I want to change my name"))
	summary := "Is this right?\n*Name*: Eve\n*E-mail*: eve@example.org\n*News*: Yes [Yes, send it|Change: Name|Change: E-mail|Change: News]"
	k.say("Eve")
	k.say("change e-mail")
	require.Contains(t, k.state.Block, "start")
	k = newTalk(t, flowOf(account))
	require.Equal(t, []string{summary}, converse(k, "x", "Eve", "eve@example.org", "yes"))
	require.Equal(t, []string{"Your e-mail?"}, k.say("change my e-mail"))
	require.Equal(t, []string{strings.Replace(summary, "eve@example.org", "eve@example.com", 1)}, k.say("eve@example.com"))
	require.Equal(t, []string{"News? [Yes|No]"}, k.say("4"))
	require.Contains(t, k.say("no")[0], "*News*: No")
	require.Equal(t, []string{"Eve eve@example.com false"}, k.say("yes, send it"))

	require.Equal(t, []string{"Is this right?\n*Name*: Bo\n*E-mail*: b@example.org [Yes, send it|Change: Name|Change: E-mail]"},
		converse(k, "x", "Bo", "b@example.org"))
	require.Equal(t, []string{"Bo b@example.org "}, k.say("ok"))
}

func TestSeveralChoices(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - choices: Toppings?
      from: toppings_all
      label: "{{ item }}"
      image: "https://example.test/{{ item }}.jpg"
      button: Take it
      options: [{label: Sauce}]
      many: {min: 1, max: 3}
      save: toppings
    - say: "{{ join(toppings, '+') }}"
vars: {toppings_all: [cheese, ham, olives]}
`))
	require.Equal(t, []string{"Toppings? [Sauce] (cheese) (ham) (olives)"}, k.say("x"))
	require.Equal(t, "Take it", k.out.Effects[0].Content.Cards[0].Choices[0].Label)
	require.Equal(t, []string{"Toppings?\n\nChosen so far: ham [Sauce|Done] (cheese) (olives)"}, k.tap("start/0/=2", "Take it"))
	require.Equal(t, []string{"cheese+ham"}, converse(k, "cheese", "done"))
	require.Equal(t, []string{"cheese+ham+olives"}, converse(k, "x", "1, 2; olives"), "three is all")
	k.say("x")
	k.say("cheese, chalk")
	require.True(t, k.out.Missed)
}

func TestOneTimePassword(t *testing.T) {
	source := flowOf(`
  start:
    - otp: The code?
      call: mail.send
      with: {text: "{{ code }}"}
      expires: 5m
      tries: 2
      failed: [{say: Not proven.}, {go: bye}]
    - say: Proven.
  bye:
    - say: Bye.
`)
	code := func(k *talk) string { return strings.Trim(strings.Split(string(k.out.Effects[0].Input), ":")[1], `"}`) }
	k := newTalk(t, source)
	k.say("x")
	sent := code(k)
	require.Len(t, sent, 6)
	require.NotContains(t, k.state.Asked.Code, sent)
	require.Equal(t, []string{"The code? [Send another code]"}, k.result(`{}`))
	require.Equal(t, []string{"That is not the code.\n\nThe code? [Send another code]"}, k.say("000"))
	require.Equal(t, []string{"Proven."}, k.say(sent[:3]+" "+sent[3:]))

	k.say("x")
	sent = code(k)
	k.result(`{}`)
	k.now = k.now.Add(6 * time.Minute)
	require.Contains(t, k.say(sent)[0], "That is not the code.", "it has expired")
	k.say("send another code")
	require.NotEqual(t, sent, code(k))
	k.result(`{}`)
	require.Equal(t, []string{"Not proven.", "Bye."}, k.say("Send another code"), "two codes are all")

	k.say("x")
	require.Equal(t, []string{"Not proven.", "Bye."}, k.fails(sdk.Unavailable))
}

func TestSign(t *testing.T) {
	source := flowOf(`
  start:
    - sign: I agree to {{ 1 + 1 }} things.
      by: BY
      save: signature
      declined: [{say: Not signed.}, end]
    - say: "{{ signature.signed }}: {{ signature.statement }} {{ signature.at }}"
`)
	k := newTalk(t, strings.Replace(source, "BY", "tap", 1))
	require.Equal(t, []string{"I agree to 2 things. [I agree|I do not agree]"}, k.say("x"))
	k.say("perhaps")
	require.True(t, k.out.Missed)
	require.Equal(t, []string{"I agree: I agree to 2 things. 2026-11-23T09:00:00Z"}, k.say("1"))
	require.Equal(t, []string{"Not signed."}, converse(k, "x", "I do not agree"))
	k = newTalk(t, strings.Replace(source, "BY", "name", 1))
	k.say("x")
	k.say("yes")
	require.True(t, k.out.Missed)
	require.Contains(t, k.say("Ana Lee")[0], "Ana Lee: I agree")
}

func TestSwitchEachSplitRandomStop(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - each: cart
      as: line
      do:
        - if: line == "skipped"
          then: [{say: Skip.}]
          else:
            - ask: "How many {{ line }}?"
              save: n
        - say: "{{ n ?? 0 }} {{ line }}"
    - switch: n
      cases: {"1": [{say: One.}], two: two}
      else: [{say: Other.}]
    - say: End.
    - stop
  two:
    - say: Two.
vars: {cart: [tea, skipped, milk], n: null}
keywords: {start: [go]}
`))
	require.Equal(t, []string{"How many tea?"}, k.say("x"))
	require.Equal(t, []string{"1 tea", "Skip.", "1 skipped", "How many milk?"}, k.say("1"))
	require.Equal(t, []string{"Two milk", "Two."}, k.say("Two "), "answers are trimmed, cases folded")
	require.Equal(t, []string{"9 milk", "Other.", "End."}, converse(k, "x", "1", "9"))
	require.True(t, k.state.Quiet)
	require.Empty(t, k.say("hello?"), "silent until a word of the flow's own")
	require.Equal(t, []string{"How many tea?"}, k.say("go"))
}

func TestSplitIsStableAndFair(t *testing.T) {
	p := compile(t, flowOf("  start:\n    - split: test\n      ways: {a: 70, b: 30}\n  a:\n    - say: A\n  b:\n    - random: {c: 1, d: 1}\n  c:\n    - say: C\n  d:\n    - say: D\n"))
	count := map[string]int{}
	for i := range 3000 {
		in := Input{Events: []Event{message("x")}, Now: testNow, Person: formatNumber(float64(i)), Conversation: formatNumber(float64(i))}
		first := shown(p.Step(in).Effects)[0]
		count[first]++
		in.State.Turns = 7
		again := shown(p.Step(in).Effects)[0]
		require.Equal(t, first == "A", again == "A", "a person stays on one side")
	}
	require.InDelta(t, 2100, count["A"], 150)
	require.InDelta(t, 450, count["C"], 100)
}

func TestBusinessHours(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - if: hours.shop.open
      then: [{say: Open.}]
      else:
        - say: "Closed until {{ hours.shop.next }}."
        - wait:
          until: hours.shop.next
        - say: Good morning.
hours:
  shop:
    zone: Europe/Madrid
    week: {mon-fri: "9:00-14:00, 16:00-20:00", sat: "10:00-14:00"}
    days: {2026-11-24: "12:00-13:00"}
    closed: [2026-11-25]
`))
	at := func(s string) string {
		now, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		k.state, k.now = State{}, now
		return k.say("x")[0]
	}
	for now, want := range map[string]string{
		"2026-11-23T08:00:00Z": "Open.", "2026-11-23T07:59:00Z": "Closed until 2026-11-23T08:00:00Z.",
		"2026-11-23T14:00:00Z": "Closed until 2026-11-23T15:00:00Z.", "2026-11-23T20:00:00Z": "Closed until 2026-11-24T11:00:00Z.",
		"2026-11-24T15:00:00Z": "Closed until 2026-11-26T08:00:00Z.", "2026-07-06T07:30:00Z": "Open.",
		"2026-10-24T13:00:00Z": "Closed until 2026-10-26T08:00:00Z.",
	} {
		require.Equal(t, want, at(now), now)
	}
	require.Equal(t, []string{"Good morning."}, k.timeUpIfWaiting())
}

func (k *talk) timeUpIfWaiting() []string {
	if k.state.Wait == nil {
		k.state, k.now = State{}, time.Date(2026, 11, 23, 21, 0, 0, 0, time.UTC)
		k.say("x")
	}
	return k.timeUp()
}

func TestWaitForNews(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - wait: 2d
      event: order.fulfilled
      save: parcel
      late: [{say: Late.}, end]
    - say: "Sent with {{ parcel.carrier }}."
`))
	k.say("x")
	require.Empty(t, k.events(Event{Kind: EventProvider, Ref: "e1", Name: "other"}))
	require.Equal(t, []string{"Sent with DHL."}, k.events(Event{Kind: EventProvider, Ref: "e1", Name: "order.fulfilled", Output: []byte(`{"carrier":"DHL"}`)}))
	k.say("x")
	require.Equal(t, []string{"Late."}, k.timeUp())
}

func TestSchedule(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - schedule: Reminder for {{ contact.name }}.
      after: 2h
      name: reminder
      template: {name: reminder}
    - schedule: Sooner.
      at: now + duration("1h")
    - ask: Cancel it?
      kind: yesno
      save: sure
    - if: sure
      then:
        - schedule: ""
          name: reminder
`))
	require.Equal(t, []string{"Cancel it? [Yes|No]"}, k.say("x"))
	other := *k
	k.say("no")
	require.Empty(t, k.state.Block, "it outlives the flow")
	require.Equal(t, []string{"Sooner."}, k.due())
	k.state.Handed = true
	at, _ := k.state.Due()
	require.True(t, at.IsZero())
	k.now = k.now.Add(3 * time.Hour)
	require.Equal(t, []string{"Reminder for Ana."}, k.returned()[:1], "people had the conversation")
	require.Equal(t, "reminder", k.out.Effects[0].Content.Template.Name)
	other.say("yes")
	require.Len(t, other.state.Scheduled, 1)
}

func TestEngineSteps(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - tag: vip
    - tag: "{{ 'trial' }}"
      remove: true
    - consent: marketing
      granted: 1 == 2
    - subscribe: arrivals
    - emit: quote.given
      with: {amount: =1 + 1, plan: basic, name: =contact.name}
    - signal: cancel
      of: '"c-1"'
      save: reply
      errors: [{say: No.}, end]
    - say: "{{ reply.text }}"
`))
	require.Equal(t, []string{`call:parley.contact_tag{"remove":false,"tag":"vip"}`, `call:parley.contact_tag{"remove":true,"tag":"trial"}`,
		`call:parley.contact_consent{"granted":false,"purpose":"marketing"}`, `call:parley.contact_consent{"granted":true,"purpose":"topic:arrivals"}`,
		`emit:quote.given{"amount":2,"plan":"basic"}`, `call:parley.case_signal{"case_id":"c-1","signal":"cancel"}`}, k.say("x"))
	require.Equal(t, []string{`block "start", step 5: ` + errEmitted.Error()}, k.out.Faults, "nothing of the customer is published")
	require.Equal(t, []string{"Done."}, k.result(`{"accepted":true,"text":"Done."}`))
}

func TestAFileThatIsTooLargeIsRefusedUnseen(t *testing.T) {
	k := newTalk(t, flowOf("  start:\n    - ask: Your passport?\n      kind: file\n      types: [application/pdf]\n      max_size: 5MB\n      retry: At most 5 MB please.\n      save: passport\n    - say: \"{{ passport.size ?? 'unknown' }}\"\n"))
	file := func(size int64) []string {
		return k.events(Event{Kind: EventMessage, Message: &sdk.Incoming{Media: &sdk.Media{Kind: "document", ID: "m1", MIME: "application/pdf", Size: size}}})
	}
	k.say("hi")
	require.Equal(t, []string{"At most 5 MB please.\n\nYour passport?"}, file(5_000_001))
	require.Equal(t, []string{"5000000"}, file(5_000_000))
	k.say("hi")
	require.Equal(t, []string{"unknown"}, file(0), "where the channel does not tell it")
	_, problems := Parse("f.yaml", []byte(flowOf("  start:\n    - ask: Your passport?\n      kind: file\n      max_size: large\n      save: passport\n")))
	require.Len(t, problems, 1)
	require.Contains(t, problems[0].Message, "write 500KB, or 5MB")
}
