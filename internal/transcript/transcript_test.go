package transcript_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

func TestProblemsTellWhereAndWhat(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"an unknown key", "chanel: sms\ntranscripts: {a: [{customer: hi}]}", `t.yaml:1:1: a file of transcripts has no key "chanel"; did you mean "channel"?`},
		{"an unknown line", "transcripts:\n  a:\n    - custommer: hi", `t.yaml:3:7: there is no line "custommer"; did you mean "customer"?`},
		{"an unknown key of a line", "transcripts:\n  a:\n    - bot: hi\n      choice: [x]", `t.yaml:4:7: the line "bot" has no key "choice"; did you mean "choices"?`},
		{"nothing said", "transcripts:\n  a:\n    - customer:", `t.yaml:3:7: "customer" needs to be told what the customer writes; a list arrives at once`},
		{"an error class", "transcripts:\n  a:\n    - call: a.b\n      error: throttle", `t.yaml:4:14: there is no error class "throttle"; did you mean "throttled"?; there are: invalid, auth, not_found, rejected, throttled, unavailable, uncertain`},
		{"give and error", "transcripts:\n  a:\n    - call: a.b\n      give: {}\n      error: auth", `t.yaml:5:14: an answer has either "give" or "error"`},
		{"a code without an error", "transcripts:\n  a:\n    - call: a.b\n      code: x", `t.yaml:4:13: "code" belongs to an answer: add the key "give" or "error"`},
		{"an operation", "replies: {shopify: {give: 1}}\ntranscripts: {a: [{customer: hi}]}", `t.yaml:1:11: "shopify" is not an operation: write connector.operation, connector.*, pay or case.KIND`},
		{"a reply that says nothing", "replies: {a.b: {times: 2}}\ntranscripts: {a: [{customer: hi}]}", `t.yaml:1:16: a reply needs the key "give" or "error"`},
		{"a time", "transcripts: {a: [{skip: soon}]}", `t.yaml:1:26: this is no time; write 3 days, 2h 30m, until tomorrow 09:00, until friday 18:00 or until 2026-12-01 08:30`},
		{"a pattern", "transcripts: {a: [{bot: {matches: \"(\"}}]}", `t.yaml:1:35: this is not a regular expression (RE2 syntax)`},
		{"a word that takes nothing", "transcripts: {a: [{silence: please}]}", `t.yaml:1:29: nothing may follow here; write just the word`},
		{"no conversations", "channel: sms", `t.yaml:1:1: "transcripts" must map names to conversations`},
		{"a list of nothing", "transcripts: {a: []}", `t.yaml:1:18: a transcript must be a list of lines, such as "customer: hello" and "bot: Welcome!"`},
		{"the zone", "zone: Mars/North\ntranscripts: {a: [{customer: hi}]}", `t.yaml:1:7: this is no time zone; write an IANA name such as Europe/Madrid`},
		{"the time of the beginning", "now: today\ntranscripts: {a: [{customer: hi}]}", `t.yaml:1:6: a time is written as 2026-01-05T09:00:00Z`},
		{"a place", "transcripts: {a: [{location: {latitude: 91, longitude: 1}}]}", `t.yaml:1:41: degrees from -90 to 90 must stand here`},
		{"broken YAML", "transcripts: [", "t.yaml:1:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := transcript.Parse("t.yaml", []byte(c.source))
			require.NotEmpty(t, problems)
			require.True(t, strings.HasPrefix(problems[0].String(), c.want), problems[0].String())
		})
	}
}

// small is a flow that failures are shown with.
const small = `
name: small
agent_queue: desk
blocks:
  start:
    - choices: Tea or coffee?
      options: {Tea: tea, Coffee: coffee}
  tea:
    - call: shopify.search_products
      with: {query: tea, limit: 1}
      save: found
      errors: coffee
    - say: "{{ found.title }}"
    - end
  coffee:
    - say: No tea.
    - wait: 2d
    - say: Still no tea.
`

// whole is a channel that carries everything.
var whole = sdk.Channel{Hosted: true, ButtonsMax: 20, ButtonLabelMax: 100, LinkButton: true}

func playSmall(t *testing.T, lines string) *transcript.Failure {
	t.Helper()
	doc, _ := flow.Parse("small.yaml", []byte(small))
	program, err := flow.Compile(doc)
	require.NoError(t, err)
	file, problems := transcript.Parse("t.yaml", []byte("transcripts:\n  a:\n    lines:\n"+lines))
	require.Empty(t, problems)
	one := file.Transcripts[0]
	return transcript.Run(one, transcript.NewRehearsal(doc, program, whole, one.Setting))
}

func TestFailuresTellWhatWentOtherwise(t *testing.T) {
	begin := "      - customer: hi\n"
	for _, c := range []struct {
		name, lines, message string
		line                 int
		expected, got        []string
		block                string
	}{
		{"another text", begin + "      - bot: Milk?\n", "the bot's text is not as expected", 5,
			[]string{"Milk?"}, []string{"Tea or coffee?", "[ Tea ]", "[ Coffee ]"}, "start"},
		{"other choices", begin + "      - bot: Tea or coffee?\n        choices: [Tea]\n", "the bot's choices is not as expected", 5,
			[]string{"Tea or coffee?", "[ Tea ]"}, []string{"Tea or coffee?", "[ Tea ]", "[ Coffee ]"}, "start"},
		{"something that is not expected", begin + "      - customer: tea\n", "before this, the bot also said", 5, nil, []string{"Tea or coffee?", "[ Tea ]", "[ Coffee ]"}, "start"},
		{"something at the end", begin, "when the transcript ends, the bot also said", 4, nil, []string{"Tea or coffee?", "[ Tea ]", "[ Coffee ]"}, "start"},
		{"nothing more", begin + "      - anything\n      - tap: Coffee\n      - bot: No tea.\n      - bot: Really.\n", "the bot says nothing more here", 8, []string{"Really."}, nil, ""},
		{"a call that nobody answers", begin + "      - anything\n      - tap: Tea\n      - bot: Assam\n",
			`the bot says nothing more here: it waits for shopify.search_products; answer it under "replies", or by a line "call" with "give" or "error"`, 7, []string{"Assam"}, nil, ""},
		{"another input", begin + "      - anything\n      - tap: Tea\n      - call: shopify.search_products\n        with: {query: coffee}\n", "shopify.search_products is done otherwise, in query", 7,
			[]string{"shopify.search_products", "{", `  "query": "coffee"`, "}"}, []string{"shopify.search_products", "{", `  "limit": 1,`, `  "query": "tea"`, "}"}, "tea"},
		{"a call that is not made", begin + "      - anything\n      - tap: Coffee\n      - anything\n      - tag: vip\n", "this is not done here: parley.contact_tag", 8,
			[]string{"parley.contact_tag", "{", `  "remove": false,`, `  "tag": "vip"`, "}"}, nil, ""},
		{"a choice that is not there", begin + "      - anything\n      - tap: Teas\n", `there is no choice "Teas" to tap; did you mean "Tea"?; there are: Tea, Coffee`, 6, nil, nil, ""},
		{"too early", begin + "      - anything\n      - tap: Coffee\n      - anything\n      - skip: 1 day\n      - ends\n", "the flow stands elsewhere", 9, []string{"block: none"}, []string{"block: coffee"}, ""},
		{"a fault of the flow", begin + "      - anything\n      - tap: Tea\n      - call: shopify.search_products\n        give: [1]\n      - bot: Assam\n",
			"the flow went wrong: block \"tea\", step 2: the expression at line 13, column 16 failed", 9, nil, nil, ""},
		{"news of nothing", "      - news: payment.paid\n", "there is no news without something that it is about: the flow has not done it yet", 4, nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := playSmall(t, c.lines)
			require.NotNil(t, f)
			require.Equal(t, c.message, f.Message)
			require.Equal(t, c.line, f.Line)
			require.Equal(t, c.expected, f.Expected)
			require.Equal(t, c.got, f.Got)
			require.Equal(t, c.block, f.Block)
		})
	}
}

func TestAMessageThatTheTranscriptLeavesOut(t *testing.T) {
	h := load(t, "every")
	file, problems := transcript.Parse("t.yaml", []byte("transcripts:\n  a:\n    - customer: messages\n    - bot: A picture.\n"))
	require.Empty(t, problems)
	_, f := h.play(t, file.Transcripts[0])
	require.NotNil(t, f)
	require.Equal(t, "the bot's text is not as expected, and a later message is: the transcript leaves this one out", f.Message)
}

func TestAFailureIsShownSideBySide(t *testing.T) {
	f := playSmall(t, "      - customer: hi\n      - bot: Milk?\n")
	var out strings.Builder
	f.Write(&out, "a", func(line, _ int) string { return "small.yaml:6" })
	require.Equal(t, strings.Join([]string{
		"t.yaml:5:9: a", "    the bot's text is not as expected", "    said by the block start, small.yaml:6", "",
		"    expected                                       got",
		"    Milk?                                        | Tea or coffee?",
		"                                                 | [ Tea ]",
		"                                                 | [ Coffee ]", "", "",
	}, "\n"), out.String())
}

func TestWhatAnswersACall(t *testing.T) {
	tea := "      - customer: hi\n      - anything\n"
	for name, lines := range map[string]string{
		"a line":                      tea + "      - tap: Tea\n      - call: shopify.search_products\n        give: {title: Assam}\n      - bot: Assam\n",
		"a reply":                     tea + "      - reply: shopify.*\n        give: {title: Assam}\n      - tap: Tea\n      - bot: Assam\n",
		"the reply that fits":         tea + "      - reply: shopify.*\n        give: {title: Assam}\n      - fault: shopify.*\n        when: {query: coffee}\n      - tap: Tea\n      - bot: Assam\n",
		"a reply only so many times":  tea + "      - reply: shopify.*\n        give: {title: Assam}\n      - fault: shopify.*\n        times: 1\n      - tap: Tea\n      - bot: No tea.\n      - customer: cancel\n      - anything\n      - customer: hi\n      - anything\n      - tap: Tea\n      - bot: Assam\n",
		"a reply that takes its time": tea + "      - reply: shopify.*\n        give: {title: Assam}\n        after: 30s\n      - tap: Tea\n      - silence\n      - skip: 29s\n      - silence\n      - skip: 1s\n      - bot: Assam\n",
		"a time-out":                  tea + "      - reply: shopify.*\n        give: {title: Assam}\n        after: 3m\n      - tap: Tea\n      - skip: 2m\n      - bot: No tea.\n",
		"what was asked for meanwhile": tea + "      - reply: shopify.*\n        give: {title: Assam}\n        after: 3s\n      - tap: Tea\n      - customer: well?\n" +
			"      - bot: One moment, please.\n      - bot: Assam\n",
	} {
		t.Run(name, func(t *testing.T) {
			f := playSmall(t, lines)
			require.Nil(t, f, "%v", f)
		})
	}
}

func TestATransportThatHasNoButtons(t *testing.T) {
	doc, _ := flow.Parse("small.yaml", []byte(small))
	program, err := flow.Compile(doc)
	require.NoError(t, err)
	file, problems := transcript.Parse("t.yaml", []byte("transcripts:\n  a:\n    - customer: hi\n    - bot: {contains: [\"1. Tea\", \"2. Coffee\"]}\n    - tap: Coffee\n    - bot: No tea.\n"))
	require.Empty(t, problems)
	plain := sdk.Channel{TextMax: 1000}
	f := transcript.Run(file.Transcripts[0], transcript.NewRehearsal(doc, program, plain, file.Transcripts[0].Setting))
	require.Nil(t, f, "%v", f)
}

func TestSkip(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	monday := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC) // 10:00 in Madrid
	for text, want := range map[string]string{
		"3 days": "2026-01-08T10:00", "2h 30m": "2026-01-05T12:30", "1 hour and 5 minutes": "2026-01-05T11:05", "1.5h": "2026-01-05T11:30",
		"until tomorrow 09:00": "2026-01-06T09:00", "until tomorrow": "2026-01-06T00:00", "until 11:30": "2026-01-05T11:30", "until 9:00": "2026-01-06T09:00",
		"until friday 18:00": "2026-01-09T18:00", "until monday 09:00": "2026-01-12T09:00", "until monday at 11:00": "2026-01-05T11:00",
		"until 2026-04-01 08:30": "2026-04-01T08:30", "until 2025-01-01": "2026-01-05T10:00",
	} {
		t.Run(text, func(t *testing.T) {
			file, problems := transcript.Parse("t.yaml", []byte("transcripts:\n  a:\n    - skip: "+text+"\n"))
			require.Empty(t, problems)
			span := file.Transcripts[0].Lines[0].Skip.Span(monday, madrid)
			require.Equal(t, want, monday.Add(span).In(madrid).Format("2006-01-02T15:04"))
		})
	}
	for _, wrong := range []string{"3 fortnights", "until", "until 25:00", "until never", "-1h", "9 years"} {
		_, problems := transcript.Parse("t.yaml", []byte("transcripts:\n  a:\n    - skip: \""+wrong+"\"\n"))
		require.NotEmpty(t, problems, wrong)
	}
}

func TestJUnit(t *testing.T) {
	one := &transcript.Transcript{Name: "a <b>", File: "t.yaml", Line: 3}
	var out strings.Builder
	require.NoError(t, transcript.JUnit(&out, []transcript.Result{
		{Transcript: one, Took: time.Millisecond},
		{Transcript: one, Flow: "f.yaml", Failure: &transcript.Failure{File: "t.yaml", Line: 4, Col: 2, Message: "it differs", AtLine: 9, Block: "start"}},
	}))
	require.Contains(t, out.String(), `<testsuite name="t.yaml" tests="2" failures="1">`)
	require.Contains(t, out.String(), `<testcase name="a &lt;b&gt;" classname="t.yaml" file="t.yaml" line="3" time="0.001000"></testcase>`)
	require.Contains(t, out.String(), `<failure message="it differs">`)
}

func FuzzParse(f *testing.F) {
	f.Add("transcripts:\n  a:\n    - customer: hi\n    - bot: {contains: x}\n    - skip: 3 days\n")
	f.Add("replies: {a.b: [{when: {c: 1}, error: auth}]}\ntranscripts: {a: {seed: 1, lines: [silence, {state: {vars: {x: {matches: \"(\"}}}}]}}")
	doc, _ := flow.Parse("small.yaml", []byte(small))
	program, err := flow.Compile(doc)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, source string) {
		file, problems := transcript.Parse("t.yaml", []byte(source))
		if len(problems) > 0 {
			return
		}
		for _, one := range file.Transcripts {
			transcript.Run(one, transcript.NewRehearsal(doc, program, whole, one.Setting))
		}
	})
}
