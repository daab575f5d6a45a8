package connectortest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/manifest"
)

// broken runs all checks and names those that found something.
func broken(t *testing.T, s Subject) (names []string) {
	for _, c := range checksOf(s) {
		if len(attempt(t, c.Run)) > 0 {
			names = append(names, c.Name)
		}
	}
	return names
}

// folder holds the toy's golden manifest.
func folder(t *testing.T, m manifest.Manifest) string {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "testdata"), 0o755))
	text, err := json.MarshalIndent(m, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "testdata", "manifest.json"), append(text, '\n'), 0o644))
	return dir
}

// TestEachMistakeIsCaught: a connector with one mistake fails the checks that are
// about it, and no other. One without any passes all.
func TestEachMistakeIsCaught(t *testing.T) {
	patience = 50 * time.Millisecond // it is waited out a hundred times
	all := []string{"thing_create", "thing_get", "note_add", "bell_ring"}
	each := func(before, after string) (out []string) {
		for _, name := range all {
			out = append(out, before+name+after)
		}
		return out
	}
	for name, test := range map[string]struct {
		flaws flaws
		by    []string
	}{
		"none":                        {flaws{}, nil},
		"wrong settings are accepted": {flaws{lenientSettings: true}, []string{"manifest/settings"}},
		"a sample is refused":         {flaws{badSample: true}, []string{"works/thing_create"}},
		"unknown input is accepted":   {flaws{lenientInput: true}, []string{"refuses/thing_create"}},
		"a read leaves something":     {flaws{leavesThings: true}, []string{"repeat/thing_get"}},
		"the key is not sent":         {flaws{forgetsKey: true}, []string{"repeat/thing_create", "lifetime/thing_create", "cut/thing_create"}},
		"the lifetime is overstated":  {flaws{longLifetime: true}, []string{"lifetime/thing_create"}},
		"the search finds nothing":    {flaws{searchBroken: true}, []string{"repeat/note_add", "lag/note_add", "cut/note_add"}},
		"the search lags unsaid":      {flaws{hastySearch: true}, []string{"lag/note_add"}},
		"a lost answer is hidden": {flaws{hidesCut: true}, slices.Concat([]string{"cut/thing_create", "cut/note_add", "cut/bell_ring"},
			each("fault/", "/timeout"), each("cancel/", ""))},
		"401 is no auth":         {flaws{blames401: true}, each("fault/", "/401")},
		"Retry-After is lost":    {flaws{losesRetryAfter: true}, slices.Concat(each("fault/", "/429"), each("fault/", "/503"))},
		"the code is lost":       {flaws{losesCode: true}, slices.Concat(each("fault/", "/401"), each("fault/", "/429"), each("fault/", "/500"), each("fault/", "/503"))},
		"500 is not written":     {flaws{saysNotWritten: true}, writes("fault/", "/500", "/503")},
		"cancel is ignored":      {flaws{ignoresCancel: true}, each("cancel/", "")},
		"a goroutine leaks":      {flaws{leaks: true}, each("cancel/", "")},
		"a redirect is success":  {flaws{swallowsRedirect: true}, []string{"redirect"}},
		"webhooks are believed":  {flaws{verifiesNothing: true}, []string{"webhook/altered_body", "webhook/altered_signature", "webhook/stale", "webhook/unsigned"}},
		"old webhooks are taken": {flaws{ignoresTime: true}, []string{"webhook/stale"}},
		"event IDs are random":   {flaws{randomIDs: true}, []string{"webhook/stable_ids"}},
		"garbage panics":         {flaws{panics: true}, []string{"webhook/garbage"}},
		"the payload is another": {flaws{wrongPayload: true}, []string{"webhook/understood"}},
		"a trigger never comes":  {flaws{silentTrigger: true}, []string{"trigger/thing.lost"}},
		"the token is quoted":    {flaws{quotesToken: true}, []string{"secrets"}},
		"another host is called": {flaws{phonesHome: true}, []string{"hosts"}},
		"one call at a time":     {flaws{jams: true}, []string{"concurrency"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := toySubject(test.flaws, "")
			s.Dir = folder(t, manifest.Of(s.Connector))
			require.ElementsMatch(t, test.by, broken(t, s))
		})
	}
}

func writes(before string, after ...string) (out []string) {
	for _, a := range after {
		for _, name := range []string{"thing_create", "note_add", "bell_ring"} {
			out = append(out, before+name+a)
		}
	}
	return out
}

// TestTheManifestIsKept: what was recorded stays.
func TestTheManifestIsKept(t *testing.T) {
	for name, before := range map[string]func(*manifest.Manifest){
		"an operation is gone": func(m *manifest.Manifest) {
			m.Operations = append(m.Operations, manifest.Operation{Name: "thing_drop"})
		},
		"a trigger is gone":      func(m *manifest.Manifest) { m.Triggers = append(m.Triggers, manifest.Trigger{Name: "thing.dropped"}) },
		"a change is not stored": func(m *manifest.Manifest) { m.Title = "Toys" },
	} {
		t.Run(name, func(t *testing.T) {
			s := toySubject(flaws{}, "")
			m := manifest.Of(s.Connector)
			before(&m)
			s.Dir = folder(t, m)
			require.Equal(t, []string{"manifest/golden"}, broken(t, s))
		})
	}
}

func TestAConnectorWithoutSamplesOrFakeFails(t *testing.T) {
	s := toySubject(flaws{}, "")
	s.Dir = folder(t, manifest.Of(s.Connector))
	s.Fake.New = nil
	require.Equal(t, []string{"fake"}, broken(t, s))

	s = toySubject(flaws{}, "")
	s.Connector.Operations = []sdk.Operation{s.Connector.Operations[3]}
	s.Connector.Operations[0].Samples = nil
	s.Connector.Triggers = nil
	s.Dir = folder(t, manifest.Of(s.Connector))
	require.Subset(t, broken(t, s), []string{"works/bell_ring", "refuses/bell_ring", "cut/bell_ring"})
}

func TestWaivers(t *testing.T) {
	failures, note := judge([]string{"it broke"}, "the provider does so", true)
	require.Empty(t, failures)
	require.Equal(t, "waived (the provider does so): it broke", note)

	failures, _ = judge(nil, "the provider does so", true)
	require.NotEmpty(t, failures, "a waiver outlives its reason")
	failures, _ = judge([]string{"it broke"}, " ", true)
	require.NotEmpty(t, failures, "a waiver without a reason")
	failures, _ = judge([]string{"it broke"}, "", false)
	require.Equal(t, []string{"it broke"}, failures)
}
