package flowcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/apiclient"
	"parley/connectors"
)

// TestASavedFileIsPublishedAgain drives the ticks by hand: each is taken only when
// the one before was dealt with.
func TestASavedFileIsPublishedAgain(t *testing.T) {
	var published []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Document string }
		json.NewDecoder(r.Body).Decode(&in)
		published = append(published, in.Document)
		json.NewEncoder(w).Encode(map[string]any{"name": "hello", "hash": "abc", "live": true})
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "hello.yaml")
	const one, two = "name: hello\nsteps: [{say: one}]\n", "name: hello\nsteps: [{say: two}]\n"
	save := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	save(one)

	ctx, stop := context.WithCancel(t.Context())
	ticks, done := make(chan time.Time), make(chan error, 1)
	var out bytes.Buffer
	p := &publishing{client: apiclient.New(s.URL, "demo", "key"), stage: "live"}
	go func() { done <- p.watch(ctx, &out, file, connectors.All(), ticks) }()
	tick := func() { ticks <- time.Time{}; ticks <- time.Time{} } // the second is taken after the first was dealt with
	tick()
	require.Equal(t, []string{one}, published, "what is the same is published once")
	save("name: hello\nsteps: [{shout: two}]\n")
	tick()
	require.Len(t, published, 1, "what is wrong is not published")
	require.NoError(t, os.Remove(file))
	tick()
	save(two)
	tick()
	stop()
	require.NoError(t, <-done)
	require.Equal(t, []string{one, two}, published)
	require.Contains(t, out.String(), "hello.yaml:2:")
}
