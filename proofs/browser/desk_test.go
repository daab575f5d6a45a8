package browser_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/api"
	"parley/proofs/stack"
)

// desk is the people behind the shop, with the HTTP API as their tool.
type desk struct {
	t   *testing.T
	s   *stack.System
	url string
	key string
}

func openDesk(t *testing.T, s *stack.System) *desk {
	e := s.Endpoints()
	return &desk{t: t, s: s, url: e.API + "/v1", key: e.AdminKey}
}

// call makes a request, which must succeed, and reads the answer into out.
func (d *desk) call(method, path string, in, out any) {
	d.t.Helper()
	body, err := json.Marshal(in)
	require.NoError(d.t, err)
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, bytes.NewReader(body))
	require.NoError(d.t, err)
	req.Header.Set("Authorization", "Bearer "+d.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(d.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	require.Equal(d.t, 2, resp.StatusCode/100, "%s %s: %s", method, path, answer)
	require.NoError(d.t, json.Unmarshal(answer, out), "%s", answer)
}

// waiting is the only conversation that waits in a queue.
func (d *desk) waiting(queue string) (c api.Conversation) {
	d.t.Helper()
	var list api.Page[api.Conversation]
	require.Eventually(d.t, func() bool {
		d.call(http.MethodGet, "/conversations?queue="+queue, nil, &list)
		return len(list.Items) > 0
	}, patience, 100*time.Millisecond, "nobody waits in the queue")
	require.Len(d.t, list.Items, 1)
	return list.Items[0]
}

// settled waits until everything that came in was dealt with.
func (d *desk) settled(c api.Conversation, after int64) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		d.call(http.MethodGet, "/conversations/"+c.ID.String(), nil, &c)
		return c.Cursor > after && c.Cursor == c.LastNumber
	}, patience, 100*time.Millisecond, "what came in is not dealt with")
}

// reads gives what was said, each as "from: text".
func (d *desk) reads(c api.Conversation) (said []string) {
	d.t.Helper()
	var list api.Page[api.Message]
	d.call(http.MethodGet, "/conversations/"+c.ID.String()+"/messages?limit=100", nil, &list)
	for _, m := range list.Items {
		text := ""
		if m.Incoming != nil {
			text = m.Incoming.Text
		}
		if m.Content != nil {
			text = m.Content.Text
		}
		said = append(said, m.From+": "+text)
	}
	return said
}

func (d *desk) do(c api.Conversation, what string) (now api.Conversation) {
	d.t.Helper()
	d.call(http.MethodPost, "/conversations/"+c.ID.String()+"/"+what, map[string]string{"agent": "maya"}, &now)
	return now
}

func (d *desk) says(c api.Conversation, text string) {
	d.t.Helper()
	var said api.Said
	d.call(http.MethodPost, "/conversations/"+c.ID.String()+"/messages", map[string]string{"agent": "maya", "text": text}, &said)
}
