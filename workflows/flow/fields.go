package flow

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	blockName    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	variableName = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,39}$`)
)

// reserved names are given by the engine: the contact's facts, the channel's
// name, the time of the turn, what went wrong in the last call, who speaks, how
// the customer's last message sounded, the calendars.
var reserved = []string{"contact", "channel", "now", "error", "bot", "mood", "hours"}

// keywordsOfExpr cannot name variables.
var keywordsOfExpr = []string{
	"true", "false", "nil", "in", "not", "and", "or", "matches", "contains",
	"startsWith", "endsWith", "let", "if", "else", "none", "any", "all", "one",
}

// target is a jump to a block: its name, or a list of steps after which the flow
// goes on behind the step that holds them.
type target struct {
	pos
	name string
	// list tells that steps are written in its place.
	list bool
	// sub is the sub-flow in which it is written.
	sub string
	// to is the block's index, or advance where no jump is written.
	to move
}

func (t *target) read(r *reader, n *node) {
	t.pos, t.sub = n.pos, r.sub
	if n.kind == listNode {
		if r.block == nil {
			r.fail(n.pos, "the name of a block must stand here")
			return
		}
		t.name, t.list = r.steps(n), true
		r.targets = append(r.targets, t)
		return
	}
	var ok bool
	if t.name, ok = r.plain(n, "the name of a block, or a list of steps,"); ok {
		r.targets = append(r.targets, t)
	}
}

// or gives the jump, or otherwise if none is written.
func (t *target) or(otherwise move) move {
	if t == nil || t.name == "" {
		return otherwise
	}
	return t.to
}

// variable is the name of a variable that a step sets.
type variable struct {
	pos
	name string
	// typ is what is known of the values: "text", "number", "bool", "list",
	// "map", or "" for anything.
	typ string
	// from is the expression that gives the value, if one does.
	from *expr
}

func (v *variable) read(r *reader, n *node) {
	v.pos = n.pos
	var ok bool
	if v.name, ok = r.plain(n, "the name of a variable"); !ok {
		return
	}
	switch {
	case !variableName.MatchString(v.name):
		r.fail(n.pos, "%q cannot name a variable: use letters, digits and _, beginning with a small letter", v.name)
	case slices.Contains(reserved, v.name):
		r.fail(n.pos, "%q is given by the engine and cannot be set", v.name)
	case slices.Contains(keywordsOfExpr, v.name), slices.Contains(functionNames(), v.name):
		r.fail(n.pos, "%q is a word of the expression language; choose another name", v.name)
	}
	r.sets = append(r.sets, v)
}

// kept is the name of a variable that outlives the end of the flow.
type kept struct {
	pos
	name string
}

func (k *kept) read(r *reader, n *node) {
	k.pos = n.pos
	k.name, _ = r.plain(n, "the name of a variable")
}

// read takes a key that holds nothing but an expression; a leading = is allowed.
func (e *expr) read(r *reader, n *node) { e.readAs(r, n, false) }

func (e *expr) readAs(r *reader, n *node, wantBool bool) {
	e.pos, e.wantBool = n.pos, wantBool
	var source string
	switch n.kind {
	case stringNode:
		source = n.text
	case numberNode:
		source = formatNumber(n.number)
	case boolNode:
		source = strconv.FormatBool(n.flag)
	default:
		r.fail(n.pos, "an expression must stand here, not %s", n.kind)
		return
	}
	begin := 0
	if strings.HasPrefix(source, "=") && !strings.HasPrefix(source, "==") {
		begin = 1
	}
	r.compile(e, source[begin:], n.at(begin))
}

func (r *reader) compile(e *expr, source string, at pos) {
	compiled, problem := compileExpr(r.config, source, at, e.wantBool)
	if problem != nil {
		r.problems = append(r.problems, *problem)
		return
	}
	*e = *compiled
	r.exprs = append(r.exprs, e)
	r.mine = append(r.mine, e)
}

// condition is an expression that decides something.
type condition struct{ expr }

func (c *condition) read(r *reader, n *node) { c.readAs(r, n, true) }

// span is a time span: Go's notation with d (24 hours) and w (7 days) besides.
type span time.Duration

func (s *span) read(r *reader, n *node) {
	text, ok := r.plain(n, "a time span")
	if !ok {
		return
	}
	d, err := parseSpan(text)
	if err != nil {
		r.fail(n.pos, "%q is not a time span: write 30s, 15m, 2h, 1d or 2w, at most 5 years", clip(text, 40))
	}
	*s = span(d)
}

const maxSpan = 5 * 366 * 24 * time.Hour

var spanPart = regexp.MustCompile(`^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d|w)`)

func parseSpan(text string) (time.Duration, error) {
	units := map[string]time.Duration{
		"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
	var total float64
	rest := strings.ReplaceAll(text, " ", "")
	for rest != "" {
		m := spanPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, errors.New("not a time span")
		}
		n, _ := strconv.ParseFloat(m[1], 64) // the pattern admits numbers only
		total += n * float64(units[m[2]])
		rest = rest[len(m[0]):]
	}
	if total <= 0 || total > float64(maxSpan) {
		return 0, errors.New("out of range")
	}
	return time.Duration(total), nil
}

// fileSize is a number of bytes, written as 500KB or 5MB (of 1,000 each).
type fileSize int64

var writtenSize = regexp.MustCompile(`^([0-9]{1,4})\s?([KMG])B$`)

func (s *fileSize) read(r *reader, n *node) {
	text, ok := r.plain(n, "a size")
	m := writtenSize.FindStringSubmatch(strings.ToUpper(text))
	if m == nil {
		if ok {
			r.fail(n.pos, "%q is no size: write 500KB, or 5MB", clip(text, 40))
		}
		return
	}
	whole, _ := strconv.ParseInt(m[1], 10, 64) // the pattern admits digits only
	*s = fileSize(whole * map[string]int64{"K": 1e3, "M": 1e6, "G": 1e9}[m[2]])
}

// pattern is a regular expression (RE2) that must match a whole answer.
type pattern struct{ *regexp.Regexp }

func (p *pattern) read(r *reader, n *node) {
	text, ok := r.plain(n, "a pattern")
	if !ok {
		return
	}
	var err error
	if p.Regexp, err = regexp.Compile(`^(?:` + text + `)$`); err != nil {
		r.fail(n.pos, "this is not a regular expression (RE2 syntax)")
	}
}

// timeout is what happens when no answer comes.
type timeout struct {
	After span `flow:"after,required" doc:"how long an answer is awaited"`
	// Say reminds the customer, Times times (1), with the question put again and
	// as much time each.
	Say   *phrase `flow:"say" doc:"a reminder, said before the question is put again"`
	Times *int    `flow:"times" doc:"how many reminders there are, from 1 to 5; 1 where say is given"`
	Go    *target `flow:"go,required" doc:"where the flow goes when no answer came"`
}

// reminders is how often the question is put again before the flow goes on.
func (t *timeout) reminders() int {
	switch {
	case t.Say == nil:
		return 0
	case t.Times == nil:
		return 1
	}
	return *t.Times
}

func (t *timeout) finish(r *reader, n *node) {
	if t.Times != nil && (*t.Times < 1 || *t.Times > 5 || t.Say == nil) {
		r.fail(n.get("times").pos, "times is how often \"say\" is said, from 1 to 5")
	}
}
