package flowcmd_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/api/problem"
	"parley/cmd/parley/exit"
	"parley/cmd/parley/flowcmd"
	"parley/connectors"
)

func run(t *testing.T, args ...string) (code int, stdout, message string) {
	t.Helper()
	cmd := flowcmd.New(connectors.All())
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		message = err.Error()
		code = exit.Code(err)
	}
	return code, out.String(), message
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hello.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

const hello = "name: hello\nblocks:\n  start:\n    - say: Hello\n    - end\n"

func TestCheckOfGoodDocumentsIsQuiet(t *testing.T) {
	code, stdout, message := run(t, "check", write(t, hello), write(t, hello))
	require.Equal(t, 0, code, stdout+message)
	require.Empty(t, stdout)
}

func TestCheckPrintsAllProblemsOfAllFiles(t *testing.T) {
	lost := write(t, "name: lost\nblocks:\n  start:\n    - say: Hello\n    - go: nowhere\n")
	call := write(t, "name: call\nblocks:\n  start:\n    - call: shopify.make_coffee\n    - end\n")
	broken := write(t, "name: [\n")
	code, stdout, message := run(t, "check", lost, call, broken)
	require.Equal(t, 1, code)
	require.Empty(t, message, "all has been said")
	require.Contains(t, stdout, lost+":5:")
	require.Contains(t, stdout, `no block "nowhere"`)
	require.Contains(t, stdout, call+":4:")
	require.Contains(t, stdout, `shopify has no operation "make_coffee"`)
	require.Contains(t, stdout, broken+":1:")
}

func TestCheckOfAMissingFile(t *testing.T) {
	code, _, message := run(t, "check", "/does/not/exist.yaml")
	require.Equal(t, 2, code)
	require.Contains(t, message, "/does/not/exist.yaml")
}

// server answers publish with status and body, and records what it was sent.
func server(t *testing.T, status int, answer any) (url string, got *http.Request, sent map[string]any) {
	t.Helper()
	got, sent = &http.Request{}, map[string]any{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*got = *r
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	return s.URL, got, sent
}

func TestPublish(t *testing.T) {
	t.Setenv("PARLEY_API_KEY", "key-1")
	url, got, sent := server(t, http.StatusOK, map[string]any{"name": "hello", "hash": "abc", "live": true})
	code, stdout, message := run(t, "publish", write(t, hello), "--workspace", "demo", "--api", url+"/", "--bind", "whatsapp/demo", "--bind", "webchat/demo")
	require.Equal(t, 0, code, message)
	require.Equal(t, "hello is live as version abc\n", stdout)
	require.Equal(t, "PUT /v1/flows/hello", got.Method+" "+got.URL.Path)
	require.Equal(t, "Bearer key-1", got.Header.Get("Authorization"))
	require.Equal(t, "demo", got.Header.Get("Parley-Workspace"), "a key of another workspace is refused by the API")
	require.Equal(t, map[string]any{"document": hello, "bind": []any{"whatsapp/demo", "webchat/demo"}}, sent)
}

func TestPublishSendsNothingThatIsWrong(t *testing.T) {
	t.Setenv("PARLEY_API_KEY", "key-1")
	url, got, _ := server(t, http.StatusOK, nil)
	code, stdout, _ := run(t, "publish", write(t, "name: lost\nblocks:\n  start:\n    - go: nowhere\n"), "--workspace", "demo", "--api", url)
	require.Equal(t, 1, code)
	require.Contains(t, stdout, "hello.yaml:4:")
	require.Empty(t, got.Method)
}

func TestPublishTellsWhatTheAPIRefuses(t *testing.T) {
	t.Setenv("PARLEY_API_KEY", "canary-key")
	found := problem.Invalid.New("Some of the input is not valid.")
	found.Errors = []problem.Field{{Line: 3, Column: 7, Detail: "too long"}}
	field := problem.Invalid.New("Some of the input is not valid.")
	field.Errors = []problem.Field{{Pointer: "/bind", Detail: "too many"}}
	cases := map[string]struct {
		status        int
		answer        any
		out, inReason string
	}{
		"document":    {422, found, "hello.yaml:3:7: too long", ""},
		"field":       {422, field, "", "/bind too many"},
		"no account":  {404, problem.NotFound.New("No connection has the account."), "", "No connection has the account."},
		"key":         {401, problem.Unauthorized.New("The API key does not exist."), "", "The API key does not exist."},
		"another":     {200, "hello", "", "not Parley's API"},
		"a proxy":     {502, nil, "", "502 Bad Gateway"},
		"no envelope": {500, map[string]any{}, "", "500 Internal Server Error"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			url, _, _ := server(t, c.status, c.answer)
			code, stdout, message := run(t, "publish", write(t, hello), "--workspace", "demo", "--api", url)
			require.Equal(t, 1, code)
			require.Contains(t, stdout, c.out)
			require.Contains(t, message, c.inReason)
			require.NotContains(t, stdout+message, "canary")
		})
	}
}

func TestPublishMisused(t *testing.T) {
	file := write(t, hello)
	cases := map[string]struct {
		args []string
		key  string
		want string
	}{
		"no workspace": {[]string{"publish", file}, "k", "--workspace is missing"},
		"no key":       {[]string{"publish", file, "--workspace", "demo"}, "", "PARLEY_API_KEY is not set"},
		"address":      {[]string{"publish", file, "--workspace", "demo", "--api", "localhost:80"}, "k", "--api must be"},
		"bind":         {[]string{"publish", file, "--workspace", "demo", "--bind", "whatsapp"}, "k", "--bind must be"},
		"no file":      {[]string{"publish", "--workspace", "demo"}, "k", "accepts 1 arg"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PARLEY_API_KEY", c.key)
			code, _, message := run(t, c.args...)
			require.Equal(t, 2, code)
			require.True(t, strings.Contains(message, c.want), message)
		})
	}
}

func TestPublishWithoutAnAPI(t *testing.T) {
	t.Setenv("PARLEY_API_KEY", "k")
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	code, _, message := run(t, "publish", write(t, hello), "--workspace", "demo", "--api", s.URL)
	require.Equal(t, 1, code)
	require.Contains(t, message, "the API does not answer")
}

const spoken = "name: hello\nlanguages: [hi]\nsteps:\n  - say: Hello {{ contact.name }}\n  - wait: 2d\n  - say: {en: Bye, hi: अलविदा}\n"

func TestTranslationsBesideADocument(t *testing.T) {
	file := write(t, spoken)
	code, stdout, _ := run(t, "check", file)
	require.Equal(t, 1, code)
	require.Equal(t, file+":4:10: this text has no translation into hi\n", stdout)
	code, stdout, _ = run(t, "texts", file, "--language", "hi")
	require.Equal(t, 0, code)
	require.Equal(t, "\"Hello {{ contact.name }}\": \"\"\n", stdout)

	beside := strings.TrimSuffix(file, ".yaml") + ".hi.yaml"
	require.NoError(t, os.WriteFile(beside, []byte("# by hand\n\"Hello {{ contact.name }}\": नमस्ते {{ contact.name }}\n"), 0o600))
	code, stdout, message := run(t, "check", file)
	require.Equal(t, 0, code, stdout+message)
	t.Setenv("PARLEY_API_KEY", "k")
	url, _, sent := server(t, http.StatusOK, map[string]any{"name": "hello", "hash": "abc"})
	code, _, message = run(t, "publish", file, "--workspace", "demo", "--api", url)
	require.Equal(t, 0, code, message)
	require.Contains(t, sent["document"], "translations:\n  hi:\n    # by hand\n    \"Hello")

	require.NoError(t, os.WriteFile(beside, []byte("\n\"Hallo\": x\n"), 0o600))
	_, stdout, _ = run(t, "check", file)
	require.Contains(t, stdout, beside+":2:10: no text of the flow reads \"Hallo\"")
}

func TestCheckForAChannel(t *testing.T) {
	file := write(t, strings.ReplaceAll(strings.ReplaceAll(spoken, "languages: [hi]\n", ""), "{en: Bye, hi: अलविदा}", "Bye"))
	code, stdout, message := run(t, "check", file, "--channel", "webchat")
	require.Equal(t, 0, code, stdout+message)
	code, stdout, _ = run(t, "check", file, "--channel", "whatsapp")
	require.Equal(t, 1, code)
	require.Contains(t, stdout, file+":5:5: whatsapp refuses free messages 24h0m0s after the customer's last one")
	code, _, message = run(t, "check", file, "--channel", "pigeon")
	require.Equal(t, 2, code)
	require.Contains(t, message, "there are: ")
}

func TestSchemaAndGraph(t *testing.T) {
	code, stdout, _ := run(t, "schema")
	require.Equal(t, 0, code)
	require.True(t, json.Valid([]byte(stdout)))
	code, stdout, _ = run(t, "graph", write(t, "name: two\nkeywords: {start: [hi]}\nblocks:\n  start:\n    - go: other\n  other: [{say: Hello}]\n"))
	require.Equal(t, 0, code)
	require.Equal(t, "flowchart TD\n    b0[\"start\"]\n    b1[\"other\"]\n    kb0([\"hi\"]) --> b0\n    b0 --> b1\n", stdout)
	code, stdout, _ = run(t, "graph", write(t, "name: [\n"))
	require.Equal(t, 1, code)
	require.Contains(t, stdout, "hello.yaml:1:")
}
