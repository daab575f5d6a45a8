// Package connectortest is the conformance kit for connectors: it holds a
// connector to its manifest against a fake of its provider, over real HTTP.
//
//	func TestConformance(t *testing.T) {
//		connectortest.Run(t, connectortest.Subject{Connector: acme.Connector, Fake: acmefake.Provider})
//	}
//
// Every check is a subtest with a name of its own ("repeat/order_create"). One
// that cannot hold is waived by that name with a reason, which is logged; the
// waiver of a check that passes, or of one that does not exist, is a failure, so
// that none outlives its reason. A check that does not apply to a connector is
// not run. Run with -race: some checks call the connection from many goroutines.
//
// The flag -update writes testdata/manifest.json, the golden manifest.
package connectortest

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// Subject is a connector under test.
type Subject struct {
	Connector sdk.Connector
	// Fake stands in for the provider. It may be left out for a connector without
	// operations whose channel is hosted; its manifest alone is then checked.
	Fake fake.Provider
	// Dir is the connector's folder, which holds testdata; empty for the test's own.
	Dir string
	// Before prepares what an operation's samples need and no operation can make,
	// by the operation's name: a customer pays, staff answer. The samples'
	// references are resolved after it.
	Before map[string]func(*Rig)
	// Triggers make the fake push an event, by the trigger's name. What the
	// samples of operations cause by themselves needs none.
	Triggers map[string]func(*Rig)
	// Tokens are given to a connector that declares OAuth; if nil, every token
	// is the fake account's secret "access_token".
	Tokens sdk.TokenSource
	// Waive gives the reason why a check cannot hold, by the check's name.
	Waive map[string]string
}

// check is one promise. Its name is "what" or "what/which".
type check struct {
	name string
	run  func(*probe)
}

// Run holds the subject to every check that applies to it.
func Run(t *testing.T, s Subject) {
	t.Helper()
	list := checksOf(s)
	for name := range s.Waive {
		if !slices.ContainsFunc(list, func(c check) bool { return c.name == name }) {
			t.Errorf("the waiver of %s waives nothing: there is no such check", name)
		}
	}
	for _, c := range list {
		reason, waived := s.Waive[c.name]
		t.Run(c.name, func(t *testing.T) {
			problems := attempt(t, c.run)
			switch {
			case waived && strings.TrimSpace(reason) == "":
				t.Errorf("the waiver of %s gives no reason", c.name)
			case waived && len(problems) == 0:
				t.Errorf("the check passes: take its waiver away")
			case waived:
				t.Logf("waived (%s): %s", reason, problems[0])
			default:
				for _, p := range problems {
					t.Error(p)
				}
			}
		})
	}
}

// Checks lists the names of the checks that apply to a subject, in their order.
func Checks(s Subject) []string {
	var names []string
	for _, c := range checksOf(s) {
		names = append(names, c.name)
	}
	return names
}

func checksOf(s Subject) []check {
	list := []check{{"manifest/golden", s.golden}, {"manifest/settings", s.settings}}
	if s.Fake.New == nil {
		if len(s.Connector.Operations) > 0 || s.Connector.Channel == nil || !s.Connector.Channel.Hosted {
			list = append(list, check{"fake", func(p *probe) { p.Errorf("the connector has no fake") }})
		}
		return list
	}
	list = append(list, s.operationChecks()...)
	list = append(list, s.faultChecks()...)
	list = append(list, s.webhookChecks()...)
	return append(list, check{"secrets", s.secrets}, check{"hosts", s.hosts}, check{"redirect", s.redirect},
		check{"concurrency", s.concurrency})
}

// probe collects what a check finds. It is what testify's require wants, so that
// a check is written like a test and can yet be waived.
type probe struct {
	*testing.T
	problems []string
}

func (p *probe) Errorf(format string, args ...any) {
	p.problems = append(p.problems, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// FailNow ends the check.
func (p *probe) FailNow() { runtime.Goexit() }

// attempt runs a check in a goroutine that FailNow can end.
func attempt(t *testing.T, run func(*probe)) []string {
	p := &probe{T: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				p.Errorf("panic: %v", r)
			}
		}()
		run(p)
	}()
	<-done
	return p.problems
}

// update is defined unless the test's own package has a flag of that name.
func update() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

func init() {
	if flag.Lookup("update") == nil {
		flag.Bool("update", false, "write the golden files anew")
	}
}
