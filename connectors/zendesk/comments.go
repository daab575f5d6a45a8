package zendesk

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// File is a file that comes with a comment.
type File struct {
	Name        string `json:"name" doc:"Its name, with the ending that fits its type."`
	ContentType string `json:"content_type" doc:"Its media type, such as image/png."`
	Content     []byte `json:"content" doc:"The file in base64; at most 700 KiB."`
}

var (
	fileName  = regexp.MustCompile(`^[^/\\\x00-\x1f]{1,200}$`)
	mediaType = regexp.MustCompile(`^[a-z]+/[a-zA-Z0-9.+-]{1,100}$`)
)

func (f *File) check() error {
	switch {
	case f == nil:
		return nil
	case !fileName.MatchString(f.Name):
		return sdk.Invalidf("file.name must be 1 to 200 characters without slashes")
	case !mediaType.MatchString(f.ContentType):
		return sdk.Invalidf("file.content_type must be a media type, such as image/png")
	case len(f.Content) == 0 || len(f.Content) > maxFile:
		return sdk.Invalidf("file.content must be 1 byte to 700 KiB")
	}
	return nil
}

// CommentInput adds what the customer says, or a note for the staff.
type CommentInput struct {
	role.Comment
	File *File `json:"file,omitempty" doc:"A file that comes with it."`
}

// Validate checks what the types cannot.
func (in CommentInput) Validate() error { return checkComment(in.ID, in.Text, in.File) }

// ReplyInput answers the customer in the staff's name.
type ReplyInput struct {
	ID   string `json:"id" doc:"Zendesk's ID of the ticket."`
	Text string `json:"text" doc:"What is said."`
	File *File  `json:"file,omitempty" doc:"A file that comes with it."`
}

// Validate checks what the types cannot.
func (in ReplyInput) Validate() error { return checkComment(in.ID, in.Text, in.File) }

func checkComment(ticket, text string, file *File) error {
	if err := checkID("id", ticket); err != nil {
		return err
	}
	if err := checkText("text", text, maxText); err != nil {
		return err
	}
	return file.check()
}

// comment says something. What the customer says is theirs at Zendesk too: they are
// its author, and it opens a ticket that waits for them, as their e-mail would.
func (c *connection) comment(ctx context.Context, call sdk.Call, in CommentInput) (role.ID, error) {
	what := change{Comment: &comment{Body: in.Text, Public: !in.Private}, Metadata: origin(call)}
	if !in.Private {
		t, err := c.fetch(ctx, id(in.ID))
		if err != nil {
			return role.ID{}, err
		}
		if what.Comment.Author = t.Requester; t.Status != "new" && t.Status != "open" && t.Status != "closed" {
			what.Status = "open"
		}
	}
	return c.say(ctx, id(in.ID), what, in.File)
}

func (c *connection) reply(ctx context.Context, call sdk.Call, in ReplyInput) (role.ID, error) {
	return c.say(ctx, id(in.ID), change{Comment: &comment{Body: in.Text, Public: true}, Metadata: origin(call)}, in.File)
}

// say uploads the file first. An upload that is left over when the comment fails is
// deleted by Zendesk within the hour.
func (c *connection) say(ctx context.Context, ticket id, what change, file *File) (role.ID, error) {
	if file != nil {
		token, err := c.upload(ctx, file)
		if err != nil {
			return role.ID{}, err
		}
		what.Comment.Uploads = []string{token}
	}
	answer, err := c.put(ctx, ticket, what)
	if err != nil {
		return role.ID{}, err
	}
	if said := answer.Audit.comment(); said != "" {
		return role.ID{ID: said}, nil
	}
	return role.ID{}, unreadable()
}

func (c *connection) upload(ctx context.Context, f *File) (token string, err error) {
	var answer struct {
		Upload struct {
			Token string `json:"token"`
		} `json:"upload"`
	}
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v2/uploads", query: url.Values{"filename": {f.Name}},
		body: f.Content, contentType: f.ContentType}, &answer)
	if err == nil && answer.Upload.Token == "" {
		err = unreadable()
	}
	return answer.Upload.Token, err
}

// origin marks the audit of a change (https://developer.zendesk.com/documentation/ticketing/managing-tickets/creating-and-updating-tickets/).
func origin(call sdk.Call) map[string]string {
	return map[string]string{metaEffect: call.Key, metaWorkspace: call.Workspace}
}

const (
	metaEffect    = "parley_effect"
	metaWorkspace = "parley_workspace"
)

// audit is the record of a change
// (https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/).
type audit struct {
	Metadata struct {
		Custom map[string]any `json:"custom"`
	} `json:"metadata"`
	Events []struct {
		ID   id     `json:"id"`
		Type string `json:"type"`
	} `json:"events"`
}

func (a audit) comment() string {
	for _, e := range a.Events {
		if e.Type == "Comment" {
			return string(e.ID)
		}
	}
	return ""
}

func (c *connection) findComment(ctx context.Context, call sdk.Call, in CommentInput) (role.ID, bool, error) {
	return c.findSaid(ctx, call, id(in.ID))
}

func (c *connection) findReply(ctx context.Context, call sdk.Call, in ReplyInput) (role.ID, bool, error) {
	return c.findSaid(ctx, call, id(in.ID))
}

// mostPages bounds the search through a ticket's audits: a ticket has at most 5,000
// comments, and a hundred stand on a page.
const mostPages = 200

// findSaid looks through the audits of a ticket for the comment of an earlier attempt.
func (c *connection) findSaid(ctx context.Context, call sdk.Call, ticket id) (role.ID, bool, error) {
	query := url.Values{"page[size]": {"100"}}
	for range mostPages {
		var page struct {
			Audits []audit `json:"audits"`
			Meta   struct {
				More  bool   `json:"has_more"`
				After string `json:"after_cursor"`
			} `json:"meta"`
		}
		if err := c.get(ctx, ticketPath(ticket)+"/audits", query, &page); err != nil {
			return role.ID{}, false, err
		}
		if page.Audits == nil {
			return role.ID{}, false, unreadable()
		}
		for _, a := range page.Audits {
			if key, _ := a.Metadata.Custom[metaEffect].(string); key == call.Key && strings.TrimSpace(key) != "" {
				if said := a.comment(); said != "" {
					return role.ID{ID: said}, true, nil
				}
			}
		}
		if !page.Meta.More || page.Meta.After == "" {
			return role.ID{}, false, nil
		}
		query.Set("page[after]", page.Meta.After)
	}
	return role.ID{}, false, &sdk.Error{Class: sdk.Unavailable, Message: "the ticket has more changes than can be looked through"}
}
