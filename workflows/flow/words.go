package flow

import (
	"slices"
	"strings"
	"unicode"
)

// fold brings what customers write and what documents list into one form: lower
// case, single spaces, no closing punctuation.
func fold(s string) string {
	s = strings.Join(strings.Fields(strings.ToLower(s)), " ")
	if t := strings.TrimRightFunc(s, func(r rune) bool { return strings.ContainsRune(".!?…,؟।", r) }); t != "" {
		s = strings.TrimRightFunc(t, unicode.IsSpace)
	}
	return s
}

// keywords enter blocks. They are written as `block: [words]`; an entry may also
// hold for one language or channel only: `{say: hola, language: es}`.
type keywords []keyword

type keyword struct {
	target *target
	words  []keyWord
}

// keyWord is a keyword with where it holds; empty means everywhere.
type keyWord struct {
	word
	channel, language string
}

func (k *keywords) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"keywords\" must map blocks to lists of words")
		return
	}
	seen := map[keyWord]bool{}
	for _, p := range n.pairs {
		one := keyword{target: &target{}}
		one.target.read(r, p.key)
		items := p.value.items
		if p.value.kind != listNode {
			items = []*node{p.value}
		}
		for _, item := range items {
			one.words = append(one.words, r.keyWords(item)...)
		}
		for _, w := range one.words {
			same := w
			same.pos = pos{}
			if seen[same] {
				r.fail(w.pos, "the keyword %q is given twice", w.text)
			}
			seen[same] = true
		}
		*k = append(*k, one)
	}
}

func (r *reader) keyWords(n *node) []keyWord {
	var long struct {
		Say      wordList `flow:"say,required"`
		Language string   `flow:"language"`
		Channel  string   `flow:"channel"`
	}
	if n.kind == mapNode {
		r.record(n, &long, "a keyword")
		if long.Language != "" && !slices.Contains(r.voices.languages, long.Language) {
			r.fail(n.get("language").pos, "%q is not a language of this flow", clip(long.Language, 40))
		}
	} else {
		long.Say.read(r, n)
	}
	var out []keyWord
	for _, w := range long.Say {
		out = append(out, keyWord{w, long.Channel, long.Language})
	}
	return out
}

// entries are blocks by the ID of what was tapped outside of the flow.
type entries []entry

type entry struct {
	id string
	to *target
}

func (l *entries) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"entries\" must map IDs to blocks")
		return
	}
	for _, p := range n.pairs {
		one := entry{p.key.text, &target{}}
		one.to.read(r, p.value)
		*l = append(*l, one)
	}
}

func (l entries) find(tap string) (*target, bool) {
	for _, e := range l {
		if tap != "" && e.id == tap {
			return e.to, true
		}
	}
	return nil, false
}

// globalWords act wherever the conversation stands.
type globalWords struct {
	Menu      globalWord `flow:"menu" doc:"enters the block called menu, or the start block where there is none"`
	Back      globalWord `flow:"back" doc:"puts the previous question again"`
	Cancel    globalWord `flow:"cancel" doc:"ends what is under way"`
	StartOver globalWord `flow:"start_over" doc:"forgets the variables and enters the start block"`
	Agent     globalWord `flow:"agent" doc:"hands the conversation to the agent queue"`
	Language  globalWord `flow:"language" doc:"lets the customer choose among the flow's languages, if it has several"`
	Help      globalWord `flow:"help" doc:"explains the question, or what can be done"`
	Stop      globalWord `flow:"stop" doc:"ends the flow and records that no more messages are wanted"`
	Start     globalWord `flow:"start" doc:"takes that back; an ordinary word before that"`
}

// globalWord is written as a list of words, or with the block to enter instead
// of what the word does otherwise.
type globalWord struct {
	words []word
	to    *target
}

func (g *globalWord) read(r *reader, n *node) {
	if n.kind != mapNode {
		g.words = r.words(n, "words")
		return
	}
	var long struct {
		Say wordList `flow:"say"`
		Go  *target  `flow:"go"`
	}
	r.record(n, &long, "a global word")
	g.words, g.to = long.Say, long.Go
}

type wordList []word

func (l *wordList) read(r *reader, n *node) { *l = r.words(n, "words") }

// all lists the words with what they do and their names in globalWordsIn, the
// ones that go before others last.
func (g *globalWords) all() []namedWord {
	return []namedWord{
		{"start", &g.Start, doStart}, {"help", &g.Help, doHelp}, {"language", &g.Language, doLanguage},
		{"back", &g.Back, doBack}, {"menu", &g.Menu, doEnter}, {"cancel", &g.Cancel, doCancel},
		{"start_over", &g.StartOver, doStartOver}, {"stop", &g.Stop, doStop}, {"agent", &g.Agent, doAgent},
	}
}

type namedWord struct {
	name   string
	word   *globalWord
	action globalAction
}

// defaults gives the words of the flow's languages, and the English ones, and the
// usual blocks, where none are written.
func (g *globalWords) defaults(d *Document) {
	for _, one := range g.all() {
		if len(one.word.words) > 0 {
			continue
		}
		for _, language := range append([]string{"en"}, d.voices.languages...) {
			base, _, _ := strings.Cut(language, "-")
			for _, s := range globalWordsIn[base][one.name] {
				one.word.words = append(one.word.words, word{text: fold(s)})
			}
		}
	}
	if i, ok := d.index["menu"]; g.Menu.to == nil && ok {
		g.Menu.to = &target{name: "menu", to: move(i)}
	}
	if g.Menu.to == nil {
		g.Menu.to = d.head.Start
	}
	if g.StartOver.to == nil {
		g.StartOver.to = d.head.Start
	}
}

// globalAction is what a global word does.
type globalAction uint8

const (
	doNothing globalAction = iota
	doEnter
	doBack
	doCancel
	doStartOver
	doAgent
	doLanguage
	doHelp
	doStop
	doStart
)

// command is what a folded message makes happen wherever it is written, on a
// channel and in a language if it names them.
type command struct {
	action            globalAction
	to                *target
	channel, language string
}

// commands lists keywords and global words by their folded text, those that go
// before others first: keywords, and of these the ones for a channel or language.
func (d *Document) commands() map[string][]command {
	out := map[string][]command{}
	words := &d.head.Words
	for _, one := range words.all() {
		switch {
		case one.action == doAgent && words.Agent.to == nil && d.head.AgentQueue == "",
			one.action == doLanguage && one.word.to == nil && len(d.voices.languages) < 2:
			continue // an ordinary word here
		}
		action := one.action
		if one.word.to != nil && action != doStartOver {
			action = doEnter
		}
		for _, w := range one.word.words {
			out[w.text] = append([]command{{action: action, to: one.word.to}}, out[w.text]...)
		}
	}
	for _, special := range []bool{false, true} {
		for _, k := range d.head.Keywords {
			for _, w := range k.words {
				if special == (w.channel != "" || w.language != "") {
					c := command{doEnter, k.target, w.channel, w.language}
					out[w.text] = append([]command{c}, out[w.text]...)
				}
			}
		}
	}
	return out
}
