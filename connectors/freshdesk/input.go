package freshdesk

import (
	"crypto/sha256"
	"encoding/hex"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

const (
	maxSubject = 255
	maxText    = 65_535
	// maxFile keeps a file's base64 within an operation's input.
	maxFile = 700 << 10
	// maxTag is the longest tag (https://developers.freshdesk.com/api/#create_ticket).
	maxTag = 32
)

var (
	idForm  = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	keyForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

	statuses   = []string{role.TicketOpen, role.TicketPending, role.TicketSolved, role.TicketClosed}
	priorities = []string{"low", "normal", "high", "urgent"}
)

// Freshdesk's numbers of statuses and priorities
// (https://developers.freshdesk.com/api/#ticket_attributes). Further statuses are an
// account's own.
const (
	statusOpen     = 2
	statusPending  = 3
	statusResolved = 4
	statusClosed   = 5
	statusWaiting  = 6 // waiting on customer
)

func statusNumber(status string) int {
	if status == "" {
		return 0
	}
	return slices.Index(statuses, status) + statusOpen
}

// statusOf gives the role's word for a status. One of the account's own is taken for
// open: somebody of the staff has it.
func statusOf(number int) string {
	switch number {
	case statusPending, statusWaiting:
		return role.TicketPending
	case statusResolved:
		return role.TicketSolved
	case statusClosed:
		return role.TicketClosed
	}
	return role.TicketOpen
}

// statusNamed reads a status as webhooks have it, by its name in English.
func statusNamed(name string) string {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "pending", "waiting on customer":
		return role.TicketPending
	case "resolved":
		return role.TicketSolved
	case "closed":
		return role.TicketClosed
	}
	return role.TicketOpen
}

func priorityNumber(priority string) int { return slices.Index(priorities, priority) + 1 }

func priorityOf(number int) string {
	if number < 1 || number > len(priorities) {
		return ""
	}
	return priorities[number-1]
}

func priorityNamed(name string) string {
	switch p := strings.ToLower(strings.TrimSpace(name)); p {
	case "medium":
		return "normal"
	case "low", "high", "urgent":
		return p
	}
	return ""
}

func checkText(field, text string, most int) error {
	if strings.TrimFunc(text, unicode.IsSpace) == "" || utf8.RuneCountInString(text) > most {
		return sdk.Invalidf("%s must be 1 to %d characters", field, most)
	}
	return nil
}

func checkID(field, value string) error {
	if !idForm.MatchString(value) {
		return sdk.Invalidf("%s must be an ID of Freshdesk's, a number", field)
	}
	return nil
}

func checkChange(priority, group, assignee string, tags []string) error {
	if priority != "" && !slices.Contains(priorities, priority) {
		return sdk.Invalidf("priority must be low, normal, high or urgent")
	}
	if group != "" && checkID("group", group) != nil {
		return checkID("group", group)
	}
	if assignee != "" && checkID("assignee", assignee) != nil {
		return checkID("assignee", assignee)
	}
	for i, t := range tags {
		if strings.TrimSpace(t) != t || t == "" || utf8.RuneCountInString(t) > maxTag || strings.ContainsAny(t, ",'\"") {
			return sdk.Invalidf("tags[%d] must be 1 to %d characters without commas and quotes", i, maxTag)
		}
	}
	return nil
}

const tagPrefix = "parley-"

// tagOf is the tag of the ticket that the effect of a key opened: the key itself is
// longer than a tag may be.
func tagOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return tagPrefix + hex.EncodeToString(sum[:12])
}

// mark begins what Parley says where the customer or the staff may read it. It is an
// invisible character (U+2063), and tells our own words from others': webhooks name
// neither who has written nor by which way.
const mark = "\u2063"

// asHTML writes a text as Freshdesk takes it.
func asHTML(text string) string {
	return "<div>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") + "</div>"
}
