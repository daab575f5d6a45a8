package nlucmd_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/api/problem"
	"parley/cmd/parley/exit"
)

const bot = `# my shop
name: shop
intents:
  track:
    examples: [where is my order, track my order, has my order left]  # orders
    go: start
  refund:
    examples:
      - money back
      - refund please
      # the angry ones
      - give me my money
    go: start
blocks:
  start: [{say: Hello}]
`

func TestAFlowIsTaughtAndToldWhatThatIsWorth(t *testing.T) {
	name := file(t, bot)
	out, err := run("learn", name, "--intent", "track", "parcel gone?", "where is my order", "--dry-run")
	require.NoError(t, err)
	require.Contains(t, out, "1 new among 7 examples.")
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, bot, string(text), "nothing is written")

	labelled := file(t, "text,label,id\nparcel gone?,track,a\n'=money,refund,b\nnothing,,c\nweather,oos,d\n")
	out, err = run("learn", name, "--from", labelled)
	require.NoError(t, err)
	require.Regexp(t, `2 new among 8 examples.*\nearlier examples  [01]\.\d{3}  [01]\.\d{3}\nnew examples      [01]\.\d{3}  [01]\.\d{3}\n$`, out)
	text, err = os.ReadFile(name)
	require.NoError(t, err)
	want := strings.Replace(bot, "has my order left]", "has my order left, parcel gone?]", 1)
	want = strings.Replace(want, "- give me my money\n", "- give me my money\n      - \"=money\"\n", 1)
	require.Equal(t, want, string(text), "comments and spaces stay")
	out, err = run("learn", name, "--from", labelled)
	require.NoError(t, err)
	require.Contains(t, out, "Nothing to learn")
}

func TestWhatCannotBeTaughtLeavesTheFlowAlone(t *testing.T) {
	name := file(t, bot)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"learn", name}, exit.Usage, "either --intent NAME and texts, or --from FILE"},
		{[]string{"learn", name, "--intent", "track"}, exit.Usage, "either --intent"},
		{[]string{"learn", name, "--intent", "track", "?!"}, exit.Usage, "has no words to learn from"},
		{[]string{"learn", name, "--intent", "trak", "x"}, exit.Failure, `there is no intent "trak"; did you mean "track"?`},
		{[]string{"learn", name, "--intent", "track", "a b", "Money back"}, exit.Failure, "is an example of the intent refund already"},
		{[]string{"learn", file(t, "name: ["), "--intent", "track", "x"}, exit.Failure, "parley flow check"},
		{[]string{"learn", name, "--from", file(t, "a,b\n1,2\n")}, exit.Failure, "line 1: the header must have the columns text and label"},
		{[]string{"learn", name, "--from", file(t, "text,label\nx,track\n"), "--forget"}, exit.Usage, "--workspace is missing"},
	} {
		_, err := run(c.args...)
		require.ErrorContains(t, err, c.want)
		require.Equal(t, c.code, exit.Code(err), c.want)
	}
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, bot, string(text))
}

func TestMissesAreListedLabelledAndForgotten(t *testing.T) {
	known, lost := uuid.New(), uuid.New()
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		require.Equal(t, "Bearer key-1", r.Header.Get("Authorization"))
		switch {
		case strings.HasSuffix(r.URL.Path, lost.String()):
			problem.Write(w, problem.NotFound.New("There is no such miss."), "")
		case r.Method == http.MethodGet && r.URL.Query().Get("after") == "":
			json.NewEncoder(w).Encode(api.Page[api.Miss]{Next: "n", Items: []api.Miss{{ID: known, Flow: "shop", Block: "start", Language: "en", Guess: "track", Confidence: 0.41, Text: "=parcel\ngone", At: time.Unix(0, 0)}}})
		case r.Method == http.MethodGet:
			json.NewEncoder(w).Encode(api.Page[api.Miss]{Items: []api.Miss{{ID: lost, Flow: "shop", Text: "two", At: time.Unix(0, 0)}}})
		}
	}))
	defer s.Close()
	t.Setenv("PARLEY_API_KEY", "key-1")
	at := []string{"--workspace", "demo", "--api", s.URL}

	out, err := run(append([]string{"misses", "--flow", "shop"}, at...)...)
	require.NoError(t, err)
	require.Contains(t, out, "1970-01-01T00:00:00Z  shop  start  en        track 0.41  =parcel gone\n")
	require.Contains(t, asked[0], "flow=shop")
	require.Contains(t, asked[1], "after=n")
	out, err = run(append([]string{"misses", "--csv"}, at...)...)
	require.NoError(t, err)
	require.Equal(t, "text,label,language,guess,confidence,id\n\"'=parcel\ngone\",,en,track,0.41,"+known.String()+"\ntwo,,,,0.00,"+lost.String()+"\n", out)
	_, err = run(append([]string{"misses", "--csv", "--json"}, at...)...)
	require.Equal(t, exit.Usage, exit.Code(err))

	asked = nil
	labelled := file(t, strings.Replace(strings.Replace(out, ",,en", ",track,en", 1), "two,,", "two,refund,", 1))
	_, err = run(append([]string{"learn", file(t, bot), "--from", labelled, "--forget"}, at...)...)
	require.NoError(t, err, "what is gone already is no mistake")
	require.Equal(t, []string{"DELETE /v1/misses/" + known.String(), "DELETE /v1/misses/" + lost.String()}, asked)
}
