package flow

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

// converse says one thing after the other and gives the last answer.
func converse(k *talk, says ...string) (got []string) {
	for _, s := range says {
		got = k.say(s)
	}
	return got
}

func TestALinearFlowNeedsNoBlocks(t *testing.T) {
	k := newTalk(t, `
name: linear
header: Welcome!
footer: Goodbye.
steps:
  - ask: Your name?
    save: name
  - if: name == "Ana"
    then:
      - say: I know you.
      - ask: How are you?
        save: mood_now
    else:
      - say: Pleased to meet you.
  - say: Have a nice day, {{ name }}.
`)
	require.Equal(t, []string{"Welcome!", "Your name?"}, k.say("hi"))
	require.Equal(t, []string{"I know you.", "How are you?"}, k.say("Ana"))
	require.Equal(t, "start.1", k.state.Block)
	require.Equal(t, []string{"Have a nice day, Ana.", "Goodbye."}, k.say("fine"))
	require.Equal(t, []string{"Pleased to meet you.", "Have a nice day, Bo.", "Goodbye."}, converse(k, "hi", "Bo"))
}

const services = `
name: services
languages: [es]
bot: {name: Mia, picture: "https://example.test/mia.png", persona: '=contact.language startsWith "es" ? "formal" : "warm"'}
personas: {warm: Like a friend, formal: Polite}
keywords:
  help_desk: [1000, "#", {say: ayuda ya, language: es}, {say: desk, channel: sms}]
  news: [news]
entries: {ice_breaker: news}
menu:
  choices: {en: "What can I do for you?", es: "¿Qué puedo hacer por usted?"}
  options:
    - {label: {en: News, es: Noticias}, go: news}
    - {label: {en: Help desk, es: Mesa de ayuda}, go: help_desk}
blocks:
  start:
    - say:
        warm: {en: "Hey, {{ bot.name }} here!", es: "¡Hola, soy {{ bot.name }}!"}
        formal: {en: "Good day.", es: "Buenos días."}
    - go: menu
  news:
    - say: [{en: One., es: Uno.}, {en: Two., es: Dos.}, {en: Three., es: Tres.}]
  help_desk:
    - say: {en: Here to help., es: Aquí para ayudar.}
`

func TestServicesMenuPersonasAndKeywords(t *testing.T) {
	k := newTalk(t, services)
	require.Equal(t, []string{"Hey, Mia here!", "What can I do for you? [News|Help desk]"}, k.say("good day"))
	require.Equal(t, []string{"Here to help."}, k.say("1000"))
	require.Equal(t, []string{"Here to help."}, k.say("#"))
	require.NotEqual(t, []string{"Here to help."}, k.say("ayuda ya"), "a word of another language")
	require.NotEqual(t, []string{"Here to help."}, k.say("desk"), "a word of another channel")

	k = newTalk(t, services)
	k.speaks = "es-MX"
	require.Equal(t, []string{"Buenos días.", "¿Qué puedo hacer por usted? [Noticias|Mesa de ayuda]"}, k.say("x"))
	require.Equal(t, []string{"Aquí para ayudar."}, k.say("Ayuda ya"))
	require.Equal(t, []string{"¿Qué puedo hacer por usted? [Noticias|Mesa de ayuda]"}, k.say("menú principal"))
	require.Contains(t, []string{"Uno.", "Dos.", "Tres."}, k.tap("ice_breaker", "News")[0])
	name, picture := k.program.Bot()
	require.Equal(t, []string{"Mia", "https://example.test/mia.png"}, []string{name, picture})
}

func TestVariantsVaryByTurn(t *testing.T) {
	k := newTalk(t, services)
	seen := map[string]bool{}
	for range 40 {
		seen[k.say("news")[0]] = true
	}
	require.Len(t, seen, 3)
}

const address = `
name: address
agent_queue: desk
keywords: {other: [other]}
subs:
  address:
    params: [country]
    vars: {street: ""}
    blocks:
      start:
        - ask: Street in {{ country }}?
          save: street
        - if: street == "none"
          go: nothing
        - return: {street: =street, country: =country}
      nothing:
        - say: No address then.
blocks:
  start:
    - set: {street: kept, country: mine}
    - sub: address
      with: {country: France}
      save: home
    - say: "{{ home?.street }} {{ home?.country }} / {{ street }} {{ country }}"
    - ask: Again?
      kind: yesno
      save: again
    - if: again
      go: start
  other:
    - say: "Other: {{ street }}."
`

func TestSubFlows(t *testing.T) {
	k := newTalk(t, address)
	require.Equal(t, []string{"Street in France?"}, k.say("x"))
	require.Len(t, k.state.Stack, 1)
	require.Equal(t, []string{"Rue 1 France / kept mine", "Again? [Yes|No]"}, k.say("Rue 1"))
	require.Empty(t, k.state.Stack)
	require.Equal(t, []string{"No address then.", "  / kept mine", "Again? [Yes|No]"}, converse(k, "yes", "none"), "a sub-flow may return nothing")
	k.say("yes")
	require.Equal(t, []string{"Other: kept."}, k.say("other"), "a keyword leaves the sub-flow, and what it hid is back")
	require.Empty(t, k.state.Stack)
}

func TestSubFlowsAreBounded(t *testing.T) {
	k := newTalk(t, `
name: deep
agent_queue: desk
subs:
  dig:
    blocks:
      start:
        - ask: Deeper?
          kind: yesno
          save: deeper
        - if: deeper
          then:
            - sub: dig
steps:
  - sub: dig
  - say: Up again.
`)
	k.say("x")
	for range maxStack - 1 {
		require.Equal(t, []string{"Deeper? [Yes|No]"}, k.say("yes"))
	}
	require.Len(t, k.state.Stack, maxStack)
	other := *k
	require.Equal(t, []string{"Up again."}, other.say("no"))
	k.say("yes")
	require.Equal(t, []string{`block "dig/start.1", step 1: too many sub-flows are under way within one another`}, k.out.Faults)
	require.Empty(t, k.state.Stack)
}

func TestTranslationsFromACatalogue(t *testing.T) {
	source := `
name: hello
languages: [hi, fr]
steps:
  - ask: Hello {{ contact.name }}, how are you?
    save: it
  - say: {en: Thanks., hi: धन्यवाद।, fr: Merci.}
translations:
  hi: {"Hello {{ contact.name }}, how are you?": "नमस्ते {{ contact.name }}, आप कैसे हैं?"}
`
	doc, problems := Parse("hello.yaml", []byte(source))
	require.Empty(t, problems)
	require.Equal(t, []Problem{{"hello.yaml", 5, 10, "this text has no translation into fr"}}, Check(doc, nil))
	require.Equal(t, []string{"Hello {{ contact.name }}, how are you?"}, doc.Texts("fr"))
	require.Empty(t, doc.Texts("hi"))
	k := newTalk(t, source)
	k.speaks = "hi"
	require.Equal(t, []string{"नमस्ते Ana, आप कैसे हैं?"}, k.say("x"))
	require.Equal(t, []string{"धन्यवाद।"}, k.say("अच्छा"))
}

func TestIntents(t *testing.T) {
	source := `
name: intents
agent_queue: desk
vars: {order: none}
intents:
  where: {description: Where an order is, examples: [where is my order], entities: {order: text}, go: where}
understand: {threshold: 0.6, margin: 0.2, interrupt: 0.9}
steps:
  - ask: How many?
    kind: integer
    save: n
  - ask: A message?
    save: text_of
  - wait: 1d
blocks:
  where:
    - say: "Order {{ order }}, {{ mood }}."
`
	where := sdk.Understanding{Intent: "where", Confidence: 0.7, Margin: 0.3, Sentiment: sdk.Negative, Entities: map[string]any{"order": "1001"}}
	k := newTalk(t, source)
	require.Equal(t, []sdk.Intent{{Name: "where", Description: "Where an order is", Examples: []string{"where is my order"}, Entities: map[string]string{"order": "text"}}}, k.program.Intents())
	require.Equal(t, []string{"Order 1001, negative."}, k.events(understood("Where is it?", where)), "with nothing under way")

	k.say("x")
	require.Equal(t, []string{"A message?"}, k.events(understood("7", where)), "an answer that is understood is one")
	require.Empty(t, k.events(understood("where is my order", where)), "a question for any text takes it")
	require.Equal(t, "where is my order", k.state.Vars["text_of"])
	require.Equal(t, []string{"Order 1001, negative."}, k.events(understood("and where?", where)), "from a wait")

	k.say("x")
	require.Equal(t, []string{"Order 1001, negative."}, k.events(understood("where?", where)), "before it is a miss")
	converse(k, "x", "7")
	sure := where
	sure.Confidence = 0.95
	require.Equal(t, []string{"Order 1001, negative."}, k.events(understood("where?", sure)), "a sure one interrupts")
	for _, u := range []sdk.Understanding{{Intent: "where", Confidence: 0.5, Margin: 0.5}, {Intent: "where", Confidence: 0.9, Margin: 0.1},
		{Intent: sdk.OutOfScope, Confidence: 1, Margin: 1}, {Intent: "gone", Confidence: 1, Margin: 1}} {
		k.say("start over")
		require.Contains(t, k.events(understood("hm", u))[0], "How many?", "not sure enough, or not ours")
	}
	k.say("start over")
	require.Equal(t, []string{"We open at nine.", "How many?"}, k.events(understood("when do you open?", sdk.Understanding{Answer: "We open at nine."})))
	require.Zero(t, k.state.Misses)
}

func TestGlobalWordsInAllLanguages(t *testing.T) {
	for language, words := range globalWordsIn {
		require.Len(t, words, 9, language)
		k := newTalk(t, "name: x\nagent_queue: desk\nlanguage: "+language+"\nsteps:\n  - ask: '?'\n    save: it\n")
		k.say("?")
		require.Contains(t, k.say(words["agent"][0]), "handoff:desk", language)
	}
}

func TestBackHelpStopAndLanguage(t *testing.T) {
	k := newTalk(t, `
name: words
languages: [hi]
words: {help: [sos]}
steps:
  - ask: {en: One?, hi: एक?}
    save: a
    help: {en: Any number., hi: कोई संख्या।}
  - ask: {en: Two?, hi: दो?}
    save: b
  - choices: {en: Three?, hi: तीन?}
    options: [{label: {en: Yes, hi: हाँ}}]
`)
	require.Equal(t, []string{"One?"}, k.say("x"))
	require.Equal(t, []string{"There is nothing to go back to.\n\nOne?"}, k.say("back"))
	require.Equal(t, []string{"Any number.\n\nOne?"}, k.say("sos"))
	require.Equal(t, []string{"Three? [Yes]"}, converse(k, "1", "2"))
	require.Equal(t, []string{"Two?"}, k.say("go back"))
	require.Equal(t, []string{"One?"}, k.say("back"))
	require.Equal(t, []string{"Three? [Yes]"}, converse(k, "1", "2"))

	require.Equal(t, []string{"Which language would you like? [English|हिन्दी]"}, k.say("language"))
	require.Equal(t, []string{`call:parley.contact_language{"language":"hi"}`, "अब से मैं हिन्दी में बात करूँगा।\n\nतीन? [हाँ]"}, k.say("हिन्दी"))
	require.Equal(t, []string{"दो?"}, k.say("वापस"), "the words of the flow's languages count")
	k.say("भाषा")
	require.Contains(t, k.tap("language/en", "English")[1], "Two?")

	require.Equal(t, []string{`call:parley.contact_consent{"granted":false,"purpose":"messages"}`,
		"You will get no more messages from us. Write *start* to get them again."}, k.say("STOP"))
	require.True(t, k.state.Stopped)
	require.Equal(t, []string{`call:parley.contact_consent{"granted":true,"purpose":"messages"}`, "One?"}, k.say("start"))
	require.Equal(t, []string{"Two?"}, k.say("start"), "an ordinary word else")
}

func TestWaitsAndCallsOutlastAPerson(t *testing.T) {
	source := flowOf(`
  start:
    - wait: 1h
    - call: shop.find
      save: found
      errors: [{say: "Error {{ error.class }}."}]
    - say: Found {{ found?.n ?? 0 }}.
`)
	k := newTalk(t, source)
	k.say("x")
	until := k.state.Wait.Until
	k.state.Handed = true
	require.Empty(t, k.returned(), "the wait goes on")
	require.Equal(t, until, k.state.Wait.Until)
	k.state.Handed = true
	token := k.state.Wait.Token
	k.now = until
	require.Empty(t, k.events(Event{Kind: EventTimer, Ref: token}))
	require.Equal(t, []string{`call:shop.find{}`}, k.returned(), "its time came meanwhile")

	k.state.Handed = true
	require.Empty(t, k.result(`{"n": 3}`))
	require.Equal(t, []string{"Found 3."}, k.returned(), "so did the result")

	k = newTalk(t, source)
	k.say("x")
	k.timeUp()
	k.state.Handed = true
	require.Empty(t, k.fails(sdk.Rejected))
	require.Equal(t, []string{"Error rejected.", "Found 0."}, k.returned())

	k = newTalk(t, source)
	k.say("x")
	k.timeUp()
	k.state.Handed = true
	require.Empty(t, k.returned(), "the result is still to come")
	require.Equal(t, []string{"Found 4."}, k.result(`{"n": 4}`))
}
