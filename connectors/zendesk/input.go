package zendesk

import (
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
	// maxText is the longest comment, in characters
	// (https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/).
	maxText = 65_535
	// maxFile keeps a file's base64 within an operation's input.
	maxFile = 700 << 10
)

var (
	idForm  = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)
	keyForm = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	tag     = regexp.MustCompile(`^[\p{L}\p{N}_/.:-]{1,80}$`)

	statuses   = []string{role.TicketOpen, role.TicketPending, role.TicketSolved, role.TicketClosed}
	priorities = []string{"low", "normal", "high", "urgent"}
)

func checkText(field, text string, most int) *sdk.Error {
	if strings.TrimFunc(text, unicode.IsSpace) == "" || utf8.RuneCountInString(text) > most {
		return sdk.Invalidf("%s must be 1 to %d characters", field, most)
	}
	return nil
}

func checkID(field, value string) error {
	if !idForm.MatchString(value) {
		return sdk.Invalidf("%s must be an ID of Zendesk's, a number", field)
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
		if !tag.MatchString(t) {
			return sdk.Invalidf("tags[%d] must be 1 to 80 letters, digits, underscores, hyphens, dots, colons or slashes", i)
		}
	}
	return nil
}

// statusOf gives the role's word for a status. What is on hold waits for somebody
// else than the customer, so it is open to them.
func statusOf(status string) string {
	switch s := strings.ToLower(status); s {
	case "new", "hold", "":
		return role.TicketOpen
	default:
		return s
	}
}

func priorityOf(priority string) string {
	if p := strings.ToLower(priority); slices.Contains(priorities, p) {
		return p
	}
	return ""
}
