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
	"maps"
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

// Check is one promise. Its name is "what" or "what/which".
type Check struct {
	Name string
	Run  func(*Probe)
}

// Run holds the subject to every check that applies to it. Waivers of checks
// that begin with "channel/" are for parley/connectors/sdk/channeltest.
func Run(t *testing.T, s Subject) {
	t.Helper()
	waive := maps.Clone(s.Waive)
	maps.DeleteFunc(waive, func(name, _ string) bool { return strings.HasPrefix(name, "channel/") })
	RunChecks(t, waive, checksOf(s))
}

// RunChecks runs each check as a subtest, but for those that are waived.
func RunChecks(t *testing.T, waive map[string]string, list []Check) {
	t.Helper()
	for name := range waive {
		if !slices.ContainsFunc(list, func(c Check) bool { return c.Name == name }) {
			t.Errorf("the waiver of %s waives nothing: there is no such check", name)
		}
	}
	for _, c := range list {
		reason, waived := waive[c.Name]
		t.Run(c.Name, func(t *testing.T) { report(t, c, reason, waived) })
	}
}

func report(t *testing.T, c Check, reason string, waived bool) {
	t.Helper()
	failures, note := judge(attempt(t, c.Run), reason, waived)
	for _, f := range failures {
		t.Error(f)
	}
	if note != "" {
		t.Log(note)
	}
}

// judge weighs what a check has found against its waiver.
func judge(problems []string, reason string, waived bool) (failures []string, note string) {
	switch {
	case !waived:
		return problems, ""
	case strings.TrimSpace(reason) == "":
		return []string{"the waiver gives no reason"}, ""
	case len(problems) == 0:
		return []string{"the check passes: take its waiver away"}, ""
	}
	return nil, fmt.Sprintf("waived (%s): %s", reason, problems[0])
}

// Checks lists the names of the checks that apply to a subject, in their order.
func Checks(s Subject) []string {
	var names []string
	for _, c := range checksOf(s) {
		names = append(names, c.Name)
	}
	return names
}

func checksOf(s Subject) []Check {
	list := []Check{{"manifest/golden", s.golden}, {"manifest/settings", s.settings}}
	if s.Fake.New == nil {
		if len(s.Connector.Operations) > 0 || s.Connector.Channel == nil || !s.Connector.Channel.Hosted {
			list = append(list, Check{"fake", func(p *Probe) { p.Errorf("the connector has no fake") }})
		}
		return list
	}
	list = append(list, s.operationChecks()...)
	list = append(list, s.faultChecks()...)
	list = append(list, s.understandingChecks()...)
	list = append(list, s.webhookChecks()...)
	list = append(list, s.roleChecks()...)
	return append(list, Check{"secrets", s.secrets}, Check{"hosts", s.hosts}, Check{"redirect", s.redirect},
		Check{"concurrency", s.concurrency})
}

// Probe collects what a check finds. It is what testify's require wants, so that
// a check is written like a test and can yet be waived.
type Probe struct {
	*testing.T
	problems []string
}

func (p *Probe) Errorf(format string, args ...any) {
	p.problems = append(p.problems, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// FailNow ends the check.
func (p *Probe) FailNow() { runtime.Goexit() }

// attempt runs a check in a goroutine that FailNow can end.
func attempt(t *testing.T, run func(*Probe)) []string {
	p := &Probe{T: t}
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
