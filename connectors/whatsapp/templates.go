package whatsapp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// What Meta lets a template have ("Template components").
const (
	templateHeaderMax = 60
	templateBodyMax   = 1024
	templateFooterMax = 60
	templateButtons   = 10
	templateLabelMax  = 25
	// templatePage is how many templates one request asks for.
	templatePage = 100
	// templateSettle is how late a new template may come into the list.
	templateSettle = 30 * time.Second
	// unlimited is the lifetime of a key where repeating is harmless at any time.
	unlimited = 10 * 365 * 24 * time.Hour
)

var (
	templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	languageForm = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2,3})?$`)
	placeholder  = regexp.MustCompile(`\{\{(\d+)\}\}`)
	categories   = []string{role.CategoryMarketing, role.CategoryUtility, role.CategoryAuthentication}
)

var templateOperations = []sdk.Operation{
	// A name and a language are taken once, so that they find what an earlier attempt made.
	sdk.LookupOp("template_submit", "Asks Meta to approve a template. Its answer comes as news, within minutes or a day",
		templateSettle, (*connection).submitTemplate, (*connection).findTemplate).
		Sample(`{"name":"parcel_left","language":"en_US","category":"utility","body":"Your parcel {{1}} has left.","examples":["1042"],"footer":"Corner Coffee","buttons":[{"label":"Track it","url":"https://example.com/track"},{"label":"Thanks"}]}`),
	sdk.Op("template_list", "Lists the account's templates with what Meta thinks of them, in pages",
		sdk.Effect{Kind: sdk.Read}, (*connection).listTemplates).Sample(`{}`),
	// What is gone is not looked for again: a repeat changes nothing, however late.
	sdk.Op("template_delete", "Deletes a template in one language. Its name in that language is blocked for 30 days",
		sdk.Effect{Kind: sdk.Keyed, KeyLifetime: unlimited}, (*connection).deleteTemplate).
		Sample(`{"name":"{{template_submit.name}}","language":"{{template_submit.language}}"}`),
}

// TemplateDraft is a template that Meta is asked to approve.
type TemplateDraft struct{ role.TemplateDraft }

// Validate holds what Meta would refuse.
func (d TemplateDraft) Validate() error {
	count := func(s string) int { return utf8.RuneCountInString(s) }
	switch {
	case !templateName.MatchString(d.Name):
		return sdk.Invalidf("name must be at most 512 small letters, digits and _")
	case !languageForm.MatchString(d.Language):
		return sdk.Invalidf("language must be one of Meta's codes, such as en_US or hi")
	case !slices.Contains(categories, d.Category):
		return sdk.Invalidf("category must be one of %s", strings.Join(categories, ", "))
	case d.Body == "" || count(d.Body) > templateBodyMax:
		return sdk.Invalidf("body must have 1 to %d characters", templateBodyMax)
	case count(d.Header) > templateHeaderMax || strings.Contains(d.Header, "{{"):
		return sdk.Invalidf("header must have at most %d characters and no placeholder", templateHeaderMax)
	case count(d.Footer) > templateFooterMax || strings.Contains(d.Footer, "{{"):
		return sdk.Invalidf("footer must have at most %d characters and no placeholder", templateFooterMax)
	case len(d.Buttons) > templateButtons:
		return sdk.Invalidf("there can be at most %d buttons", templateButtons)
	}
	for i, b := range d.Buttons {
		if b.Label == "" || count(b.Label) > templateLabelMax {
			return sdk.Invalidf("buttons[%d].label must have 1 to %d characters", i, templateLabelMax)
		}
		if u, err := url.Parse(b.URL); b.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return sdk.Invalidf("buttons[%d].url must be an http or https address", i)
		}
	}
	return d.checkPlaceholders()
}

// checkPlaceholders: they are numbered from 1 without gaps, do not begin or end the
// text, and each has an example.
func (d TemplateDraft) checkPlaceholders() error {
	last := 0
	for _, m := range placeholder.FindAllStringSubmatch(d.Body, -1) {
		if n := fmt.Sprint(last + 1); m[1] != n {
			return sdk.Invalidf("body: the placeholders must be numbered in order from {{1}}; {{%s}} is expected", n)
		}
		last++
	}
	switch text := strings.TrimSpace(d.Body); {
	case len(d.Examples) != last:
		return sdk.Invalidf("examples: there must be one for each of the %d placeholders", last)
	case last > 0 && (strings.HasPrefix(text, "{{") || strings.HasSuffix(text, "}}")):
		return sdk.Invalidf("body must not begin or end with a placeholder")
	}
	return nil
}

// component is a part of a template on the wire.
type component struct {
	Type    string           `json:"type"`
	Format  string           `json:"format,omitempty"`
	Text    string           `json:"text,omitempty"`
	Example *bodyExample     `json:"example,omitempty"`
	Buttons []templateButton `json:"buttons,omitempty"`
}

type bodyExample struct {
	Body [][]string `json:"body_text"`
}

type templateButton struct {
	Type string `json:"type"`
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
}

type templateRequest struct {
	Name       string      `json:"name"`
	Language   string      `json:"language"`
	Category   string      `json:"category"`
	Components []component `json:"components"`
}

func (d TemplateDraft) request() templateRequest {
	r := templateRequest{Name: d.Name, Language: d.Language, Category: strings.ToUpper(d.Category)}
	if d.Header != "" {
		r.Components = append(r.Components, component{Type: "HEADER", Format: "TEXT", Text: d.Header})
	}
	body := component{Type: "BODY", Text: d.Body}
	if len(d.Examples) > 0 {
		body.Example = &bodyExample{[][]string{d.Examples}}
	}
	r.Components = append(r.Components, body)
	if d.Footer != "" {
		r.Components = append(r.Components, component{Type: "FOOTER", Text: d.Footer})
	}
	if len(d.Buttons) > 0 {
		row := component{Type: "BUTTONS"}
		for _, b := range d.Buttons {
			if b.URL != "" {
				row.Buttons = append(row.Buttons, templateButton{"URL", b.Label, b.URL})
			} else {
				row.Buttons = append(row.Buttons, templateButton{"QUICK_REPLY", b.Label, ""})
			}
		}
		r.Components = append(r.Components, row)
	}
	return r
}

// template is one as Meta describes it, in answers and in lists.
type template struct {
	ID       flexibleID `json:"id"`
	Name     string     `json:"name"`
	Language string     `json:"language"`
	Category string     `json:"category"`
	Status   string     `json:"status"`
	Reason   string     `json:"rejected_reason"`
}

func (t template) state() role.TemplateState {
	return role.TemplateState{ID: string(t.ID), Name: t.Name, Language: t.Language, Category: strings.ToLower(t.Category),
		Status: templateStatus(t.Status), Reason: templateReason(t.Reason)}
}

// templateStatus maps Meta's statuses ("Template status", and the event of
// message_template_status_update); one that is unknown may not be sent.
func templateStatus(s string) string {
	switch s {
	case "APPROVED", "FLAGGED", "REINSTATED": // flagged: may become paused or disabled, and is sent until then
		return role.TemplateApproved
	case "PENDING", "IN_APPEAL", "PENDING_REVIEW":
		return role.TemplatePending
	case "REJECTED":
		return role.TemplateRejected
	case "PAUSED", "LOCKED":
		return role.TemplatePaused
	case "DELETED", "PENDING_DELETION", "ARCHIVED":
		return role.TemplateDeleted
	case "":
		return ""
	}
	return role.TemplateDisabled
}

// templateReason keeps a reason if it is one of Meta's words.
func templateReason(s string) string {
	if s == "NONE" {
		return ""
	}
	return named(strings.ToLower(s))
}

func (c *connection) canManage() error {
	if c.config.WABAID == "" || c.config.AccessToken == "" {
		return sdk.Invalidf("templates belong to the WhatsApp Business Account: set waba_id and access_token")
	}
	return nil
}

func (c *connection) submitTemplate(ctx context.Context, _ sdk.Call, d TemplateDraft) (role.TemplateState, error) {
	if err := c.canManage(); err != nil {
		return role.TemplateState{}, err
	}
	resp, err := c.call(ctx, sdk.Request{Method: http.MethodPost, Operation: "template_submit",
		URL: c.url(c.config.WABAID, "message_templates"), Body: sdk.JSONBody(d.request())})
	if err != nil {
		return role.TemplateState{}, err
	}
	var made template
	if err := decodeAnswer(resp, &made); err != nil {
		return role.TemplateState{}, err
	}
	made.Name, made.Language = d.Name, d.Language // the answer tells ID, status and category
	return made.state(), nil
}

func (c *connection) findTemplate(ctx context.Context, _ sdk.Call, d TemplateDraft) (role.TemplateState, bool, error) {
	if err := c.canManage(); err != nil {
		return role.TemplateState{}, false, err
	}
	page, err := c.templates(ctx, url.Values{"name": {d.Name}, "language": {d.Language}})
	if err != nil {
		return role.TemplateState{}, false, err
	}
	for _, t := range page.Data {
		if t.Name == d.Name && t.Language == d.Language { // Meta's filter finds longer names too
			return t.state(), true, nil
		}
	}
	return role.TemplateState{}, false, nil
}

type templatePageAnswer struct {
	Data   []template `json:"data"`
	Paging struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		Next string `json:"next"`
	} `json:"paging"`
}

func (c *connection) templates(ctx context.Context, query url.Values) (templatePageAnswer, error) {
	query.Set("fields", "id,name,language,category,status,rejected_reason")
	query.Set("limit", fmt.Sprint(templatePage))
	var page templatePageAnswer
	resp, err := c.call(ctx, sdk.Request{Method: http.MethodGet, Operation: "template_list",
		URL: c.url(c.config.WABAID, "message_templates") + "?" + query.Encode()})
	if err != nil {
		return page, err
	}
	return page, decodeAnswer(resp, &page)
}

func (c *connection) listTemplates(ctx context.Context, _ sdk.Call, in role.TemplatesAfter) (role.TemplatePage, error) {
	out := role.TemplatePage{Templates: []role.TemplateState{}}
	if err := c.canManage(); err != nil {
		return out, err
	}
	query := url.Values{}
	if in.After != "" {
		query.Set("after", in.After)
	}
	page, err := c.templates(ctx, query)
	if err != nil {
		return out, err
	}
	for _, t := range page.Data {
		out.Templates = append(out.Templates, t.state())
	}
	if page.Paging.Next != "" {
		out.Next = page.Paging.Cursors.After
	}
	return out, nil
}

// TemplateName names a template in one language.
type TemplateName struct{ role.TemplateName }

// Validate checks the forms.
func (n TemplateName) Validate() error {
	if !templateName.MatchString(n.Name) || !languageForm.MatchString(n.Language) {
		return sdk.Invalidf("name must be at most 512 small letters, digits and _, language one of Meta's codes")
	}
	return nil
}

// Deleted tells that there is no such template any more.
type Deleted struct{}

func (c *connection) deleteTemplate(ctx context.Context, call sdk.Call, n TemplateName) (Deleted, error) {
	found, ok, err := c.findTemplate(ctx, call, TemplateDraft{role.TemplateDraft{Name: n.Name, Language: n.Language}})
	if err != nil || !ok {
		return Deleted{}, err
	}
	// hsm_id beside the name deletes one language; the name alone deletes all.
	query := url.Values{"hsm_id": {found.ID}, "name": {n.Name}}
	_, err = c.call(ctx, sdk.Request{Method: http.MethodDelete, Operation: "template_delete",
		URL: c.url(c.config.WABAID, "message_templates") + "?" + query.Encode()})
	return Deleted{}, err
}

// templateChange is the value of the fields message_template_status_update and
// template_category_update ("Webhooks reference").
type templateChange struct {
	Event    string     `json:"event"`
	ID       flexibleID `json:"message_template_id"`
	Name     string     `json:"message_template_name"`
	Language string     `json:"message_template_language"`
	Reason   string     `json:"reason"`
	Category string     `json:"new_category"`
	// A status event of 2025 and later tells the category beside it.
	StatusCategory string `json:"message_template_category"`
}

var templateTriggers = []sdk.Trigger{{Name: role.TemplateChanged, Source: []string{"message_template_status_update", "template_category_update"},
	Summary: "Meta has approved, refused, paused, deleted or re-categorised a template.", Payload: role.TemplateState{}}}

// templateEvents tells of a template. What is of another shape than documented is
// ignored: the template's state is polled too.
func templateEvents(ch change) ([]sdk.Event, error) {
	var v templateChange
	if json.Unmarshal(ch.Value, &v) != nil || v.Name == "" || v.Language == "" {
		return []sdk.Event{ignored(ch, named(ch.Field), "")}, nil
	}
	state := role.TemplateState{ID: string(v.ID), Name: v.Name, Language: v.Language, Status: templateStatus(v.Event),
		Category: strings.ToLower(v.Category), Reason: templateReason(v.Reason)}
	if state.Category == "" {
		state.Category = strings.ToLower(v.StatusCategory)
	}
	data, err := json.Marshal(state)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(ch.Field+"\x00"), ch.Value...))
	return []sdk.Event{{ID: "template-" + hex.EncodeToString(sum[:16]), Kind: sdk.EventProvider, Type: ch.Field,
		Provider: &sdk.ProviderEvent{Name: role.TemplateChanged, Refs: []string{string(v.ID)}, Data: data}}}, nil
}

// pollPages bounds one poll to what the seam allows.
const pollPages = 5

// Poll implements [sdk.Poller]: it tells of all templates as they now are, for a
// webhook may get lost or not be subscribed to. What is known already is no news.
func (c *connection) Poll(ctx context.Context, _ string) ([]sdk.Event, string, error) {
	if c.canManage() != nil {
		return nil, "", nil
	}
	var events []sdk.Event
	after := ""
	for range pollPages {
		page, err := c.listTemplates(ctx, sdk.Call{}, role.TemplatesAfter{After: after})
		if err != nil {
			return nil, "", err
		}
		for _, t := range page.Templates {
			data, err := json.Marshal(t)
			if err != nil {
				return nil, "", err
			}
			sum := sha256.Sum256(data)
			events = append(events, sdk.Event{ID: "template-" + hex.EncodeToString(sum[:16]), Kind: sdk.EventProvider, Type: "template_list",
				Provider: &sdk.ProviderEvent{Name: role.TemplateChanged, Refs: []string{t.ID}, Data: data}})
		}
		if after = page.Next; after == "" {
			break
		}
	}
	return events, "", nil
}
