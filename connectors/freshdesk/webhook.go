package freshdesk

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

const (
	// secretHeader is the custom header in which an automation rule brings the secret.
	secretHeader  = "X-Parley-Secret"
	ticketChanged = "ticket.changed"
)

// Verify compares the secret that the rule brings, in the header X-Parley-Secret or as
// the password of its authentication, with every configured one in constant time.
// Freshdesk signs neither body nor time (https://support.freshdesk.com/support/solutions/articles/132589).
func (c *connection) Verify(req sdk.WebhookRequest, _ time.Time) error {
	if len(c.secrets) == 0 {
		return refuse("webhook_secret is not configured")
	}
	got := req.Header.Get(secretHeader)
	if pair, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Basic "); ok && got == "" {
		plain, _ := base64.StdEncoding.DecodeString(pair) // what is not base64 has no password
		_, got, _ = strings.Cut(string(plain), ":")
	}
	if got == "" {
		return refuse("the webhook brings no secret: let the automation rule send the header " + secretHeader + " with webhook_secret")
	}
	genuine := 0
	for _, secret := range c.secrets {
		a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(secret)) // of one length
		genuine |= subtle.ConstantTimeCompare(a[:], b[:])
	}
	if genuine == 0 {
		return refuse("the webhook's secret is not webhook_secret")
	}
	return nil
}

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}

// news is the JSON of an automation rule, as docs/connectors.md has it. Everything is a
// text: placeholders stand in quotes.
type news struct {
	Event    string `json:"event"`
	Ticket   id     `json:"ticket_id"`
	Subject  string `json:"subject"`
	Status   string `json:"status"`
	Priority string `json:"priority"`
	Tags     string `json:"tags"`
	// Changed tells answers of the same words apart.
	Changed string `json:"changed"`
	// Comment is the newest public comment as text, CommentHTML as HTML; both begin
	// with the name of who wrote it and a colon.
	Comment     string `json:"comment"`
	CommentHTML string `json:"comment_html"`
}

// Parse reads what one of the two rules sends. Tickets that Parley did not open, and
// what Parley itself has written, are ignored.
func (c *connection) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	var n news
	if json.Unmarshal(req.Body, &n) != nil || n.Event == "" {
		return nil, sdk.Invalidf("the body is not the JSON that docs/connectors.md gives for Freshdesk's automation rules")
	}
	e := sdk.Event{ID: n.identity(), Kind: sdk.EventIgnored, Type: n.Event}
	if n.Event != role.AgentSaid && n.Event != ticketChanged || !n.ours() {
		return []sdk.Event{e}, nil
	}
	if n.Ticket == "" {
		return nil, sdk.Invalidf("ticket_id is missing, or no number: it must be {{ticket.id}}")
	}
	data := sdk.JSONBody(role.TicketState{ID: string(n.Ticket), Status: statusNamed(n.Status), Subject: n.Subject,
		Priority: priorityNamed(n.Priority), URL: c.pageOf(n.Ticket)})
	if n.Event == role.AgentSaid {
		agent, text := n.said()
		if strings.HasPrefix(text, mark) {
			return []sdk.Event{e}, nil
		}
		if text == "" {
			return nil, sdk.Invalidf("comment is empty: it must be {{ticket.latest_public_comment_text}}")
		}
		data = sdk.JSONBody(role.Said{Text: text, Agent: agent, Ticket: string(n.Ticket)})
	}
	e.Kind = sdk.EventProvider
	e.Provider = &sdk.ProviderEvent{Name: n.Event, Refs: []string{string(n.Ticket)}, Data: data}
	return []sdk.Event{e}, nil
}

// identity is an ID made of all that was told: Freshdesk gives none, and sends the same
// words when it repeats a webhook.
func (n news) identity() string {
	sum := sha256.Sum256(sdk.JSONBody(n))
	return hex.EncodeToString(sum[:16])
}

// ours tells whether Parley opened the ticket; it may have if no tags are told.
func (n news) ours() bool {
	return n.Tags == "" || slices.ContainsFunc(strings.Split(n.Tags, ","), func(tag string) bool {
		return strings.HasPrefix(strings.TrimSpace(tag), tagPrefix)
	})
}

// longestName is how long what stands before the colon may be to be somebody's name.
const longestName = 80

// said parts the newest comment into who wrote it, and what.
func (n news) said() (agent, text string) {
	text, read := n.Comment, strings.TrimSpace
	if text == "" {
		text, read = n.CommentHTML, asText
	}
	name, rest, ok := strings.Cut(text, " : ")
	if !ok || len(name) > longestName || strings.ContainsAny(name, "<\n"+mark) {
		return "", read(text)
	}
	return strings.TrimSpace(name), read(rest)
}

// asText is the text of a piece of HTML: a line for each block and break.
func asText(source string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(source))
	hidden := false
	for {
		switch z.Next() {
		case html.ErrorToken: // the end: there are no others of a text
			return strings.TrimSpace(lines(out.String()))
		case html.TextToken:
			if !hidden {
				out.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			hidden = slices.Contains([]atom.Atom{atom.Script, atom.Style}, atom.Lookup(name))
			if slices.Contains(breaks, atom.Lookup(name)) {
				out.WriteByte('\n')
			}
		case html.EndTagToken:
			hidden = false
		}
	}
}

var breaks = []atom.Atom{atom.Br, atom.P, atom.Div, atom.Li, atom.Tr, atom.Blockquote, atom.H1, atom.H2, atom.H3}

// lines takes away the spaces around each line, and all empty lines but one.
func lines(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
