package flow

import (
	"strings"
	"unicode"
)

// fold brings what customers write and what documents list into one form: lower
// case, single spaces, no closing punctuation.
func fold(s string) string {
	s = strings.Join(strings.Fields(strings.ToLower(s)), " ")
	if t := strings.TrimRightFunc(s, func(r rune) bool { return strings.ContainsRune(".!?…,", r) }); t != "" {
		s = strings.TrimRightFunc(t, unicode.IsSpace)
	}
	return s
}

// keywords enter blocks.
type keywords []keyword

type keyword struct {
	target *target
	words  []word
}

func (k *keywords) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"keywords\" must map blocks to lists of words")
		return
	}
	seen := map[string]bool{}
	for _, p := range n.pairs {
		one := keyword{target: &target{}, words: r.words(p.value, "keywords")}
		one.target.read(r, p.key)
		for _, w := range one.words {
			if seen[w.text] {
				r.fail(w.pos, "the keyword %q is given twice", w.text)
			}
			seen[w.text] = true
		}
		*k = append(*k, one)
	}
}

// globalWords act wherever the conversation stands.
type globalWords struct {
	// Menu enters the block called menu, or the start block where there is none.
	Menu globalWord `flow:"menu"`
	// Cancel ends what is under way.
	Cancel globalWord `flow:"cancel"`
	// StartOver forgets the variables and enters the start block.
	StartOver globalWord `flow:"start_over"`
	// Agent hands the conversation to the agent queue.
	Agent globalWord `flow:"agent"`
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

// defaults gives the English words and the usual blocks where none are written.
func (g *globalWords) defaults(d *Document) {
	english := func(w *globalWord, words ...string) {
		if len(w.words) > 0 {
			return
		}
		for _, s := range words {
			w.words = append(w.words, word{text: s})
		}
	}
	english(&g.Menu, "menu", "main menu")
	english(&g.Cancel, "cancel", "never mind")
	english(&g.StartOver, "start over", "restart")
	english(&g.Agent, "agent", "human", "talk to an agent", "talk to agent", "talk to a human",
		"talk to human", "talk to a person", "speak to an agent", "speak to a human", "speak to a person")
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
	doCancel
	doStartOver
	doAgent
)

// command is what a folded message makes happen wherever it is written.
type command struct {
	action globalAction
	to     *target
}

// commands lists keywords and global words by their folded text; keywords win.
func (d *Document) commands() map[string]command {
	out := map[string]command{}
	add := func(w globalWord, action globalAction) {
		for _, one := range w.words {
			if w.to != nil && action != doStartOver {
				action = doEnter
			}
			out[one.text] = command{action, w.to}
		}
	}
	words := &d.head.Words
	add(words.Menu, doEnter)
	add(words.Cancel, doCancel)
	add(words.StartOver, doStartOver)
	if words.Agent.to != nil || d.head.AgentQueue != "" {
		add(words.Agent, doAgent)
	}
	for _, k := range d.head.Keywords {
		for _, w := range k.words {
			out[w.text] = command{doEnter, k.target}
		}
	}
	return out
}
