package flowcmd_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/api"
)

// parts is an API that answers in two parts, and notes what it was sent.
func parts(t *testing.T, answers map[string][]any) *[]string {
	t.Helper()
	t.Setenv("PARLEY_API_KEY", "k")
	var asked []string
	count := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if last == "versions" {
			json.NewEncoder(w).Encode(api.FlowVersions{Versions: []api.Flow{{Name: "shop", Hash: newHash, Live: true}, {Name: "shop", Hash: oldHash}}})
			return
		}
		var body map[string]any
		json.NewDecoder(r.Body).Decode(&body)
		raw, _ := json.Marshal(body)
		asked = append(asked, r.Method+" "+last+" "+string(raw)+r.URL.RawQuery)
		list := answers[last]
		if count[last] < len(list) {
			json.NewEncoder(w).Encode(list[count[last]])
			count[last]++
			return
		}
		json.NewEncoder(w).Encode(map[string]any{})
	}))
	t.Cleanup(s.Close)
	t.Setenv("PARLEY_API_URL", s.URL)
	return &asked
}

var someone = uuid.MustParse("00000000-0000-7000-8000-000000000003")

func moves(n int) api.MigrationReport {
	return api.MigrationReport{Landing: []api.MigrationLanding{{From: "orders", To: "my_orders", Count: n}},
		Staying: []api.MigrationStaying{{Code: "block_gone", Block: "mail", Detail: "the new version has no block mail", Count: 1, Examples: []uuid.UUID{someone}}}}
}

func TestMigrateDryRun(t *testing.T) {
	asked := parts(t, map[string][]any{"preview": {api.MigrationPreview{MigrationReport: moves(3), Next: &someone}, api.MigrationPreview{MigrationReport: moves(2)}}})
	file := filepath.Join(t.TempDir(), "map.yaml")
	require.NoError(t, os.WriteFile(file, []byte("blocks: {orders: my_orders}"), 0o600))
	code, stdout, message := run(t, "migrate", "shop", "--from", "a1a1", "--to", "live", "--map", file, "--dry-run")
	require.Equal(t, 0, code, message)
	require.Equal(t, `5 would move, 2 stay

FROM    TO         CONVERSATIONS
orders  my_orders  5

STAY IN  CONVERSATIONS  WHY                                SUCH AS
mail     2              the new version has no block mail  00000000-0000-7000-8000-000000000003
`, stdout)
	require.Len(t, *asked, 2)
	require.Contains(t, (*asked)[0], `"mapping":"blocks: {orders: my_orders}"`)
	require.Contains(t, (*asked)[1], `"after":"`+someone.String()+`"`)
}

func TestMigrateRunsToItsEndAndIsTakenBack(t *testing.T) {
	asked := parts(t, map[string][]any{
		"run":  {api.FlowMigration{State: "moving", MigrationReport: moves(3)}, api.FlowMigration{State: "done", Moved: 5, Stayed: 2, MigrationReport: moves(2)}},
		"undo": {api.MigrationUndone{Back: 2, Stayed: 1, Next: &someone}, api.MigrationUndone{Back: 1}}})
	code, stdout, message := run(t, "migrate", "shop", "--from", "a1a1", "--to", "b2b2")
	require.Equal(t, 0, code, message)
	require.Contains(t, stdout, "5 moved, 2 stay")
	require.Len(t, *asked, 3)
	require.True(t, strings.HasPrefix((*asked)[0], "PUT "))
	code, stdout, message = run(t, "migrate", "shop", "--undo", someone.String())
	require.Equal(t, 0, code, message)
	require.Equal(t, "3 are back; 1 have moved on since and stay\n", stdout)
	parts(t, map[string][]any{"migrations": {api.MigrationRecords{Items: []api.MigrationRecord{{ID: someone, From: oldHash, To: newHash, State: "done", Moved: 5}}}}})
	code, stdout, message = run(t, "migrations", "shop")
	require.Equal(t, 0, code, message)
	require.Contains(t, stdout, someone.String())
	for _, args := range []string{"migrate shop", "migrate shop --undo x", "migrate shop --from a1a1 --to c3c3"} {
		code, _, _ = run(t, strings.Fields(args)...)
		require.Equal(t, 2, code, args)
	}
}

func TestRehearse(t *testing.T) {
	part := func(n int, next *uuid.UUID) api.Rehearsal {
		return api.Rehearsal{Conversations: n, Same: n - 1, Way: 1, Next: next, Places: []api.RehearsalPlace{{Kind: "way", Block: "start", Before: "tea", After: "beans", Count: 1,
			Examples: []api.RehearsalExample{{Conversation: someone, Turn: 2, Said: []string{"Tea"}, Answered: []string{"No tea"}, Answers: []string{"How many?"}}}}}}
	}
	parts(t, map[string][]any{"rehearsals": {part(3, &someone), part(2, nil)}})
	code, stdout, message := run(t, "rehearse", write(t, hello), "--against", "recorded")
	require.Equal(t, 1, code)
	require.Empty(t, message)
	require.Equal(t, `5 conversations: 3 the same, 0 in other words, 2 another way, 0 undecided, 0 not repeatable

    2  in block start: tea became beans
       00000000-0000-7000-8000-000000000003, turn 2
         > Tea
         - No tea
         + How many?
`, stdout)
	asked := parts(t, map[string][]any{"rehearsals": {api.Rehearsal{Conversations: 1, Same: 1}}})
	code, _, message = run(t, "rehearse", "shop@live", "--against", "recorded", "--json")
	require.Equal(t, 0, code, message)
	require.Equal(t, []string{`POST rehearsals {"hash":"` + newHash + `"}`}, *asked)
	code, _, _ = run(t, "rehearse", "shop@live")
	require.Equal(t, 2, code)
}

func TestStats(t *testing.T) {
	asked := parts(t, map[string][]any{"stats": {api.FlowStats{Conversations: 3, Turns: 7, Blocks: []api.BlockStat{{Block: "start", Entered: 3, Left: 2, Missed: 1, Waiting: 1, Silent: 1}}}}})
	code, stdout, message := run(t, "stats", "shop", "--since", "2026-11-23T08:00:00Z")
	require.Equal(t, 0, code, message)
	require.Contains(t, stdout, "3     2       1        1       1  start")
	require.Equal(t, []string{"GET stats nullsilent=24&since=2026-11-23T08%3A00%3A00Z"}, *asked)
	for _, since := range []string{"today", "yesterday", "7d", "12h", "2026-11-23"} {
		code, _, message = run(t, "stats", "shop", "--since", since)
		require.Equal(t, 0, code, message)
	}
	code, _, _ = run(t, "stats", "shop", "--since", "soon")
	require.Equal(t, 2, code)
	code, _, _ = run(t, "stats", "shop", "--silent", "90m")
	require.Equal(t, 2, code)
}
