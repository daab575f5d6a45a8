package flowcmd_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/api"
)

var (
	oldHash = strings.Repeat("a1", 32)
	newHash = strings.Repeat("b2", 32)
)

// shelf is an API with two versions: the old one live, the new one on staging. It
// notes what it was asked to change.
func shelf(t *testing.T) *[]string {
	t.Helper()
	t.Setenv("PARLEY_API_KEY", "k")
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/versions") {
			json.NewEncoder(w).Encode(api.FlowVersions{
				Versions: []api.Flow{{Name: "shop", Hash: newHash, Staging: true, ProposedBy: "key/1"}, {Name: "shop", Hash: oldHash, Live: true}},
				History:  []api.FlowMove{{Stage: "live", Hash: oldHash, Actor: "key/1", ApprovedBy: "key/2"}}})
			return
		}
		if hash, ok := strings.CutPrefix(r.URL.Path, "/v1/flows/shop/versions/"); ok {
			json.NewEncoder(w).Encode(api.Flow{Name: "shop", Hash: hash, Document: hello})
			return
		}
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.Path+" "+string(body))
		json.NewEncoder(w).Encode(api.Flow{Name: "shop", Hash: newHash, Live: true})
	}))
	t.Cleanup(s.Close)
	t.Setenv("PARLEY_API_URL", s.URL)
	return &asked
}

func TestVersionsMoveBetweenStages(t *testing.T) {
	asked := shelf(t)
	for _, c := range []struct{ args, want string }{
		{"promote shop", `POST /v1/flows/shop/promote {"hash":"` + newHash + `","stage":"live"}`},
		{"promote shop a1a1 --stage staging", `POST /v1/flows/shop/promote {"hash":"` + oldHash + `","stage":"staging"}`},
		{"approve shop b2b2", `POST /v1/flows/shop/approve {"hash":"` + newHash + `"}`},
		{"approve shop proposed", `POST /v1/flows/shop/approve {"hash":"` + newHash + `"}`},
		{"rollback shop", `POST /v1/flows/shop/rollback {"from":"` + oldHash + `","stage":"live"}`},
		{"rollback shop --from b2b2", `POST /v1/flows/shop/rollback {"from":"` + newHash + `","stage":"live"}`},
		{"withdraw shop", `DELETE /v1/flows/shop/proposal `},
		{"rules --approval", `PUT /v1/flow-rules {"approval":true}`},
		{"rules", `GET /v1/flow-rules `},
	} {
		*asked = nil
		code, _, message := run(t, strings.Fields(c.args)...)
		require.Equal(t, 0, code, message)
		require.Equal(t, []string{c.want}, *asked)
	}
	code, stdout, message := run(t, "versions", "shop")
	require.Equal(t, 0, code, message)
	require.Contains(t, stdout, "b2b2b2b2b2b2  staging, proposed by key/1")
	require.Contains(t, stdout, "key/1, approved by key/2")
}

func TestVersionsThatAreNot(t *testing.T) {
	shelf(t)
	for args, want := range map[string]string{
		"promote shop c3c3":            "there is no version",
		"promote shop --stage nowhere": "--stage must be one of staging, live",
		"approve shop":                 "accepts 2 arg",
	} {
		code, _, message := run(t, strings.Fields(args)...)
		require.Equal(t, 2, code)
		require.Contains(t, message, want)
	}
}

func TestDiff(t *testing.T) {
	shelf(t)
	file := write(t, strings.Replace(hello, "Hello", "Good day", 1))
	code, stdout, message := run(t, "diff", "shop@live", file)
	require.Equal(t, 1, code)
	require.Empty(t, message)
	require.Equal(t, "block start changed\n  ~ step 1 / say: \"Hello\" -> \"Good day\"\ntexts: 1 new, 1 gone\n", stdout)
	code, stdout, message = run(t, "diff", file, file, "--json")
	require.Equal(t, 0, code, message)
	require.JSONEq(t, `{"settings":[],"blocks":[],"intents":[],"texts_added":[],"texts_removed":[]}`, stdout)
	code, stdout, _ = run(t, "diff", "shop@staging", write(t, "name: [\n"))
	require.Equal(t, 1, code)
	require.Contains(t, stdout, "hello.yaml:1:")
}

func TestTextsGoToTranslatorsAndBack(t *testing.T) {
	file := write(t, spoken)
	beside := strings.TrimSuffix(file, ".yaml") + ".hi.yaml"
	require.NoError(t, os.WriteFile(beside, []byte("# by hand\nHello {{ contact.nick }}: नमस्ते\n"), 0o600))
	code, po, message := run(t, "texts", file, "--po", "hi")
	require.Equal(t, 0, code, message)
	require.Contains(t, po, "#, fuzzy\n#| msgid \"Hello {{ contact.nick }}\"\nmsgid \"Hello {{ contact.name }}\"\nmsgstr \"नमस्ते\"\n")
	back := filepath.Join(t.TempDir(), "hello.po")
	require.NoError(t, os.WriteFile(back, []byte(po), 0o600))
	code, stdout, message := run(t, "texts", file, "--language", "hi", "--import", back)
	require.Equal(t, 0, code, message)
	require.Contains(t, stdout, "0 taken, 0 missing, 1 fuzzy, 1 gone")

	require.NoError(t, os.WriteFile(back, []byte(strings.NewReplacer("#, fuzzy\n", "", "नमस्ते", "नमस्ते {{ contact.name }}").Replace(po)), 0o600))
	code, stdout, message = run(t, "texts", file, "--language", "hi", "--import", back, "--json")
	require.Equal(t, 0, code, message)
	require.Contains(t, stdout, `"taken": 1`)
	code, stdout, message = run(t, "check", file)
	require.Equal(t, 0, code, stdout+message)
	text, err := os.ReadFile(beside)
	require.NoError(t, err)
	require.Contains(t, string(text), "# by hand\n#~ Hello")

	code, stdout, message = run(t, "texts", file, "--xliff", "hi")
	require.Equal(t, 0, code, message)
	require.Contains(t, stdout, `<target state="translated">नमस्ते <ph id="1">{{ contact.name }}</ph></target>`)
	for args, want := range map[string]string{"--po fr": "must be one that the flow names", "--po hi --xliff hi": "", "--import x.po": "--import needs --language", "--language hi --import " + file: "must be a file that ends in"} {
		code, _, message = run(t, append([]string{"texts", file}, strings.Fields(args)...)...)
		require.NotZero(t, code)
		require.Contains(t, message, want)
	}
}
