package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// maxControl bounds the body of a control request, in bytes.
const maxControl = 4 << 20

// Say is what POST /_control/say takes: who speaks, and one thing that they do.
type Say struct {
	Connector string `json:"connector"`
	// Account may be left out where the connector has one only.
	Account string `json:"account,omitempty"`
	// From is the customer's number or ID on the channel.
	From string `json:"from"`
	fake.Utterance
}

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	for name, m := range s.mounts {
		mux.HandleFunc("/"+name+"/", func(w http.ResponseWriter, r *http.Request) { s.serve(m, w, r) })
	}
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /_control/requests", s.getRequests)
	mux.HandleFunc("GET /_control/faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.faults.list()) })
	mux.HandleFunc("POST /_control/faults", s.postFault)
	mux.HandleFunc("DELETE /_control", s.forget)
	mux.HandleFunc("POST /_control/say", s.postSay)
	mux.HandleFunc("GET /_control/phone", s.getPhone)
	mux.HandleFunc("GET /_control/deliveries", s.getDeliveries)
	mux.HandleFunc("POST /_control/delivery", s.postChaos)
	mux.HandleFunc("PUT /_control/accounts", s.putAccounts)
	mux.HandleFunc("GET /{$}", s.indexPage)
	mux.HandleFunc("GET /_phone", s.phonePage)
	mux.HandleFunc("POST /_phone", s.phoneSay)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "there is nothing here; the fakes and the control addresses are listed at "+s.publicURL+"/")
	})
	return mux
}

func (s *Sandbox) health(w http.ResponseWriter, _ *http.Request) {
	if err := s.store.flush(); err != nil {
		problem(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (s *Sandbox) getRequests(w http.ResponseWriter, r *http.Request) {
	since, err := uint64(0), error(nil)
	if v := r.URL.Query().Get("since"); v != "" {
		if since, err = strconv.ParseUint(v, 10, 64); err != nil {
			problem(w, http.StatusBadRequest, "since must be the seq of a request")
			return
		}
	}
	connector := r.URL.Query().Get("connector")
	if connector != "" && !s.known(w, connector) {
		return
	}
	out := []Record{}
	err = s.store.records(since, func(rec Record) bool {
		if connector == "" || rec.Connector == connector {
			out = append(out, rec)
		}
		return true
	})
	s.replyOr(w, out, err)
}

func (s *Sandbox) postFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !s.read(w, r, &f) || !s.known(w, f.Connector) {
		return
	}
	if err := f.check(); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	s.faults.add(f)
	s.replyOr(w, f, s.store.flush())
}

func (s *Sandbox) forget(w http.ResponseWriter, _ *http.Request) {
	s.faults.clear()
	s.courier.setChaos(Chaos{Copies: 1})
	if err := s.store.forgetRecords(); err != nil {
		problem(w, http.StatusInsufficientStorage, err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Sandbox) postSay(w http.ResponseWriter, r *http.Request) {
	var say Say
	if !s.read(w, r, &say) {
		return
	}
	if status, err := s.say(r, say); err != nil {
		problem(w, status, err.Error())
		return
	}
	reply(w, http.StatusAccepted, map[string]string{"status": "queued"})
}

// say lets a customer speak. When it returns, the webhook is durable.
func (s *Sandbox) say(r *http.Request, say Say) (int, error) {
	m := s.mounts[say.Connector]
	if m == nil {
		return http.StatusNotFound, fmt.Errorf("there is no fake of connector %q", say.Connector)
	}
	channel, ok := m.handler.(fake.Messaging)
	if !ok {
		return http.StatusUnprocessableEntity, fmt.Errorf("%s carries no messages", say.Connector)
	}
	if say.From == "" || said(say.Utterance) != 1 {
		return http.StatusBadRequest, errors.New("say needs from, and exactly one of text, tap, file, location, raw")
	}
	account, err := s.account(say.Connector, say.Account)
	if err != nil {
		return http.StatusNotFound, err
	}
	if err := channel.Say(r.Context(), account, say.From, say.Utterance); err != nil {
		return http.StatusUnprocessableEntity, err
	}
	s.store.put(bucketPhones, say.Connector+"\x00"+say.From, phoneOf{say.Connector, account.Account, say.From})
	if err := s.store.flush(); err != nil {
		return http.StatusInsufficientStorage, err
	}
	return 0, nil
}

func said(u fake.Utterance) (n int) {
	for _, is := range []bool{u.Text != "", u.Tap != "", u.File != nil, u.Location != nil, u.Raw != nil} {
		if is {
			n++
		}
	}
	return n
}

func (s *Sandbox) account(connector, name string) (fake.Account, error) {
	list := env{s, connector}.Accounts()
	if name == "" && len(list) == 1 {
		return list[0], nil
	}
	for _, a := range list {
		if a.Account == name {
			return a, nil
		}
	}
	return fake.Account{}, fmt.Errorf("%s has no account %q; %d are set by PUT /_control/accounts", connector, name, len(list))
}

func (s *Sandbox) getPhone(w http.ResponseWriter, r *http.Request) {
	connector, from := r.URL.Query().Get("connector"), r.URL.Query().Get("from")
	if plus, ok := strings.CutPrefix(from, " "); ok {
		from = "+" + plus // a number whose plus was not escaped
	}
	if !s.known(w, connector) {
		return
	}
	channel, ok := s.mounts[connector].handler.(fake.Messaging)
	if !ok || from == "" {
		problem(w, http.StatusBadRequest, "phone needs the connector of a channel and from, the customer's number or ID")
		return
	}
	shown := channel.Phone(from)
	if shown == nil {
		shown = []fake.Shown{}
	}
	reply(w, http.StatusOK, shown)
}

func (s *Sandbox) getDeliveries(w http.ResponseWriter, r *http.Request) {
	names := s.Connectors()
	if connector := r.URL.Query().Get("connector"); connector != "" {
		if !s.known(w, connector) {
			return
		}
		names = []string{connector}
	}
	reply(w, http.StatusOK, s.courier.snapshot(names))
}

func (s *Sandbox) postChaos(w http.ResponseWriter, r *http.Request) {
	x := Chaos{Copies: 1}
	if !s.read(w, r, &x) {
		return
	}
	if x.Copies < 1 || x.Copies > 20 {
		problem(w, http.StatusBadRequest, "copies must be between 1 and 20")
		return
	}
	s.courier.setChaos(x)
	s.replyOr(w, x, s.store.flush())
}

func (s *Sandbox) putAccounts(w http.ResponseWriter, r *http.Request) {
	accounts := map[string][]fake.Account{}
	if !s.read(w, r, &accounts) {
		return
	}
	if err := s.SetAccounts(accounts); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// known answers for a connector that has no fake.
func (s *Sandbox) known(w http.ResponseWriter, connector string) bool {
	if s.mounts[connector] != nil {
		return true
	}
	problem(w, http.StatusNotFound, fmt.Sprintf("there is no fake of connector %q; there are %v", connector, s.Connectors()))
	return false
}

// read decodes a control request strictly, and answers for one it cannot.
func (s *Sandbox) read(w http.ResponseWriter, r *http.Request, into any) bool {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControl))
	if err == nil {
		err = sdk.DecodeStrict(raw, into)
	}
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

func (s *Sandbox) replyOr(w http.ResponseWriter, v any, err error) {
	if err != nil {
		problem(w, http.StatusInsufficientStorage, err.Error())
		return
	}
	reply(w, http.StatusOK, v)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that went away is its own affair
}

// problem answers as RFC 9457 says.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail})
}
