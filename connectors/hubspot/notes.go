package hubspot

import (
	"context"
	"html"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// maxNote is the longest text of a note, with room for markup and our reference:
// HubSpot takes 65536 characters.
const maxNote = 20_000

// NoteInput is a text to note.
type NoteInput struct {
	role.Note
	Owner string `json:"owner,omitempty" doc:"HubSpot's ID of the person of your staff whose note it is."`
}

// Validate holds what HubSpot would refuse.
func (in NoteInput) Validate() error {
	if strings.TrimSpace(in.Text) == "" || utf8.RuneCountInString(in.Text) > maxNote {
		return sdk.Invalidf("text must be 1 to %d characters", maxNote)
	}
	for _, err := range []error{checkID("contact", in.Contact), checkOptional("deal", in.Deal), checkOptional("owner", in.Owner)} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) noteCreate(ctx context.Context, call sdk.Call, in NoteInput) (role.ID, error) {
	p := map[string]string{"hs_timestamp": time.Now().UTC().Format(time.RFC3339), "hs_note_body": noteBody(in.Text, call.Key)}
	put(p, "hubspot_owner_id", in.Owner)
	to := []association{associate(in.Contact, noteToContact)}
	if in.Deal != "" {
		to = append(to, associate(in.Deal, noteToDeal))
	}
	made, err := c.create(ctx, notes, p, to...)
	return role.ID{ID: made.ID}, err
}

// noteBody is the text as HTML, which notes are, with the key below.
func noteBody(text, key string) string {
	body := strings.ReplaceAll(html.EscapeString(text), "\n", "<br>")
	if key != "" {
		body += "<br>" + reference(key)
	}
	return body
}

// reference is how the key stands in a note: people see it, so it says what it is.
func reference(key string) string { return "[Parley " + key + "]" }

// searchPage is how many notes are looked through: the newest of the contact.
const searchPage = 200

func (c *connection) noteFind(ctx context.Context, call sdk.Call, in NoteInput) (role.ID, bool, error) {
	if call.Key == "" {
		return role.ID{}, false, nil
	}
	found, err := c.search(ctx, notes, "", []group{equal("associations.contact", in.Contact)}, "-hs_createdate", searchPage, "hs_note_body")
	for _, o := range found {
		if strings.Contains(o.Properties["hs_note_body"], reference(call.Key)) {
			return role.ID{ID: o.ID}, true, nil
		}
	}
	return role.ID{}, false, err
}
