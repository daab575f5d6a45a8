package flowcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"parley/api"
	"parley/cmd/parley/apiclient"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
	"parley/internal/transcript"
	"parley/workflows/flow"
)

// recording is one call of record.
type recording struct {
	client apiclient.Client
	list   []sdk.Connector
	file   string
	out    string
	name   string
}

func recordCommand(list []sdk.Connector) *cobra.Command {
	r := recording{list: list}
	cmd := &cobra.Command{
		Use: "record CONVERSATION --out NAME_test.yaml", Short: "Turn a real conversation into a transcript",
		Long: `Turns a real conversation, by its ID, into a transcript that passes against the
version of the flow that held it. What the customer said and how calls ended is taken
from the API; what the bot says is what that version answers.

Personal data is replaced, the same value by the same invented one everywhere: the
contact's name, names and addresses that were asked for, phone numbers and other
numbers of 8 digits and more, e-mail addresses, places and files. Amounts stay. Look
the file over before it goes where others see it: what a customer wrote freely may
tell more than a program finds. Codes that were sent to the customer are other ones
when it is played.

The flow is the document that --flow names, or else the live version, which is then
written beside the transcript. Of a conversation that several versions have held, the
last one's part is taken.

The key of the API is read from ` + apiclient.EnvKey + `; it needs the scopes
conversations:read, messages:read, contacts:read and flows:read. It is recorded that
the conversation was read.

Exit code 0: it was written, and passes. 1: it could not be. 2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := uuid.Parse(args[0])
			if err != nil {
				return exit.Misused("%q is not the ID of a conversation", args[0])
			}
			if !isTranscript(r.out) {
				return exit.Misused("--out must name a file that ends in _test.yaml")
			}
			if err := r.client.PrepareKey("messages:read"); err != nil {
				return err
			}
			return r.record(cmd.Context(), cmd.OutOrStdout(), id)
		},
	}
	f := cmd.Flags()
	r.client.Flags(f)
	f.StringVarP(&r.out, "out", "o", "", "file to write, named NAME_test.yaml (required)")
	f.StringVar(&r.file, "flow", "", "the flow's document; the live version where not said")
	f.StringVar(&r.name, "name", "A recorded conversation", "the transcript's name")
	return cmd
}

// record reads, plays, writes, and plays what was written.
func (r *recording) record(ctx context.Context, w io.Writer, id uuid.UUID) error {
	if _, err := os.Stat(r.out); err == nil {
		return exit.Misused("%s is there already", r.out)
	}
	var conv api.Conversation
	if err := r.client.Do(ctx, http.MethodGet, "/v1/conversations/"+id.String(), nil, &conv); err != nil {
		return err
	}
	heard, err := r.heard(ctx, id)
	if err != nil {
		return err
	}
	events, hash, err := lastPart(heard)
	if err != nil {
		return err
	}
	doc, program, err := r.document(ctx, conv, hash)
	if err != nil {
		return err
	}
	ch, err := channelOf(r.list, conv.Channel)
	if err != nil {
		return err
	}
	disguise := transcript.NewDisguise()
	set, err := r.setting(ctx, conv, disguise, events[0].At)
	if err != nil {
		return err
	}
	recorder := transcript.NewRecorder(transcript.NewRehearsal(doc, program, *ch, set))
	if err := transcript.Rebuild(recorder, events, disguise); err != nil {
		return err
	}
	return r.write(w, recorder, doc, program, *ch)
}

// heard reads all that the conversation has answered.
func (r *recording) heard(ctx context.Context, id uuid.UUID) (out []api.Heard, err error) {
	for after := ""; ; {
		var page api.Page[api.Heard]
		path := "/v1/conversations/" + id.String() + "/events?limit=200&after=" + url.QueryEscape(after)
		if err := r.client.Do(ctx, http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		if out = append(out, page.Items...); page.Next == "" {
			return out, nil
		}
		after = page.Next
	}
}

// lastPart takes what the last version of a flow has answered.
func lastPart(heard []api.Heard) (out []transcript.Happened, hash string, err error) {
	for i := len(heard) - 1; i >= 0 && hash == ""; i-- {
		hash = heard[i].FlowHash
	}
	if hash == "" {
		return nil, "", fmt.Errorf("no flow has answered anything in this conversation")
	}
	for _, h := range heard {
		if h.FlowHash != hash {
			out = nil
			continue
		}
		if h.Body == nil {
			return nil, "", fmt.Errorf("the conversation was erased: there is nothing left to record")
		}
		one := transcript.Happened{Turn: h.Turn, Event: flow.Event{Kind: flow.EventKind(h.Kind)}}
		if err := json.Unmarshal(h.Body, &one.Event); err != nil {
			return nil, "", fmt.Errorf("event %d is not readable: %w", h.Number, err)
		}
		one.Number, one.Kind, one.At = h.Number, flow.EventKind(h.Kind), h.At
		out = append(out, one)
	}
	return out, hash, nil
}

// setting is what the conversation began with, in disguise.
func (r *recording) setting(ctx context.Context, conv api.Conversation, d *transcript.Disguise, began time.Time) (transcript.Setting, error) {
	var contact api.Contact
	if err := r.client.Do(ctx, http.MethodGet, "/v1/contacts/"+conv.Contact.String(), nil, &contact); err != nil {
		return transcript.Setting{}, err
	}
	d.Name(contact.Name)
	facts := map[string]any{}
	if contact.Name != "" {
		facts["name"] = d.Text(contact.Name)
	}
	if contact.Language != "" {
		facts["language"] = contact.Language
	}
	return transcript.Setting{Channel: conv.Channel, Contact: facts, Now: began.UTC().Truncate(time.Second), Zone: time.UTC, Seed: r.name,
		Conversation: conv.ID.String(), Person: conv.Contact.String()}, nil
}

// document is the flow's: the one that was named, or the live one. It must be the
// version that held the conversation.
func (r *recording) document(ctx context.Context, conv api.Conversation, hash string) (*flow.Document, *flow.Program, error) {
	where, text := r.file, ""
	if r.file != "" {
		src, err := read(r.file)
		if err != nil {
			return nil, nil, err
		}
		text = src.text
	} else {
		var live api.Flow
		if err := r.client.Do(ctx, http.MethodGet, "/v1/flows/"+url.PathEscape(conv.Flow), nil, &live); err != nil {
			return nil, nil, err
		}
		text, where = live.Document, "the live version of "+conv.Flow
	}
	doc, _ := flow.Parse(where, []byte(text))
	program, err := flow.Compile(doc)
	if err != nil {
		return nil, nil, err
	}
	if program.Hash() != hash {
		return nil, nil, fmt.Errorf("%s is version %.12s, and the conversation was held by %.12s: name that document with --flow", where, program.Hash(), hash)
	}
	if r.file == "" {
		return doc, program, r.keep(text, hash)
	}
	return doc, program, nil
}

// keep writes the live version beside the transcript, unless it stands there.
func (r *recording) keep(text, hash string) error {
	ext := filepath.Ext(r.out)
	r.file = strings.TrimSuffix(strings.TrimSuffix(r.out, ext), "_test") + ext
	if raw, err := os.ReadFile(r.file); err == nil {
		doc, _ := flow.Parse(r.file, raw)
		if program, err := flow.Compile(doc); err != nil || program.Hash() != hash {
			return exit.Misused("%s is another version than the one that held the conversation; choose another --out", r.file)
		}
		return nil
	}
	return writeFile(r.file, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// write writes the transcript, which must pass.
func (r *recording) write(w io.Writer, recorder *transcript.Recorder, doc *flow.Document, program *flow.Program, ch sdk.Channel) error {
	to, err := relative(r.file, r.out)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := recorder.Write(&text, to, r.name); err != nil {
		return err
	}
	f, problems := transcript.Parse(r.out, text.Bytes())
	if len(problems) > 0 {
		return fmt.Errorf("what was recorded cannot be read: %v", problems[0])
	}
	one := f.Transcripts[0]
	if failure := transcript.Run(one, transcript.NewRehearsal(doc, program, ch, one.Setting)); failure != nil {
		return fmt.Errorf("what was recorded does not pass: %w", failure)
	}
	if err := writeFile(r.out, func(w io.Writer) error {
		_, err := w.Write(text.Bytes())
		return err
	}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "recorded in %s; look it over, then play it with: parley flow test %s\n", r.out, r.out)
	return err
}
