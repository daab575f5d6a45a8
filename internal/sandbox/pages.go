package sandbox

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"parley/connectors/sdk/fake"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// phoneOf is a customer's phone that has been used.
type phoneOf struct {
	Connector string `json:"connector"`
	Account   string `json:"account"`
	From      string `json:"from"`
}

// Link is the address of the phone's page.
func (p phoneOf) Link() string {
	return "/_phone?" + url.Values{"connector": {p.Connector}, "account": {p.Account}, "from": {p.From}}.Encode()
}

type fakeRow struct {
	Name string
	// Page is where there is something to look at, "" if nowhere.
	Page     string
	Channel  bool
	Accounts []string
	Counts   Counts
}

func (s *Sandbox) indexPage(w http.ResponseWriter, _ *http.Request) {
	view := struct {
		Fakes    []fakeRow
		Channels []string
		Phones   []phoneOf
		Recent   []Record
		Faults   []Fault
	}{Faults: s.faults.list()}
	counts := s.courier.snapshot(s.Connectors())
	for _, name := range s.Connectors() {
		m := s.mounts[name]
		_, channel := m.handler.(fake.Messaging)
		row := fakeRow{Name: name, Channel: channel, Counts: counts[name]}
		if m.Page != "" && !strings.Contains(m.Page, customerInPage) {
			row.Page = "/" + name + "/" + m.Page
		}
		for _, a := range (env{s, name}).Accounts() {
			row.Accounts = append(row.Accounts, a.Account)
		}
		if channel {
			view.Channels = append(view.Channels, name)
		}
		view.Fakes = append(view.Fakes, row)
	}
	s.store.each(bucketPhones, func(_ string, raw json.RawMessage) bool {
		var p phoneOf
		if json.Unmarshal(raw, &p) == nil {
			view.Phones = append(view.Phones, p)
		}
		return len(view.Phones) < 200
	})
	var err error
	if view.Recent, err = s.store.newest(50); err != nil {
		problem(w, http.StatusInsufficientStorage, err.Error())
		return
	}
	show(w, "index.html", view)
}

type phoneView struct {
	phoneOf
	Shown   []fake.Shown
	Problem string
}

// customerInPage stands in the path of a fake's page for a customer's number or ID.
const customerInPage = "{from}"

// phonePage shows a customer's device: the fake's own page where it has one.
func (s *Sandbox) phonePage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, account := q.Get("from"), q.Get("account")
	if m := s.mounts[q.Get("connector")]; m != nil && strings.Contains(m.Page, customerInPage) && from != "" {
		to := "/" + m.Connector + "/" + strings.ReplaceAll(m.Page, customerInPage, url.PathEscape(from))
		s.store.put(bucketPhones, m.Connector+"\x00"+from, phoneOf{m.Connector, account, from})
		if account != "" {
			to += "?" + url.Values{"account": {account}}.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	s.showPhone(w, http.StatusOK, phoneOf{q.Get("connector"), account, from}, "")
}

func (s *Sandbox) phoneSay(w http.ResponseWriter, r *http.Request) {
	p := phoneOf{r.PostFormValue("connector"), r.PostFormValue("account"), r.PostFormValue("from")}
	u := fake.Utterance{Text: r.PostFormValue("text"), Tap: r.PostFormValue("tap")}
	if status, err := s.say(r, Say{p.Connector, p.Account, p.From, u}); err != nil {
		s.showPhone(w, status, p, err.Error())
		return
	}
	http.Redirect(w, r, p.Link(), http.StatusSeeOther)
}

func (s *Sandbox) showPhone(w http.ResponseWriter, status int, p phoneOf, trouble string) {
	m := s.mounts[p.Connector]
	if m == nil || p.From == "" {
		problem(w, http.StatusBadRequest, "a phone needs connector and from")
		return
	}
	channel, ok := m.handler.(fake.Messaging)
	if !ok {
		problem(w, http.StatusBadRequest, p.Connector+" carries no messages")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	show(w, "phone.html", phoneView{p, channel.Phone(p.From), trouble})
}

func show(w http.ResponseWriter, name string, view any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, view); err != nil {
		problem(w, http.StatusInternalServerError, "the page cannot be shown")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(page.Bytes())
}
