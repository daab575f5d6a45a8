package livechat

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// keyProperty is the chat property that holds our key, in the namespace of the app.
const keyProperty = "parley_key"

// textMax is the largest text of a message, in bytes ("Data structures", Message).
const textMax = 16 << 10

// chat is a chat as the Agent Chat API gives it.
type chat struct {
	ID     string `json:"id"`
	Users  []user `json:"users"`
	Thread struct {
		Events []event `json:"events"`
	} `json:"thread"`
	Access struct {
		Groups []int `json:"group_ids"`
	} `json:"access"`
}

type user struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

func (c chat) customer() string {
	i := slices.IndexFunc(c.Users, func(u user) bool { return u.Type == "customer" })
	if i < 0 {
		return ""
	}
	return c.Users[i].ID
}

// event is one event of a chat, as it is sent and as it comes.
type event struct {
	ID         string `json:"id,omitempty"`
	CustomID   string `json:"custom_id,omitempty"`
	Type       string `json:"type"`
	Text       string `json:"text,omitempty"`
	URL        string `json:"url,omitempty"`
	AuthorID   string `json:"author_id,omitempty"`
	Visibility string `json:"visibility,omitempty"`
	// Elements of a rich message.
	Elements []struct {
		Title    string `json:"title"`
		Subtitle string `json:"subtitle"`
	} `json:"elements,omitempty"`
}

func (c *connection) getChat(ctx context.Context, id string) (out chat, err error) {
	return out, c.agent(ctx, "get_chat", map[string]string{"chat_id": id}, &out)
}

// StartInput is a chat that is to begin.
type StartInput struct{ role.Chat }

// Validate implements [sdk.Validator].
func (in StartInput) Validate() error {
	_, err := groups(in.Group)
	return err
}

// groups are the IDs of LiveChat's groups that a name stands for: numbers.
func groups(name string) ([]int, error) {
	if name == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(name)
	if err != nil || n < 0 {
		return nil, sdk.Invalidf("group must be the number of a group")
	}
	return []int{n}, nil
}

// startChat makes a customer and lets them begin a chat whose first message is the
// transcript. The chat has our key as a property, by which it is found again and
// which webhooks repeat. A customer of an attempt that failed has no chat, and
// nobody sees them.
func (c *connection) startChat(ctx context.Context, call sdk.Call, in StartInput) (role.ChatStarted, error) {
	who, err := c.issue(ctx, "")
	if err != nil {
		return role.ChatStarted{}, err
	}
	if profile := profileOf(in.Customer); len(profile) > 0 {
		if err := c.customer(ctx, who.token, "update_customer", profile, nil); err != nil {
			return role.ChatStarted{}, notYet(err)
		}
	}
	thread := map[string]any{}
	if text := transcript(in.Transcript); text != "" {
		thread["events"] = []event{{Type: "message", Text: text, CustomID: call.Key}}
	}
	body := map[string]any{"thread": thread, "properties": map[string]any{c.ClientID: map[string]string{keyProperty: call.Key}}}
	if ids, err := groups(in.Group); err != nil {
		return role.ChatStarted{}, err
	} else if ids != nil {
		body["access"] = map[string]any{"group_ids": ids}
	}
	var out struct {
		ID string `json:"chat_id"`
	}
	if err := c.customer(ctx, who.token, "start_chat", map[string]any{"chat": body, "active": true, "continuous": false}, &out); err != nil {
		return role.ChatStarted{}, err
	}
	c.customers.put(out.ID, who)
	return role.ChatStarted{ID: out.ID}, nil
}

// findChat looks for the chat that has our key as a property.
func (c *connection) findChat(ctx context.Context, call sdk.Call, _ StartInput) (role.ChatStarted, bool, error) {
	filter := map[string]any{"properties": map[string]any{c.ClientID: map[string]any{keyProperty: map[string]any{"values": []string{call.Key}}}}}
	var out struct {
		Chats []struct {
			ID string `json:"id"`
		} `json:"chats_summary"`
	}
	if err := c.agent(ctx, "list_chats", map[string]any{"filters": filter}, &out); err != nil || len(out.Chats) == 0 {
		return role.ChatStarted{}, false, err
	}
	return role.ChatStarted{ID: out.Chats[0].ID}, true, nil
}

// profileOf is what LiveChat shows of a customer. It takes no phone number from a
// customer, so that one is a field of the session.
func profileOf(p role.Person) map[string]any {
	out := map[string]any{}
	if p.Name != "" {
		out["name"] = p.Name
	}
	if p.Email != "" {
		out["email"] = p.Email
	}
	var fields []map[string]string
	for _, f := range [][2]string{{"phone", p.Phone}, {"company", p.Company}, {"language", p.Language}, {"external_id", p.ExternalID}} {
		if f[1] != "" {
			fields = append(fields, map[string]string{f[0]: f[1]})
		}
	}
	if fields != nil {
		out["session_fields"] = fields
	}
	return out
}

// transcript writes what was said so far as one text: the newest lines that fit.
func transcript(lines []role.Line) string {
	const head = "Before this chat:\n"
	size, from := len(head), len(lines)
	for from > 0 {
		size += len(lines[from-1].From) + len(": ") + len(lines[from-1].Text) + len("\n")
		if size > textMax {
			break
		}
		from--
	}
	if from == len(lines) {
		return ""
	}
	var b strings.Builder
	b.WriteString(head)
	for _, l := range lines[from:] {
		b.WriteString(l.From + ": " + l.Text + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// SayInput is what a customer says.
type SayInput struct{ role.ChatMessage }

// Validate implements [sdk.Validator].
func (in SayInput) Validate() error {
	switch text := in.line(); {
	case in.ID == "":
		return sdk.Invalidf("id must name a chat")
	case text == "":
		return sdk.Invalidf("text or file is needed")
	case len(text) > textMax || !utf8.ValidString(text):
		return sdk.Invalidf("text and file must be at most 16 KiB of UTF-8")
	}
	return nil
}

// line is the text of a message. LiveChat's file events take files of its own store
// only; elsewhere a file is an address in the text.
func (in SayInput) line() string {
	return strings.Trim(in.Text+"\n"+in.File, "\n")
}

func (c *connection) say(ctx context.Context, call sdk.Call, in SayInput) (role.ID, error) {
	var out struct {
		ID string `json:"event_id"`
	}
	err := c.asCustomerOf(ctx, in.ID, "send_event", map[string]any{"chat_id": in.ID,
		"event": event{Type: "message", Text: in.line(), CustomID: call.Key}}, &out)
	return role.ID{ID: out.ID}, err
}

// findLine looks for the message that has our key as its custom ID, in the chat's
// newest thread.
func (c *connection) findLine(ctx context.Context, call sdk.Call, in SayInput) (role.ID, bool, error) {
	got, err := c.getChat(ctx, in.ID)
	if err != nil {
		return role.ID{}, false, err
	}
	i := slices.IndexFunc(got.Thread.Events, func(e event) bool { return e.CustomID == call.Key })
	if i < 0 {
		return role.ID{}, false, nil
	}
	return role.ID{ID: got.Thread.Events[i].ID}, true, nil
}

func (c *connection) typing(ctx context.Context, _ sdk.Call, in role.ChatTyping) (struct{}, error) {
	preview := " "
	if in.Typing {
		preview = "…"
	}
	return struct{}{}, c.asCustomerOf(ctx, in.ID, "send_sneak_peek", map[string]string{"chat_id": in.ID, "sneak_peek_text": preview}, nil)
}

// TransferInput hands a chat to a group.
type TransferInput struct{ role.ChatTransfer }

// Validate implements [sdk.Validator].
func (in TransferInput) Validate() error {
	if ids, err := groups(in.Group); err != nil || ids == nil {
		return sdk.Invalidf("group must be the number of a group")
	}
	return nil
}

func (c *connection) transfer(ctx context.Context, _ sdk.Call, in TransferInput) (struct{}, error) {
	ids, err := groups(in.Group)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, c.agent(ctx, "transfer_chat", map[string]any{"id": in.ID, "target": map[string]any{"type": "group", "ids": ids},
		"ignore_agents_availability": true, "ignore_requester_presence": true}, nil)
}

// findTransfer tells whether the group has the chat already.
func (c *connection) findTransfer(ctx context.Context, _ sdk.Call, in TransferInput) (struct{}, bool, error) {
	ids, err := groups(in.Group)
	if err != nil {
		return struct{}{}, false, err
	}
	got, err := c.getChat(ctx, in.ID)
	return struct{}{}, err == nil && slices.Equal(got.Access.Groups, ids), err
}

func (c *connection) closeChat(ctx context.Context, _ sdk.Call, in role.ID) (struct{}, error) {
	err := c.agent(ctx, "deactivate_chat", map[string]any{"id": in.ID, "ignore_requester_presence": true}, nil)
	if isError(err, "chat_inactive") {
		err = nil
	}
	if err == nil {
		c.customers.forget(in.ID)
	}
	return struct{}{}, err
}

func (c *connection) available(ctx context.Context, _ sdk.Call, in role.Group) (role.Available, error) {
	body := map[string]any{}
	if ids, err := groups(in.Group); err != nil {
		return role.Available{}, err
	} else if ids != nil {
		body["filters"] = map[string]any{"group_ids": ids}
	}
	var agents []struct {
		Status string `json:"status"`
	}
	if err := c.agent(ctx, "list_routing_statuses", body, &agents); err != nil {
		return role.Available{}, err
	}
	for _, a := range agents {
		if a.Status == "accepting_chats" {
			return role.Available{Available: true}, nil
		}
	}
	return role.Available{}, nil
}
