package freshdesk

import (
	"bytes"
	"context"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"regexp"
	"strconv"

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
	ID   string `json:"id" doc:"Freshdesk's ID of the ticket."`
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

// note is what is said in a ticket (https://developers.freshdesk.com/api/#conversations).
type note struct {
	Body     string `json:"body"`
	Private  *bool  `json:"private,omitempty"`
	Incoming bool   `json:"incoming,omitempty"`
	User     id     `json:"user_id,omitempty"`
}

// comment says something. What the customer says is a public note that comes in from
// them, and it opens a ticket that waits for them or is done, as their e-mail would.
// The ticket is opened first: a comment is made once, and is the last thing done.
func (c *connection) comment(ctx context.Context, _ sdk.Call, in CommentInput) (role.ID, error) {
	n := note{Body: asHTML(in.Text), Private: &in.Private}
	if !in.Private {
		t, err := c.fetch(ctx, id(in.ID))
		if err != nil {
			return role.ID{}, notDone(err)
		}
		if statusOf(t.Status) != role.TicketOpen {
			if err := c.call(ctx, http.MethodPut, ticketPath(t.ID), ticket{Status: statusOpen}, &ticket{}); err != nil {
				return role.ID{}, notDone(err)
			}
		}
		n.Body, n.Incoming, n.User = asHTML(mark+in.Text), true, t.Requester
	}
	return c.say(ctx, ticketPath(id(in.ID))+"/notes", n, in.File)
}

// notDone marks the failure of what comes before a comment: repeating that is harmless,
// and nothing was said yet.
func notDone(err error) error {
	e := sdk.AsError(err)
	if e.Class == sdk.Unavailable {
		e.Wrote = false
	}
	return e
}

func (c *connection) reply(ctx context.Context, _ sdk.Call, in ReplyInput) (role.ID, error) {
	return c.say(ctx, ticketPath(id(in.ID))+"/reply", note{Body: asHTML(mark + in.Text)}, in.File)
}

func (c *connection) say(ctx context.Context, path string, n note, file *File) (role.ID, error) {
	var body any = n
	if file != nil {
		f, err := n.with(file)
		if err != nil {
			return role.ID{}, err
		}
		body = f
	}
	var said struct {
		ID id `json:"id"`
	}
	if err := c.call(ctx, http.MethodPost, path, body, &said); err != nil {
		return role.ID{}, err
	}
	if said.ID == "" {
		return role.ID{}, unreadable()
	}
	return role.ID{ID: string(said.ID)}, nil
}

// form is a body of multipart/form-data, which files travel in.
type form struct {
	contentType string
	body        []byte
}

// with is the note as a form that carries the file.
func (n note) with(file *File) (*form, error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	fields := [][2]string{{"body", n.Body}}
	if n.Private != nil {
		fields = append(fields, [2]string{"private", strconv.FormatBool(*n.Private)})
	}
	if n.Incoming {
		fields = append(fields, [2]string{"incoming", "true"})
	}
	if n.User != "" {
		fields = append(fields, [2]string{"user_id", string(n.User)})
	}
	for _, f := range fields {
		_ = w.WriteField(f[0], f[1]) // into memory
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {mime.FormatMediaType("form-data", map[string]string{"name": "attachments[]", "filename": file.Name})},
		"Content-Type":        {file.ContentType},
	})
	if err == nil {
		_, err = part.Write(file.Content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, sdk.Invalidf("the file cannot be written into a form")
	}
	return &form{contentType: w.FormDataContentType(), body: body.Bytes()}, nil
}
