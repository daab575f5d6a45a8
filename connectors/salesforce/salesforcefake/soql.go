package salesforcefake

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// selection is a query that was read.
type selection struct {
	fields []string
	object string
	where  condition // nil for all
	order  []ordering
	limit  int // 0 for none
}

type ordering struct {
	field string
	down  bool
}

// condition tells whether a record is wanted.
type condition func(get func(field string) any) bool

// ParseLiteral reads a text literal of SOQL at the beginning of a text and returns its
// value and what follows it ("Quoted String Escape Sequences").
func ParseLiteral(soql string) (value, rest string, err error) {
	if !strings.HasPrefix(soql, "'") {
		return "", "", fmt.Errorf("no quote where a text begins")
	}
	var b strings.Builder
	for i := 1; i < len(soql); {
		c := soql[i]
		switch {
		case c == '\'':
			return b.String(), soql[i+1:], nil
		case c == '\n' || c == '\r':
			return "", "", fmt.Errorf("line breaking not allowed in string literals")
		case c != '\\':
			_, n := utf8.DecodeRuneInString(soql[i:])
			b.WriteString(soql[i : i+n])
			i += n
			continue
		}
		if i+1 >= len(soql) {
			break
		}
		switch e := soql[i+1]; e {
		case 'n', 'N':
			b.WriteByte('\n')
		case 'r', 'R':
			b.WriteByte('\r')
		case 't', 'T':
			b.WriteByte('\t')
		case 'b', 'B':
			b.WriteByte('\b')
		case 'f', 'F':
			b.WriteByte('\f')
		case '"', '\'', '\\':
			b.WriteByte(e)
		case '%', '_':
			b.WriteString(`\` + string(e)) // a pattern's own
		case 'u':
			if i+6 > len(soql) {
				return "", "", fmt.Errorf("illegal character sequence in string literal")
			}
			code, err := strconv.ParseUint(soql[i+2:i+6], 16, 16)
			if err != nil {
				return "", "", fmt.Errorf("illegal character sequence in string literal")
			}
			b.WriteRune(rune(code))
			i += 4
		default:
			return "", "", fmt.Errorf("illegal character sequence in string literal")
		}
		i += 2
	}
	return "", "", fmt.Errorf("a text does not end")
}

// token is a piece of SOQL; a text has its quotes in kind only.
type token struct {
	kind byte // 'w' a word, number or time, 's' a text, 'o' an operator or mark
	text string
}

func tokens(soql string) (out []token, err error) {
	for soql = strings.TrimLeft(soql, " "); soql != ""; soql = strings.TrimLeft(soql, " ") {
		switch c := soql[0]; {
		case c == '\'':
			var value string
			if value, soql, err = ParseLiteral(soql); err != nil {
				return nil, err
			}
			out = append(out, token{'s', value})
		case strings.IndexByte("(),=", c) >= 0:
			out, soql = append(out, token{'o', string(c)}), soql[1:]
		case c == '<' || c == '>' || c == '!':
			n := 1
			if len(soql) > 1 && soql[1] == '=' {
				n = 2
			}
			out, soql = append(out, token{'o', soql[:n]}), soql[n:]
		default:
			n := strings.IndexFunc(soql, func(r rune) bool {
				return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("_.:-+", r))
			})
			if n < 0 {
				n = len(soql)
			}
			if n == 0 {
				return nil, fmt.Errorf("unexpected character %q", c)
			}
			out, soql = append(out, token{'w', soql[:n]}), soql[n:]
		}
	}
	return out, nil
}

// parser reads tokens one by one.
type parser struct {
	left []token
	err  error
}

func (p *parser) peek() token {
	if len(p.left) == 0 {
		return token{}
	}
	return p.left[0]
}

func (p *parser) next() token {
	t := p.peek()
	if len(p.left) > 0 {
		p.left = p.left[1:]
	}
	return t
}

// word tells whether the next token is a keyword, and takes it.
func (p *parser) word(keyword string) bool {
	if t := p.peek(); t.kind == 'w' && strings.EqualFold(t.text, keyword) {
		p.next()
		return true
	}
	return false
}

func (p *parser) mark(m string) bool {
	if t := p.peek(); t.kind == 'o' && t.text == m {
		p.next()
		return true
	}
	return false
}

func (p *parser) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("unexpected token: %q, expected %s", p.peek().text, what)
	}
}

func (p *parser) name() string {
	t := p.next()
	if t.kind != 'w' {
		p.fail("a name")
	}
	return t.text
}

// parse reads the part of SOQL that the connector speaks.
func parse(soql string) (q selection, err error) {
	all, err := tokens(soql)
	if err != nil {
		return q, err
	}
	p := &parser{left: all}
	if !p.word("SELECT") {
		p.fail("SELECT")
	}
	q.fields = append(q.fields, p.name())
	for p.mark(",") {
		q.fields = append(q.fields, p.name())
	}
	if !p.word("FROM") {
		p.fail("FROM")
	}
	q.object = p.name()
	if p.word("WHERE") {
		q.where = p.expression()
	}
	if p.word("ORDER") {
		if !p.word("BY") {
			p.fail("BY")
		}
		for more := true; more; more = p.mark(",") {
			o := ordering{field: p.name(), down: p.word("DESC")}
			p.word("ASC")
			q.order = append(q.order, o)
		}
	}
	if p.word("LIMIT") {
		if q.limit, err = strconv.Atoi(p.next().text); err != nil || q.limit < 1 {
			p.fail("a number")
		}
	}
	if len(p.left) > 0 {
		p.fail("the end")
	}
	return q, p.err
}

// expression reads terms that are joined by AND or by OR. The two are not mixed without
// parentheses, which Salesforce refuses.
func (p *parser) expression() condition {
	terms := []condition{p.term()}
	joint := ""
	for p.err == nil {
		switch {
		case joint != "OR" && p.word("AND"):
			joint = "AND"
		case joint != "AND" && p.word("OR"):
			joint = "OR"
		default:
			return func(get func(string) any) bool {
				for _, t := range terms {
					if t(get) == (joint == "OR") {
						return joint == "OR"
					}
				}
				return joint != "OR"
			}
		}
		terms = append(terms, p.term())
	}
	return nil
}

func (p *parser) term() condition {
	if p.mark("(") {
		inner := p.expression()
		if !p.mark(")") {
			p.fail(")")
		}
		return inner
	}
	field := p.name()
	if p.word("LIKE") {
		pattern := p.next()
		if pattern.kind != 's' {
			p.fail("a pattern")
		}
		return func(get func(string) any) bool { return like(fmt.Sprint(get(field)), pattern.text) }
	}
	op, value := p.next(), p.next()
	if op.kind != 'o' || strings.Contains("(),", op.text) || value.kind == 'o' || value.kind == 0 {
		p.fail("a comparison")
	}
	if value.kind == 'w' && !strings.Contains("true false null", value.text) && (value.text[0] < '0' || value.text[0] > '9') {
		p.fail("a value")
	}
	return func(get func(string) any) bool { return compare(get(field), op.text, value) }
}

// compare compares as SOQL does: texts without regard to case, times as times.
func compare(has any, op string, value token) bool {
	left, right := "", value.text
	switch v := has.(type) {
	case nil:
		left = "null"
	case string:
		left = v
	default:
		left = fmt.Sprint(v)
	}
	if value.kind == 's' && has == nil {
		return op == "!="
	}
	if value.kind == 'w' {
		left, right = timeless(left), timeless(right)
	}
	n := strings.Compare(strings.ToLower(left), strings.ToLower(right))
	switch op {
	case "=":
		return n == 0
	case "!=":
		return n != 0
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

// timeless gives the two ways to write a time in UTC one form, which sorts.
func timeless(text string) string {
	return strings.TrimSuffix(strings.TrimSuffix(text, "Z"), "+0000")
}

// like matches a pattern: % is anything, _ one character, unless a backslash is before.
func like(text, pattern string) bool {
	if pattern == "" {
		return text == ""
	}
	p, n := utf8.DecodeRuneInString(pattern)
	if p == '%' {
		for i := range len(text) + 1 {
			if like(text[i:], pattern[n:]) {
				return true
			}
		}
		return false
	}
	if p == '\\' && len(pattern) > n {
		pattern = pattern[n:]
		p, n = utf8.DecodeRuneInString(pattern)
	} else if p == '_' {
		_, m := utf8.DecodeRuneInString(text)
		return text != "" && like(text[m:], pattern[n:])
	}
	c, m := utf8.DecodeRuneInString(text)
	return text != "" && strings.EqualFold(string(c), string(p)) && like(text[m:], pattern[n:])
}
