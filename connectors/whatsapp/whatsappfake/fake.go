// Package whatsappfake stands in for WhatsApp in development and tests: it takes
// messages as Meta's Cloud API does and refuses what that refuses, keeps what each
// customer's phone shows, reports delivery by signed webhooks, and has a page for
// each phone on which one can write and tap as that customer.
//
// It reads requests with types of its own, so that a mistake of the connector is
// not repeated here.
package whatsappfake

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"

	"parley/connectors/sdk/fake"
)

// Provider is the fake for the sandbox.
var Provider = fake.Provider{
	Connector: "whatsapp",
	New:       func(env fake.Env) http.Handler { return newServer(env) },
	Operation: operation,
	Account:   account,
	Page:      "phone/{from}",
}

const (
	demoNumberID  = "106540352242922"
	verifiedName  = "Corner Coffee"
	displayNumber = "15550783881"
	defaultWABA   = "102290129340398"
	maxBody       = 1 << 20
)

// account is a connection to this fake.
func account(baseURL string, secret func(string) string) json.RawMessage {
	raw, err := json.Marshal(settings{BaseURL: baseURL, PhoneNumberID: demoNumberID, WABAID: defaultWABA,
		AccessToken: secret("access_token"), WebhookSecret: secret("webhook_secret"), VerifyToken: secret("verify_token")})
	if err != nil {
		panic(err) // a struct of strings
	}
	return raw
}

// settings are what the fake needs of a connection's configuration.
type settings struct {
	BaseURL       string `json:"base_url"`
	PhoneNumberID string `json:"phone_number_id"`
	WABAID        string `json:"waba_id"`
	AccessToken   string `json:"access_token"`
	WebhookSecret string `json:"webhook_secret"`
	VerifyToken   string `json:"verify_token"`
}

func settingsOf(a fake.Account) settings {
	var s settings
	_ = json.Unmarshal(a.Config, &s) // what is missing stays empty
	if s.WABAID == "" {
		s.WABAID = defaultWABA
	}
	if s.PhoneNumberID == "" {
		s.PhoneNumberID = demoNumberID
	}
	return s
}

var messagesPath = regexp.MustCompile(`^/v[0-9.]+/[^/]+/messages$`)

var templateCalls = map[string]string{http.MethodPost: "template_submit", http.MethodGet: "template_list", http.MethodDelete: "template_delete"}

func operation(r *http.Request, body []byte) string {
	switch {
	case strings.HasPrefix(r.URL.Path, "/phone/"), strings.HasPrefix(r.URL.Path, "/dashboard"):
		return ""
	case strings.HasSuffix(r.URL.Path, "/message_templates"):
		return templateCalls[r.Method]
	case strings.HasPrefix(r.URL.Path, "/_media/"):
		return "media_download"
	case r.Method == http.MethodPost && messagesPath.MatchString(r.URL.Path):
		var b struct {
			Status string `json:"status"`
		}
		if json.Unmarshal(body, &b) == nil && b.Status == "read" {
			return "mark_read"
		}
		return "send"
	case r.Method == http.MethodGet && r.URL.Query().Has("phone_number_id"):
		return "media_get"
	case r.Method == http.MethodGet:
		return "check"
	}
	return ""
}

// server implements http.Handler and fake.Messaging.
type server struct {
	env fake.Env
	mux *http.ServeMux
}

func newServer(env fake.Env) *server {
	s := &server{env: env, mux: http.NewServeMux()}
	s.mux.HandleFunc("POST /{version}/{number}/messages", s.messages)
	s.mux.HandleFunc("POST /{version}/{number}/message_templates", s.submitTemplate)
	s.mux.HandleFunc("GET /{version}/{number}/message_templates", s.listTemplates)
	s.mux.HandleFunc("DELETE /{version}/{number}/message_templates", s.deleteTemplate)
	s.mux.HandleFunc("GET /dashboard", s.templatesPage)
	s.mux.HandleFunc("POST /dashboard/{id}", s.act)
	s.mux.HandleFunc("GET /{version}/{id}", s.node)
	s.mux.HandleFunc("GET /_media/{id}", s.download)
	s.mux.HandleFunc("GET /phone/{from}", s.page)
	s.mux.HandleFunc("GET /phone/{from}/messages", s.pageMessages)
	s.mux.HandleFunc("POST /phone/{from}/say", s.pageSay)
	s.mux.HandleFunc("POST /phone/{from}/block", s.pageBlock)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// messages takes a send or a read receipt.
func (s *server) messages(w http.ResponseWriter, r *http.Request) {
	number := r.PathValue("number")
	acc, ok := s.authorised(w, r, number)
	if !ok {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, problem{100, "The body is too large."})
		return
	}
	req, p := decodeRequest(body)
	if p == nil && req.Status != "" {
		p = s.markRead(req)
		if p == nil {
			writeJSON(w, http.StatusOK, map[string]any{"success": true})
			return
		}
	}
	if p == nil {
		p = check(req)
	}
	if p != nil {
		fail(w, *p)
		return
	}
	s.accept(w, number, acc, req)
}

func (s *server) markRead(req request) *problem {
	var from string
	if req.Status != "read" || req.MessageID == "" {
		return &problem{131008, "status must be read, and message_id is needed."}
	}
	if !s.env.State().Get("inbound", req.MessageID, &from) {
		return &problem{100, "Invalid parameter: message_id is not a message to this number."}
	}
	return nil
}

// node answers for the number itself and for files.
func (s *server) node(w http.ResponseWriter, r *http.Request) {
	id, number := r.PathValue("id"), r.URL.Query().Get("phone_number_id")
	if number == "" {
		number = id
	}
	if _, ok := s.authorised(w, r, number); !ok {
		return
	}
	if f, ok := s.file(id); ok {
		writeJSON(w, http.StatusOK, f.node(s.env.BaseURL(), id))
		return
	}
	if r.URL.Query().Has("phone_number_id") {
		fail(w, problem{100, "Unsupported get request. Object does not exist."})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": id, "display_phone_number": displayNumber,
		"verified_name": verifiedName, "quality_rating": "GREEN", "code_verification_status": "VERIFIED"})
}

// authorised checks the bearer token and finds the connection of a number. A
// number that no connection claims is served with any token, so that the fake
// can be driven alone.
func (s *server) authorised(w http.ResponseWriter, r *http.Request, number string) (*fake.Account, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claimed := false
	for _, a := range s.env.Accounts() {
		c := settingsOf(a)
		if c.PhoneNumberID != number {
			continue
		}
		if claimed = true; ok && c.AccessToken == token {
			return &a, true
		}
	}
	if !ok || token == "" || claimed {
		fail(w, problem{190, "Invalid OAuth access token - Cannot parse access token"})
		return nil, false
	}
	return nil, true
}

// problem is one of Meta's errors.
type problem struct {
	code    int
	details string
}

// fail answers as the schema GraphAPIError.
func fail(w http.ResponseWriter, p problem) {
	status := http.StatusBadRequest
	if p.code == 190 {
		status = http.StatusUnauthorized
	}
	body := map[string]any{"message": p.details, "type": "OAuthException", "code": p.code, "fbtrace_id": "AXsgnV2Cm3ZMGF3dF_cfYIn",
		"error_data": map[string]any{"messaging_product": "whatsapp", "details": p.details}}
	if p.code == 100 && strings.HasPrefix(p.details, "Unsupported get") {
		body["error_subcode"] = 33
	}
	writeJSON(w, status, map[string]any{"error": body})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller has gone away
}
