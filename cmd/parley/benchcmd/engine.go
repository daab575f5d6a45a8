package benchcmd

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
	"parley/cmd/internal/roles"
	"parley/connectors/sdk"
	"parley/internal/connections"
	"parley/internal/intake"
	"parley/workflows/flow"
)

//go:embed bench.yaml
var document []byte

// prepare publishes the measured flow and connects the two channels.
func prepare(ctx context.Context, e *roles.Engine, ws uuid.UUID, sinkURL string) (memory *connections.Connection, err error) {
	doc, problems := flow.Parse("bench.yaml", document)
	if len(problems) > 0 {
		return nil, fmt.Errorf("bench: %s", problems[0])
	}
	p, err := flow.Compile(doc)
	if err != nil {
		return nil, err
	}
	if err := e.Flows.Publish(ctx, ws, p.Name(), p.Hash(), string(document), "bench"); err != nil {
		return nil, err
	}
	if memory, err = e.Connections.Put(ctx, ws, "bench", "bench", "bench", p.Name(), json.RawMessage(`{}`), "bench"); err != nil {
		return nil, err
	}
	wa, err := json.Marshal(map[string]string{"base_url": sinkURL, "phone_number_id": "100", "access_token": "token", "webhook_secret": secret, "verify_token": "verify"})
	if err != nil {
		return nil, err
	}
	_, err = e.Connections.Put(ctx, ws, "whatsapp", "whatsapp", "bench", p.Name(), wa, "bench")
	return memory, err
}

const secret = "the secret that signs the measurement's webhooks"

// engine is a turn through inbox, ledger and encryption, to a channel in memory.
type engine struct {
	intake  *intake.Intake
	conn    *connections.Connection
	replies *replies
	run     string
}

func (e *engine) turn(ctx context.Context, conversation int, call bool) (time.Duration, error) {
	address := fmt.Sprintf("%s-%d", e.run, conversation)
	reply := e.replies.expect(address)
	began := time.Now()
	_, err := e.intake.Accept(ctx, e.conn, []sdk.Event{{ID: uuid.NewString(), Kind: sdk.EventMessage,
		Message: &sdk.Incoming{From: []sdk.Address{{Kind: "user", Value: address}}, Text: text(call)}}})
	if err != nil {
		return 0, err
	}
	return time.Since(began), await(ctx, reply)
}

func text(call bool) string {
	if call {
		return "call the shop and look up how many there are"
	}
	return "I would like two of them, and a table for four at seven, please"
}

// endToEnd is a turn from a signed webhook to the channel's HTTP interface.
type endToEnd struct {
	hook    string
	client  *http.Client
	replies *replies
	run     int64
}

func (e *endToEnd) turn(ctx context.Context, conversation int, call bool) (time.Duration, error) {
	from := fmt.Sprintf("%d%06d", e.run, conversation)
	reply := e.replies.expect(from)
	body, err := json.Marshal(webhook(from, text(call)))
	if err != nil {
		return 0, err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.hook, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	began := time.Now()
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, err
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	ack := time.Since(began)
	if resp.StatusCode != http.StatusOK {
		return ack, fmt.Errorf("bench: the webhook was answered %s", resp.Status)
	}
	return ack, await(ctx, reply)
}

// webhook is a text message as Meta sends it.
func webhook(from, text string) map[string]any {
	type m = map[string]any
	return m{"object": "whatsapp_business_account", "entry": []m{{"id": "1", "changes": []m{{"field": "messages", "value": m{
		"messaging_product": "whatsapp", "metadata": m{"display_phone_number": "1", "phone_number_id": "100"},
		"contacts": []m{{"profile": m{"name": "Bench"}, "wa_id": from}},
		"messages": []m{{"from": from, "id": "wamid." + uuid.NewString(), "timestamp": fmt.Sprint(time.Now().Unix()), "type": "text", "text": m{"body": text}}},
	}}}}}}
}

// sink is the provider's side of the measured channel: it accepts every message.
type sink struct {
	server  *http.Server
	url     string
	replies *replies
}

func newSink(r *replies) (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{url: "http://" + l.Addr().String(), replies: r}
	s.server = &http.Server{Handler: http.HandlerFunc(s.accept), ReadHeaderTimeout: 10 * time.Second}
	go s.server.Serve(l)
	return s, nil
}

func (s *sink) accept(w http.ResponseWriter, r *http.Request) {
	var m struct {
		To string `json:"to"`
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, `{"error":{"code":100}}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"messaging_product":"whatsapp","contacts":[{"input":%q,"wa_id":%q}],"messages":[{"id":"wamid.%s"}]}`, m.To, m.To, uuid.NewString())
	s.replies.arrived(m.To)
}
