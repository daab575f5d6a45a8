package transcript

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/workflows/flow"
)

// Stage is where a transcript is played.
type Stage interface {
	// Act does what a line says of the customer, of time, of people or of what
	// answers. rest are the lines up to the next such line.
	Act(l *Line, rest []Line) error
	// Settle waits until what was done is answered, so that nothing more of it comes.
	Settle() error
	// More lets happen what comes by itself, if anything does.
	More() (bool, error)
	// Seen is what the flow has done so far; it only grows.
	Seen() []*Seen
	// Answer ends a call.
	Answer(call *Seen, a Answer) error
	// State is where the flow stands, where that can be known.
	State() (flow.State, error)
	// Found is what patterns of the transcript have found.
	Found() Captures
}

// Failure is the first thing that went otherwise than a transcript says.
type Failure struct {
	File      string
	Line, Col int
	// Message says in a sentence what went otherwise.
	Message string
	// Expected and Got are what should have been and what was, line by line.
	Expected, Got []string
	// Block, AtLine and AtCol are the step of the flow that did it, if one did.
	Block         string
	AtLine, AtCol int
	// Stage tells that it is not the flow that failed but what the transcript asks
	// of the stage.
	Stage bool
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, f.Message)
}

// Run plays a transcript and gives the first thing that goes otherwise, or nil.
func Run(t *Transcript, on Stage) *Failure {
	r := &run{t: t, on: on}
	for i := range t.Lines {
		if f := r.line(i); f != nil {
			return f
		}
	}
	last := t.Lines[len(t.Lines)-1]
	return r.leftover(&last, "when the transcript ends")
}

type run struct {
	t  *Transcript
	on Stage
	// from is where in what was seen the current exchange begins: what the flow
	// did before is no longer expected.
	from int
	// lenient tells that what else the bot says is right.
	lenient bool
}

func (r *run) line(i int) *Failure {
	l := &r.t.Lines[i]
	if v, _ := findVerb(l.Verb); !v.acts {
		return r.expect(l)
	}
	// What changes how things are answered ends nothing.
	if l.Reply == nil {
		if f := r.leftover(l, "before this"); f != nil {
			return f
		}
		r.from, r.lenient = len(r.on.Seen()), false
	}
	if err := r.on.Act(l, ahead(r.t.Lines[i+1:])); err != nil {
		return &Failure{File: l.File, Line: l.Line, Col: l.Col, Message: err.Error(), Stage: true}
	}
	return nil
}

// ahead are the lines up to the next one that is done.
func ahead(lines []Line) []Line {
	i := slices.IndexFunc(lines, func(l Line) bool {
		v, _ := findVerb(l.Verb)
		return v.acts && l.Reply == nil
	})
	if i < 0 {
		return lines
	}
	return lines[:i]
}

func (r *run) fail(l *Line, at *Seen, format string, args ...any) *Failure {
	f := &Failure{File: l.File, Line: l.Line, Col: l.Col, Message: fmt.Sprintf(format, args...)}
	if at != nil {
		f.Block, f.AtLine, f.AtCol = at.Block, at.Line, at.Col
	}
	return f
}

// says tells whether something seen is a message, or must not pass unseen.
func says(s *Seen) bool { return s.Kind == flow.EffectSend || s.Kind == Fault }

// leftover finds what the bot said and the transcript does not.
func (r *run) leftover(l *Line, when string) *Failure {
	if err := r.on.Settle(); err != nil {
		return &Failure{File: l.File, Line: l.Line, Col: l.Col, Message: err.Error(), Stage: true}
	}
	for _, s := range r.on.Seen()[r.from:] {
		if s.claimed || !says(s) || r.lenient && s.Kind == flow.EffectSend && s.Refused == "" {
			continue
		}
		f := r.fail(l, s, "%s, the bot also said", when)
		switch {
		case s.Kind == Fault:
			f.Message = when + ", the flow went wrong: " + s.Operation
		case s.Refused != "":
			f.Message = when + ", the channel " + r.t.Channel + " refused a message: " + s.Refused
		}
		f.Got = Show(s)
		return f
	}
	return nil
}

// next waits for the next thing that is neither claimed nor left out.
func (r *run) next(l *Line, wanted func(*Seen) bool) (*Seen, *Failure) {
	for {
		for _, s := range r.on.Seen()[r.from:] {
			if !s.claimed && wanted(s) {
				return s, nil
			}
		}
		more, err := r.on.More()
		if err != nil {
			return nil, &Failure{File: l.File, Line: l.Line, Col: l.Col, Message: err.Error(), Stage: true}
		}
		if !more {
			return nil, nil
		}
	}
}

// expect holds one line against what was seen.
func (r *run) expect(l *Line) *Failure {
	switch l.Verb {
	case "bot":
		return r.bot(l)
	case "anything":
		r.lenient = true
		return nil
	case "silence":
		return r.leftover(l, "where it should be silent")
	case "ends", "state":
		return r.state(l)
	case "refused":
		return r.one(l, "the channel refuses no message here", func(s *Seen) bool { return s.Refused != "" }, func(s *Seen) string { return s.Refused })
	case "trouble":
		return r.one(l, "the flow goes on without trouble here", func(s *Seen) bool { return s.Kind == Fault }, func(s *Seen) string { return s.Operation })
	}
	return r.effect(l)
}

// one claims the next thing of a sort, whose text must fit.
func (r *run) one(l *Line, missing string, sort func(*Seen) bool, text func(*Seen) string) *Failure {
	s, f := r.next(l, sort)
	switch {
	case f != nil:
		return f
	case s == nil:
		return r.fail(l, nil, "%s", missing)
	case l.Text != nil && !l.Text.fits(text(s), r.on.Found()):
		f := r.fail(l, s, "it says something else")
		f.Expected, f.Got = strings.Split(l.Text.String(), "\n"), strings.Split(text(s), "\n")
		return f
	}
	s.claimed = true
	return nil
}

// bot claims the bot's next message; after anything, the next one that fits.
func (r *run) bot(l *Line) *Failure {
	s, f := r.next(l, func(s *Seen) bool {
		return says(s) && (!r.lenient || s.Kind == Fault || s.Refused != "" || l.Message.differs(s.Content, maps.Clone(r.on.Found())) == "")
	})
	if s == nil && f == nil && r.lenient { // the last thing said is the best to show
		for _, one := range r.on.Seen()[r.from:] {
			if !one.claimed && says(one) {
				s = one
			}
		}
	}
	switch {
	case f != nil:
		return f
	case s == nil:
		f := r.fail(l, nil, "the bot says nothing more here%s", r.waiting())
		f.Expected = l.Message.lines()
		return f
	case s.Kind == Fault:
		return r.fail(l, s, "the flow went wrong: %s", s.Operation)
	case s.Refused != "":
		f := r.fail(l, s, "the channel %s refused the message: %s", r.t.Channel, s.Refused)
		f.Got = Show(s)
		return f
	}
	s.claimed = true
	if what := l.Message.differs(s.Content, r.on.Found()); what != "" {
		f := r.fail(l, s, "the bot's %s is not as expected%s", what, r.laterFits(l))
		f.Expected, f.Got = l.Message.lines(), Show(s)
		return f
	}
	return nil
}

// laterFits tells whether the transcript has left a message out.
func (r *run) laterFits(l *Line) string {
	for _, s := range r.on.Seen()[r.from:] {
		if !s.claimed && s.Kind == flow.EffectSend && l.Message.differs(s.Content, maps.Clone(r.on.Found())) == "" {
			return ", and a later message is: the transcript leaves this one out"
		}
	}
	return ""
}

// waiting tells which call keeps the flow from going on.
func (r *run) waiting() string {
	state, err := r.on.State()
	if err != nil || state.Pending == "" {
		return ""
	}
	for _, s := range r.on.Seen() {
		if s.Ref == state.Pending && s.Kind != flow.EffectPay {
			return fmt.Sprintf(": it waits for %s; answer it under \"replies\", or by a line \"call\" with \"give\" or \"error\"", s.Operation)
		}
	}
	return ""
}

// effect claims something that is done beside messages.
func (r *run) effect(l *Line) *Failure {
	want := wanted(l)
	if l.Answer != nil { // a call that still waits may be older than the customer's last word
		state, err := r.on.State()
		for _, s := range r.on.Seen()[:r.from] {
			if _, is := want.is(s, maps.Clone(r.on.Found())); is && err == nil && !s.claimed && s.Ref == state.Pending {
				return r.answer(l, s, want)
			}
		}
	}
	s, f := r.next(l, func(s *Seen) bool {
		_, ok := want.is(s, maps.Clone(r.on.Found()))
		return ok
	})
	if f != nil {
		return f
	}
	if s == nil {
		return r.missing(l, want)
	}
	return r.answer(l, s, want)
}

// answer claims an effect, and ends it where the line says how.
func (r *run) answer(l *Line, s *Seen, want expected) *Failure {
	want.is(s, r.on.Found()) // for what patterns find
	s.claimed = true
	if l.Answer == nil {
		return nil
	}
	a := *l.Answer
	a.Give = r.on.Found().fillValue(a.Give)
	if err := r.on.Answer(s, a); err != nil {
		return &Failure{File: l.File, Line: l.Line, Col: l.Col, Message: err.Error(), Stage: true}
	}
	return nil
}

// missing tells what was done instead.
func (r *run) missing(l *Line, want expected) *Failure {
	f := r.fail(l, nil, "this is not done here: %s", want.name)
	f.Expected = want.lines()
	for _, s := range r.on.Seen()[r.from:] {
		if says(s) {
			continue
		}
		if f.Got = append(f.Got, Show(s)...); s.Operation == want.name && s.Kind == want.kind && !s.claimed {
			path, _ := want.is(s, r.on.Found())
			f.Message = want.name + " is done otherwise"
			if path != "" {
				f.Message += ", in " + path
			}
			f.Block, f.AtLine, f.AtCol = s.Block, s.Line, s.Col
		}
	}
	return f
}

// state holds the state of the flow against a line.
func (r *run) state(l *Line) *Failure {
	st, err := r.on.State()
	if err != nil {
		return &Failure{File: l.File, Line: l.Line, Col: l.Col, Message: err.Error(), Stage: true}
	}
	want := l.State
	if l.Verb == "ends" {
		none := ""
		want = &StateCheck{Block: &none}
	}
	if want.Block != nil && *want.Block != namedBlock(st.Block) {
		f := r.fail(l, nil, "the flow stands elsewhere")
		f.Expected, f.Got = []string{"block: " + orNone(*want.Block)}, []string{"block: " + orNone(namedBlock(st.Block))}
		return f
	}
	if want.Handed != nil && *want.Handed != st.Handed {
		return r.fail(l, nil, "handed is %v", st.Handed)
	}
	if want.Vars == nil {
		return nil
	}
	vars := any(st.Vars)
	if st.Vars == nil {
		vars = map[string]any{}
	}
	if path, ok := part(want.Vars, vars, r.on.Found()); !ok {
		f := r.fail(l, nil, "the variable %s is not as expected", path)
		f.Expected, f.Got = pretty(want.Vars), pretty(vars)
		return f
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// namedBlock leaves out the number of a list of steps within a block.
func namedBlock(s string) string {
	name, _, _ := strings.Cut(s, ".")
	return name
}
