package flow

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Bounds of one expression. With those on values (a list has at most 1,000
// entries) they bound an evaluation to some million elementary operations,
// whatever a document says.
const (
	maxExprLength = 2000
	maxExprNodes  = 200
	// maxExprMemory counts list and mapping entries that one evaluation makes.
	maxExprMemory = 5000
	// maxExprLoops is how deep filter, map, any … may stand within one another.
	maxExprLoops = 2
)

// builtins are those of expr's functions that flows may use. Left out is what
// reads the clock or the machine's time zone, depends on the order of a Go map,
// or can make large values out of small ones; some return in bounded form in
// functions.go.
var builtins = []string{
	"all", "any", "none", "one", "filter", "map", "find", "findIndex", "findLast",
	"findLastIndex", "count", "sum", "sortBy", "sort", "reverse", "first", "last",
	"take", "concat", "abs", "int", "float", "ceil", "floor", "round", "min",
	"max", "mean", "trim", "trimPrefix", "trimSuffix", "upper", "lower", "split",
	"indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "duration", "get", "type",
}

// expr is one compiled expression. It is immutable and safe for concurrent use.
type expr struct {
	pos
	source string
	// locals are names that only this expression sees, e.g. a list's item.
	locals []string
	// wantBool tells that it decides something.
	wantBool bool
	program  *vm.Program
	// names it reads, with where they stand.
	names []nameUse
}

type nameUse struct {
	name string
	at   pos
	// guarded tells that it may have no value there: before ??, beside == nil.
	guarded bool
}

// compileExpr compiles an expression that stands at position at, with settings
// from newConfig. Names are not resolved here: what is not set is nil.
func compileExpr(config *conf.Config, source string, at pos, wantBool bool) (*expr, *Problem) {
	e := &expr{pos: at, source: source, wantBool: wantBool}
	fail := func(at pos, format string, args ...any) (*expr, *Problem) {
		p := at.problem(format, args...)
		return nil, &p
	}
	if strings.TrimSpace(source) == "" {
		return fail(at, "an expression is missing here")
	}
	if len(source) > maxExprLength {
		return fail(at, "this expression is longer than %d characters; use several set steps", maxExprLength)
	}
	tree, err := checker.ParseCheck(source, config)
	if err != nil {
		return fail(e.within(err), "expression: %s", describe(err, source))
	}
	v := &reviewer{expr: e}
	v.walk(tree.Node, 0)
	if v.refused != "" {
		return fail(at, "expression: %s", v.refused)
	}
	ast.Walk(&tree.Node, v)
	if err := optimizer.Optimize(&tree.Node, config); err != nil {
		return fail(e.within(err), "expression: %s", describe(err, source))
	}
	if e.program, err = compiler.Compile(tree, config); err != nil {
		return fail(at, "expression: this cannot be compiled")
	}
	return e, nil
}

// newConfig gives expr's settings with the names and types of env, for use by one
// goroutine.
func newConfig(env types.Map) *conf.Config {
	c := conf.CreateNew()
	c.WithEnv(env)
	c.MaxNodes = maxExprNodes
	for name := range c.Builtins {
		if !slices.Contains(builtins, name) {
			c.Disabled[name] = true
			delete(c.Builtins, name)
		}
	}
	for name, f := range functions {
		c.Functions[name] = f
	}
	c.Visitors = append(c.Visitors, modulo{})
	return c
}

// within finds where in the document an error of expr's stands.
func (e *expr) within(err error) pos {
	if fe, ok := errors.AsType[*file.Error](err); ok && fe.Line == 1 {
		return pos{e.line, e.col + fe.Column}
	}
	return e.pos
}

func describe(err error, source string) string {
	msg := err.Error()
	if fe, ok := errors.AsType[*file.Error](err); ok {
		msg = fe.Message
	}
	if strings.Count(source, "(") > strings.Count(source, ")") {
		msg += " (in YAML a space and # begin a comment: quote the expression if it holds them)"
	}
	return msg
}

// modulo lets % work on the whole numbers that come out of JSON as floats.
type modulo struct{}

func (modulo) Visit(n *ast.Node) {
	if b, ok := (*n).(*ast.BinaryNode); ok && b.Operator == "%" {
		ast.Patch(n, &ast.CallNode{
			Callee:    &ast.IdentifierNode{Value: "mod"},
			Arguments: []ast.Node{b.Left, b.Right},
		})
	}
}

// reviewer refuses what flows may not do, and collects the names that are read.
type reviewer struct {
	expr    *expr
	refused string
	guarded map[*ast.IdentifierNode]bool
}

func (v *reviewer) refuse(format string, args ...any) {
	if v.refused == "" {
		v.refused = fmt.Sprintf(format, args...)
	}
}

// Visit implements ast.Visitor.
func (v *reviewer) Visit(n *ast.Node) {
	id, ok := (*n).(*ast.IdentifierNode)
	if !ok || functions[id.Value] != nil {
		return
	}
	at := v.expr.pos
	if !strings.Contains(v.expr.source, "\n") {
		at.col += id.Location().From
	}
	v.expr.names = append(v.expr.names, nameUse{id.Value, at, v.guarded[id]})
}

// walk looks at what is refused; loops counts the predicates around n.
func (v *reviewer) walk(n ast.Node, loops int) {
	switch n := n.(type) {
	case *ast.PredicateNode:
		if loops++; loops > maxExprLoops {
			v.refuse("filter, map and the like may stand %d deep at most", maxExprLoops)
		}
		v.walk(n.Node, loops)
		return
	case *ast.BuiltinNode:
		if !slices.Contains(builtins, n.Name) {
			v.refuse("there is no function %s", n.Name)
		}
	case *ast.BinaryNode:
		if _, fixed := n.Right.(*ast.StringNode); n.Operator == "matches" && !fixed {
			v.refuse("the pattern after matches must be written out")
		}
		v.guard(n)
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		v.refuse("let and ; are not available; use a set step")
	case *ast.CallNode:
		v.call(n)
	}
	for _, child := range children(n) {
		v.walk(child, loops)
	}
}

// guard marks the names that an operator takes without a value.
func (v *reviewer) guard(n *ast.BinaryNode) {
	var mark func(ast.Node)
	mark = func(n ast.Node) {
		if id, ok := n.(*ast.IdentifierNode); ok {
			if v.guarded == nil {
				v.guarded = map[*ast.IdentifierNode]bool{}
			}
			v.guarded[id] = true
		}
		for _, child := range children(n) {
			mark(child)
		}
	}
	_, leftNil := n.Left.(*ast.NilNode)
	_, rightNil := n.Right.(*ast.NilNode)
	if n.Operator == "??" || rightNil && (n.Operator == "==" || n.Operator == "!=") {
		mark(n.Left)
	}
	if leftNil && (n.Operator == "==" || n.Operator == "!=") {
		mark(n.Right)
	}
}

func (v *reviewer) call(n *ast.CallNode) {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		if slices.Contains(reserved, callee.Value) {
			v.refuse("%s is a value: write it without ()", callee.Value)
		}
		if functions[callee.Value] == nil {
			v.refuse("there is no function %s%s", callee.Value, didYouMean(callee.Value, functionNames()))
		}
	case *ast.MemberNode:
		name, ok := callee.Property.(*ast.StringNode)
		if !ok || !slices.Contains(timeMethods, name.Value) {
			v.refuse("only times have methods: %s", strings.Join(timeMethods, ", "))
		}
	default:
		v.refuse("this cannot be called")
	}
}

// timeMethods may be called on times and durations: they give the same result
// everywhere.
var timeMethods = []string{
	"Year", "Month", "Day", "Hour", "Minute", "Second", "Weekday", "YearDay", "Unix",
	"Before", "After", "Equal", "Sub", "Add", "AddDate", "Format", "String",
	"Hours", "Minutes", "Seconds", "Milliseconds",
}

// children lists a node's parts.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		return []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		return append([]ast.Node{n.Callee}, n.Arguments...)
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	case *ast.MapNode:
		return n.Pairs
	case *ast.PairNode:
		return []ast.Node{n.Key, n.Value}
	case *ast.SequenceNode:
		return n.Nodes
	case *ast.VariableDeclaratorNode:
		return []ast.Node{n.Value, n.Expr}
	}
	return nil
}

// typeCheck checks the expression once more with what is known of the variables'
// types.
func (e *expr) typeCheck(config *conf.Config) *Problem {
	tree, err := checker.ParseCheck(e.source, config)
	if err != nil {
		p := e.within(err).problem("expression: %s", plainTypes.Replace(strings.TrimSpace(describe(err, e.source)))+nearField(err))
		return &p
	}
	t := tree.Node.Nature().Type
	if known := t != nil && t.Kind() != reflect.Interface; e.wantBool && known && t.Kind() != reflect.Bool {
		p := e.pos.problem("this must be true or false, and is %s", typeName(t))
		return &p
	}
	return nil
}

// nearField proposes a field for one that a record does not have.
func nearField(err error) string {
	fe, ok := errors.AsType[*file.Error](err)
	if !ok {
		return ""
	}
	name, unknown := strings.CutPrefix(fe.Message, "unknown field ")
	if !unknown {
		return ""
	}
	return didYouMean(name, fieldsOfRecords())
}

// plainTypes puts the language's words for Go's.
var plainTypes = strings.NewReplacer(
	"float64", "number", "map[string]interface {}", "mapping", "[]interface {}", "list",
	"string", "text", "time.Time", "time", "time.Duration", "duration",
)

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "a time"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Map:
		return "a mapping"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return "a number"
	}
	return t.String()
}
