package flowcmd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/exit"
	"parley/connectors"
)

const bakery = `name: bakery
blocks:
  start:
    - ask: How many loaves?
      kind: integer
      save: loaves
    - call: shopify.search_products
      with: {query: bread, limit: 1}
      errors: closed
    - say: "{{ loaves }} loaves."
  closed:
    - say: Closed.
`

const bakeryTest = `replies:
  shopify.search_products: {give: {products: []}}
transcripts:
  Somebody buys bread:
    - customer: hi
    - bot: How many loaves?
    - customer: 2
    - bot: 2 loaves.
`

// folder writes files and gives where they are.
func folder(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// call is one call of the command: what it printed, with its error, and the exit code.
func call(t *testing.T, in string, args ...string) (string, int) {
	t.Helper()
	cmd := New(connectors.All())
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetIn(strings.NewReader(in))
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	if err != nil {
		out.WriteString(err.Error())
	}
	return out.String(), exit.Code(err)
}

func TestTranscriptsAreFoundAndPlayed(t *testing.T) {
	dir := folder(t, map[string]string{"bakery.yaml": bakery, "bakery_test.yaml": bakeryTest, "bakery.txt": ""})
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".hidden"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".hidden", "broken_test.yaml"), []byte("?"), 0o600))
	for _, path := range []string{dir, filepath.Join(dir, "bakery.yaml"), filepath.Join(dir, "bakery_test.yaml")} {
		out, code := call(t, "", "test", path)
		require.Zero(t, code, out)
	}
}

func TestWhatFailsIsToldAndCounted(t *testing.T) {
	dir := folder(t, map[string]string{"bakery.yaml": bakery, "bakery_test.yaml": strings.Replace(bakeryTest, "bot: 2 loaves.", "bot: 3 loaves.", 1)})
	results := filepath.Join(dir, "results.xml")
	out, code := call(t, "", "test", dir, "--junit", results)
	require.Equal(t, exit.Failure, code)
	require.Contains(t, out, "bakery_test.yaml:8:7: Somebody buys bread\n    the bot's text is not as expected\n    said by the block start, ")
	require.Contains(t, out, "bakery.yaml:10:7\n")
	require.Contains(t, out, "    3 loaves.                                    | 2 loaves.\n")
	require.Contains(t, out, "0 passed, 1 failed in ")
	junit, err := os.ReadFile(results)
	require.NoError(t, err)
	require.Contains(t, string(junit), `failures="1"`)

	out, code = call(t, "", "test", dir, "--json")
	require.Equal(t, exit.Failure, code)
	var got report
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, 1, got.Failed)
	require.Equal(t, []string{"2 loaves."}, got.Transcripts[0].Failure.Got)
	require.Equal(t, 1, got.BlocksCovered)
	require.Equal(t, 2, got.BlocksTotal)
}

func TestCoverage(t *testing.T) {
	dir := folder(t, map[string]string{"bakery.yaml": bakery, "bakery_test.yaml": bakeryTest})
	out, code := call(t, "", "test", dir, "--coverage", "--min-coverage", "90")
	require.Equal(t, exit.Failure, code)
	require.Contains(t, out, "bakery.yaml:9:15: not reached: the error branch errors of start\n")
	require.Contains(t, out, "bakery.yaml:11:3: not reached: the block closed\n")
	require.Contains(t, out, "less than 90.0% is covered\n")
	out, code = call(t, "", "test", dir, "--min-coverage", "50")
	require.Zero(t, code, out)
}

func TestWhatCannotBePlayed(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		args  []string
		want  string
	}{
		"no transcripts":   {map[string]string{"a.yaml": bakery}, nil, "holds no transcripts"},
		"a flow without":   {map[string]string{"a.yaml": bakery}, []string{"a.yaml"}, "is a flow without transcripts"},
		"a broken one":     {map[string]string{"a_test.yaml": "transcripts: {a: [{bott: x}]}"}, nil, `did you mean "bot"?`},
		"a broken flow":    {map[string]string{"a.yaml": "name: a\nblocks: {start: [{sai: x}]}", "a_test.yaml": bakeryTest}, nil, `did you mean "say"?`},
		"no flow":          {map[string]string{"a_test.yaml": bakeryTest}, nil, "no such file"},
		"a channel":        {map[string]string{"a.yaml": bakery, "a_test.yaml": "channel: whatsap\n" + bakeryTest}, nil, `there is no channel "whatsap"; did you mean "whatsapp"?`},
		"too much to want": {map[string]string{"a.yaml": bakery}, []string{"--min-coverage", "101"}, "from 0 to 100"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, c.files)
			args := []string{"test"}
			if len(c.args) == 0 {
				args = append(args, dir)
			}
			for _, a := range c.args {
				if strings.HasSuffix(a, ".yaml") {
					a = filepath.Join(dir, a)
				}
				args = append(args, a)
			}
			out, code := call(t, "", args...)
			require.Equal(t, exit.Usage, code, out)
			require.Contains(t, out, c.want)
		})
	}
}

// TestWatching changes a file and reads what is played then.
func TestWatching(t *testing.T) {
	dir := folder(t, map[string]string{"bakery.yaml": bakery, "bakery_test.yaml": bakeryTest})
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	cmd := New(connectors.All())
	cmd.SetOut(writer)
	cmd.SetArgs([]string{"test", "--watch", dir})
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	lines := bufio.NewScanner(reader)
	until := func(part string) {
		for lines.Scan() {
			if strings.Contains(lines.Text(), part) {
				return
			}
		}
		t.Errorf("%q was not printed: %v", part, lines.Err())
	}
	until("1 passed, 0 failed")
	// The folder is watched by the time that a line printed after it is read: write
	// until the change is seen.
	change := filepath.Join(dir, "bakery.yaml")
	changes := time.NewTicker(300 * time.Millisecond)
	defer changes.Stop()
	seen := make(chan struct{})
	go func() {
		until("1 failed")
		close(seen)
	}()
	for waiting := true; waiting; {
		require.NoError(t, os.WriteFile(change, []byte(strings.Replace(bakery, "loaves.", "breads.", 1)), 0o600))
		select {
		case <-seen:
			waiting = false
		case <-changes.C:
		}
	}
	stop()
	go io.Copy(io.Discard, reader) // what is still printed
	require.NoError(t, <-ended)
}

func TestTalkingToAFlow(t *testing.T) {
	dir := folder(t, map[string]string{"bakery.yaml": bakery})
	saved := filepath.Join(dir, "talk_test.yaml")
	out, code := call(t, strings.Join([]string{
		"hi", "lots", "/undo", "3", "/give {\"products\": []}", "/state", "/tap Nothing", "/fail", "/dance", "/skip soon", "hi", "2", "/fail throttled", "/save " + saved, "/quit",
	}, "\n")+"\n", "repl", filepath.Join(dir, "bakery.yaml"))
	require.Zero(t, code, out)
	for _, want := range []string{
		"│ How many loaves?\n", "taken back; 1 lines are left\n", "? waits for shopify.search_products: /give JSON, or /fail CLASS\n", "│ 3 loaves.\n",
		"! there is nothing to tap", "! the flow waits for no call\n", "! there is no command /dance; /help lists them\n", "! write how much time passes", "│ Closed.\n", "saved; play it with",
	} {
		require.Contains(t, out, want)
	}
	out, code = call(t, "", "test", saved, "--min-coverage", "100")
	require.Zero(t, code, out)
}

// TestASandboxAnswers lets a fake answer what no reply does.
func TestASandboxAnswers(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/bread" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, `{"kind":"rye"}`)
	}))
	t.Cleanup(provider.Close)
	flow := "name: baker\nblocks:\n  start:\n    - call: http.get\n      with: {path: %s}\n      save: got\n      errors: closed\n" +
		"    - say: \"{{ got.body.kind }}\"\n  closed:\n    - say: \"{{ error.class }}\"\n"
	dir := folder(t, map[string]string{
		"a.yaml": fmt.Sprintf(flow, "/bread"), "a_test.yaml": "transcripts: {a: [{customer: hi}, {bot: rye}]}",
		"b.yaml": fmt.Sprintf(flow, "/cake"), "b_test.yaml": "transcripts: {b: [{customer: hi}, {bot: not_found}]}",
		"endpoints.json": `{"api":"http://x","sandbox":"http://x","accounts":{"http":{"account":"demo","config":{"base_url":"` + provider.URL + `"}}}}`,
	})
	out, code := call(t, "", "test", dir, "--sandbox", dir)
	require.Zero(t, code, out)
	out, code = call(t, "", "test", dir)
	require.Equal(t, exit.Failure, code)
	require.Contains(t, out, "it waits for http.get")
	for _, wrong := range [][]string{{"--live"}, {"--sandbox", filepath.Join(dir, "nothing")}, {"--sandbox", dir, "--live", "--coverage"}} {
		_, code := call(t, "", append([]string{"test", dir}, wrong...)...)
		require.Equal(t, exit.Usage, code, wrong)
	}
}
