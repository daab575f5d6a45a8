package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
	"parley/internal/bus"
	"parley/internal/contacts"
	"parley/internal/vault"
)

// relay gives what a person wrote at a provider, in a ticket or a chat, to the
// conversation that the ticket or chat came of. It is said to the customer as what
// a person says over the API is, in order with everything else. A flow that waits
// for it hears of it too, if it was the flow that asked for the ticket.
func (in *Intake) relay(ctx context.Context, ws uuid.UUID, o owner, once []byte, p *sdk.ProviderEvent, out *Outcome) error {
	var said role.Said
	if err := json.Unmarshal(p.Data, &said); err != nil {
		return sdk.Invalidf("the data of %s is not what a person said", p.Name)
	}
	all := contents(said)
	if len(all) == 0 {
		out.Ignored++
		return nil
	}
	ev := flowEvent{Kind: bus.KindAgent, Content: &all[0], More: all[1:], Agent: said.Agent}
	var conv contacts.Conversation
	var err error
	if o.isConversation() {
		ev.Kind, ev.Name, ev.Output = bus.KindProvider, p.Name, p.Data
		if ev.Ref, err = in.flowRef(ctx, o); err == nil {
			conv, err = o.conversation(ws)
		}
	} else {
		conv, err = in.conversationOfCase(ctx, ws, o)
	}
	if errors.Is(err, vault.ErrErased) || errors.Is(err, pgx.ErrNoRows) {
		out.Ignored++ // nobody is left to tell
		return nil
	}
	if err != nil {
		return err
	}
	return in.keep(ctx, conv, once, ev, out)
}

// conversationOfCase is the one through which the case that had an effect speaks.
func (in *Intake) conversationOfCase(ctx context.Context, ws uuid.UUID, o owner) (contacts.Conversation, error) {
	c := contacts.Conversation{Workspace: ws}
	if _, err := in.Vault.Open(ctx, placeRequest, o.request); err != nil {
		return c, err
	}
	err := in.DB.InWorkspace(ctx, ws, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT v.id, v.contact_id, v.workflow_id, v.connector FROM cases c
			JOIN conversations v ON v.workspace_id = c.workspace_id AND v.id = c.conversation_id
			WHERE c.workspace_id = $1 AND c.id = $2`, ws, o.subject).Scan(&c.ID, &c.Contact, &c.WorkflowID, &c.Channel)
	})
	if err != nil {
		return c, fmt.Errorf("conversation of a case: %w", err)
	}
	return c, nil
}

// contents are the messages that a person's words and files become: the words go
// with the first file. Channels that do not carry a kind of file get its address.
func contents(s role.Said) []sdk.Content {
	var out []sdk.Content
	if s.Text != "" {
		out = append(out, sdk.Content{Text: s.Text})
	}
	for i, file := range s.Files {
		m := media(file)
		if i == 0 && len(out) == 1 {
			out[0].Media = m
			continue
		}
		out = append(out, sdk.Content{Media: m})
	}
	return out
}

// kinds are the kinds of files that all channels with such a kind can show; every
// other file is a document.
var kinds = map[string]string{".jpg": "image", ".jpeg": "image", ".png": "image", ".mp4": "video",
	".mp3": "audio", ".m4a": "audio", ".aac": "audio", ".ogg": "audio"}

func media(address string) *sdk.Media {
	m := &sdk.Media{Kind: "document", URL: address}
	u, err := url.Parse(address)
	if err != nil {
		return m
	}
	if name := path.Base(u.Path); name != "." && name != "/" {
		m.Filename = name
	}
	if kind := kinds[strings.ToLower(path.Ext(u.Path))]; kind != "" {
		m.Kind = kind
	}
	return m
}
