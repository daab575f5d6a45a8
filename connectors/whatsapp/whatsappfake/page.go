package whatsappfake

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"mime"
	"net/http"

	"parley/connectors/sdk/fake"
)

//go:embed phone.html
var phoneHTML string

var phonePage = template.Must(template.New("phone").Parse(phoneHTML))

// page is a customer's phone to look at and write on.
func (s *server) page(w http.ResponseWriter, r *http.Request) {
	acc, ok := s.pageAccount(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src * data:")
	w.Header().Set("Cache-Control", "no-store")
	_ = phonePage.Execute(w, map[string]string{ // the caller has gone away
		"From": r.PathValue("from"), "Account": acc.Account, "Name": verifiedName})
}

// pageAccount finds the connection that the page talks to: the one named, else
// the first.
func (s *server) pageAccount(w http.ResponseWriter, r *http.Request) (fake.Account, bool) {
	name := r.URL.Query().Get("account")
	for _, a := range s.env.Accounts() {
		if name == "" || a.Account == name {
			return a, true
		}
	}
	http.Error(w, "Parley has no WhatsApp connection of that account yet.", http.StatusNotFound)
	return fake.Account{}, false
}

type pageState struct {
	Messages []fake.Shown `json:"messages"`
	Blocked  bool         `json:"blocked"`
}

// pageMessages is what the page polls. Looking at the chat reads it.
func (s *server) pageMessages(w http.ResponseWriter, r *http.Request) {
	acc, ok := s.pageAccount(w, r)
	if !ok {
		return
	}
	from, number := r.PathValue("from"), settingsOf(acc).PhoneNumberID
	if isPhone(from) {
		from = phoneDigits(from)
	}
	s.read(acc, from)
	var c customer
	s.env.State().Get("chats", chatKey(number, from), &c)
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, pageState{s.Phone(from), c.Blocked})
}

func (s *server) pageSay(w http.ResponseWriter, r *http.Request) {
	var u fake.Utterance
	acc, ok := s.pageInput(w, r, &u)
	if !ok {
		return
	}
	if err := s.Say(r.Context(), acc, r.PathValue("from"), u); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// pageBlock lets the customer block the business, or no longer.
func (s *server) pageBlock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Blocked bool `json:"blocked"`
	}
	acc, ok := s.pageInput(w, r, &in)
	if !ok {
		return
	}
	from := r.PathValue("from")
	if isPhone(from) {
		from = phoneDigits(from)
	}
	s.updateChat(settingsOf(acc).PhoneNumberID, from, func(c *customer) { c.Blocked = in.Blocked })
	w.WriteHeader(http.StatusNoContent)
}

// pageInput reads a JSON body. Asking for its type keeps other sites' forms out.
func (s *server) pageInput(w http.ResponseWriter, r *http.Request, into any) (fake.Account, bool) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		http.Error(w, "send application/json", http.StatusUnsupportedMediaType)
		return fake.Account{}, false
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into); err != nil {
		http.Error(w, "the body is not valid JSON", http.StatusBadRequest)
		return fake.Account{}, false
	}
	return s.pageAccount(w, r)
}
