package webchat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"parley/api/webchat"
	"parley/connectors/sdk"
)

// socket is one visitor's end.
type socket struct {
	t   *testing.T
	ctx context.Context
	ws  *websocket.Conn
}

func (c *chat) dial(t *testing.T, account string) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	ws, _, err := websocket.Dial(ctx, c.URL+"/chat/api/"+account+"/socket", nil)
	require.NoError(t, err)
	t.Cleanup(func() { ws.CloseNow(); cancel() })
	return &socket{t: t, ctx: ctx, ws: ws}
}

func (s *socket) send(v any) {
	s.t.Helper()
	require.NoError(s.t, wsjson.Write(s.ctx, s.ws, v))
}

func (s *socket) say(id, text string) {
	s.t.Helper()
	s.send(map[string]any{"type": "send", "message": map[string]any{"id": id, "text": text}})
}

func (s *socket) next() batch {
	s.t.Helper()
	var b batch
	require.NoError(s.t, wsjson.Read(s.ctx, s.ws, &b))
	return b
}

// until reads frames up to the first of a type and returns it with the entries
// that came before it.
func (s *socket) until(kind string) (batch, []webchat.Entry) {
	s.t.Helper()
	var before []webchat.Entry
	for {
		b := s.next()
		if b.Type == kind {
			return b, before
		}
		before = append(before, b.Entries...)
	}
}

// entries reads until n entries have come.
func (s *socket) entries(n int) []webchat.Entry {
	s.t.Helper()
	var got []webchat.Entry
	for len(got) < n {
		got = append(got, s.next().Entries...)
	}
	return got
}

func (s *socket) closed() websocket.StatusCode {
	s.t.Helper()
	for {
		if _, _, err := s.ws.Read(s.ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func (c *chat) connect(t *testing.T, token string, after int64) *socket {
	t.Helper()
	s := c.dial(t, "demo")
	s.send(map[string]any{"type": "hello", "token": token, "after": after})
	require.Equal(t, "ready", s.next().Type)
	return s
}

func TestSocketAndPollShowTheSame(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	s := c.connect(t, token, 0)
	require.Equal(t, batch{Type: "messages", Entries: []webchat.Entry{}}, s.next(), "an empty chat says so")

	var live []webchat.Entry
	for i := range 5 {
		s.say(fmt.Sprintf("message-%09d", i), fmt.Sprintf("text %d", i))
		ack, before := s.until("ack")
		require.Equal(t, fmt.Sprintf("message-%09d", i), ack.ID)
		live = append(live, before...)
	}
	d.say(visitorOf(t, token), sdk.Content{Text: "one", Choices: []sdk.Choice{{ID: "a", Label: "A"}}}, sdk.Content{Text: "two"})
	live = append(live, s.entries(7-len(live))...)

	polled := c.poll(t, "demo", token, "").Entries
	require.Equal(t, polled, live)
	require.Equal(t, []string{"text 0", "text 1", "text 2", "text 3", "text 4", "one", "two"}, texts(live))
	require.Equal(t, polled[3:], c.connect(t, token, 3).entries(4), "a socket goes on after a cursor")
	require.Equal(t, polled[3:], c.poll(t, "demo", token, "after=3").Entries)
}

func TestResendIsHarmless(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	for range 3 {
		s := c.connect(t, token, 0)
		s.say(id1, "one coffee")
		s.until("ack")
		s.ws.CloseNow()
	}
	status, _, _ := c.call(t, "POST", "demo/messages", token, `{"id":"`+id1+`","text":"one coffee"}`)
	require.Equal(t, 200, status)
	require.Equal(t, []string{"one coffee"}, texts(d.thread(visitorOf(t, token))))
}

func TestSocketAcknowledgesOnlyWhatIsKept(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	d.fail = func(call int) error {
		switch call {
		case 1:
			return errors.New("disk full")
		case 2:
			return &sdk.Error{Class: sdk.Rejected, Customer: "This chat is closed."}
		}
		return nil
	}
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	s := c.connect(t, token, 0)
	s.next()

	s.say(id1, "hi")
	retry := s.next()
	require.Equal(t, "retry", retry.Type)
	require.Equal(t, id1, retry.ID)
	require.Positive(t, retry.RetryMS)
	s.say(id1, "hi")
	require.Equal(t, batch{Type: "refused", ID: id1, Text: "This chat is closed."}, s.next())
	s.say(id1, "hi")
	require.Equal(t, "ack", s.next().Type)
	s.say("short", "hi")
	refused, _ := s.until("refused")
	require.Contains(t, refused.Text, "16 to 64")
	require.Len(t, d.accepted(), 1)
}

func TestSocketRefusesForeignTokensAndFrames(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	d.open(t, "other", "")
	c := serve(t, d, nil, nil)
	good := c.session(t, "demo")
	for name, r := range map[string]struct {
		hello string
		code  websocket.StatusCode
	}{
		"no token":      {`{"type":"hello"}`, 4401},
		"forged":        {`{"type":"hello","token":"` + sign(t, jwt.SigningMethodHS256, []byte(secretOf("evil")), nil) + `"}`, 4401},
		"other account": {`{"type":"hello","token":"` + c.session(t, "other") + `"}`, 4401},
		"no hello":      {`{"type":"send","token":"` + good + `"}`, 4400},
		"bad cursor":    {`{"type":"hello","token":"` + good + `","after":-1}`, 4400},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.dial(t, "demo")
			require.NoError(t, s.ws.Write(s.ctx, websocket.MessageText, []byte(r.hello)))
			require.Equal(t, r.code, s.closed())
		})
	}
	t.Run("not JSON later", func(t *testing.T) {
		s := c.connect(t, good, 0)
		require.NoError(t, s.ws.Write(s.ctx, websocket.MessageText, []byte("{")))
		require.EqualValues(t, 4400, s.closed())
	})
	t.Run("oversized", func(t *testing.T) {
		s := c.connect(t, good, 0)
		s.say(id1, strings.Repeat("x", 70_000))
		require.Equal(t, websocket.StatusMessageTooBig, s.closed())
	})
	require.Empty(t, d.accepted())
}

func TestLostWakeUpsAreMadeGood(t *testing.T) {
	d := newDesk()
	d.mute = true
	d.open(t, "demo", "")
	c := serve(t, d, func(o *webchat.Options) { o.SlowPoll = 5 * time.Millisecond }, nil)
	token := c.session(t, "demo")
	s := c.connect(t, token, 0)
	s.next()
	d.say(visitorOf(t, token), sdk.Content{Text: "quietly"})
	require.Equal(t, []string{"quietly"}, texts(s.entries(1)))
	d.say(visitorOf(t, token), sdk.Content{Text: "again"})
	require.Equal(t, []string{"again"}, texts(c.poll(t, "demo", token, "after=1&wait=20s").Entries))
}

func TestPollWaits(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	v := visitorOf(t, token)
	said := make(chan struct{})
	go func() { defer close(said); d.say(v, sdk.Content{Text: "there"}) }() // before or after the poll begins: the same
	require.Equal(t, []string{"there"}, texts(c.poll(t, "demo", token, "after=0&wait=20s").Entries))
	<-said
	require.Empty(t, c.poll(t, "demo", token, "after=1&wait=1ms").Entries)
}

func TestAnAgedTokenIsRenewedOnTheSocket(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	old := sign(t, jwt.SigningMethodHS256, []byte(secretOf("demo")), func(r *jwt.RegisteredClaims) {
		r.IssuedAt = jwt.NewNumericDate(time.Now().Add(-48 * time.Hour))
	})
	s := c.dial(t, "demo")
	s.send(map[string]any{"type": "hello", "token": old})
	ready := s.next()
	require.NotEmpty(t, ready.Token)
	require.Equal(t, visitorOf(t, old), visitorOf(t, ready.Token))
}

func TestReadIsReportedOverTheSocket(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	v := visitorOf(t, token)
	d.say(v, sdk.Content{Text: "1"}, sdk.Content{Text: "2"}, sdk.Content{Text: "3"})
	s := c.connect(t, token, 0)
	s.entries(3)
	s.send(map[string]any{"type": "read", "range": map[string]int{"after": 1, "upto": 2}})
	s.say(id1, "ok") // frames are taken in order, so the status is there with the ack
	s.until("ack")
	first := d.accepted()[0]
	require.Equal(t, sdk.EventStatus, first.Kind)
	require.Equal(t, &sdk.Status{MessageID: d.thread(v)[1].ID, Status: sdk.StatusRead}, first.Status)
	require.Len(t, d.accepted(), 2)
}

func TestCloseSendsWidgetsAwayAndRefusesNewOnes(t *testing.T) {
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	s := c.connect(t, token, 0)
	s.next()
	closed := make(chan struct{})
	go func() { defer close(closed); c.server.Close() }()
	status, _, _ := c.call(t, "GET", "demo/messages?wait=20s", token, "")
	require.Contains(t, []int{200, 503}, status, "a poll before or after the end does not wait")
	require.Equal(t, websocket.StatusServiceRestart, s.closed())
	<-closed
	status, _, _ = c.call(t, "POST", "demo/session", "", "")
	require.Equal(t, 503, status)
}

func TestFramesKeepTheirNames(t *testing.T) {
	// Pages run a widget that was loaded days ago: the wire form must not change.
	d := newDesk()
	d.open(t, "demo", "")
	c := serve(t, d, nil, nil)
	token := c.session(t, "demo")
	d.say(visitorOf(t, token), sdk.Content{Text: "Hello", Choices: []sdk.Choice{{ID: "a", Label: "A", Description: "first"}}})
	_, body, _ := c.call(t, "GET", "demo/messages", token, "")
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	entry := got["entries"].([]any)[0].(map[string]any)
	delete(entry, "at")
	delete(entry, "id")
	want := `{"type":"messages","cursor":1,"typing_ms":0,"entries":[{"cursor":1,"from":"business","content":{"text":"Hello","choices":[{"id":"a","label":"A","description":"first"}]}}]}`
	raw, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, want, string(raw))
}

func TestHub(t *testing.T) {
	var h webchat.Hub
	a1, stop1 := h.Subscribe("a")
	a2, stop2 := h.Subscribe("a")
	b, stopB := h.Subscribe("b")
	h.Wake("a")
	h.Wake("a") // merged
	<-a1
	<-a2
	require.Empty(t, a1)
	require.Empty(t, b)
	stop1()
	h.WakeAll()
	<-a2
	<-b
	require.Empty(t, a1)
	stop2()
	stopB()
	h.Wake("a") // nobody is there
}
