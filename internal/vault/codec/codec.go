// Package codec encrypts Temporal's payloads under the vault's keys: inputs,
// results, signals, updates, queries, summaries, details and memos of a workflow
// are sealed with the key of the contact and purpose that its ID names.
package codec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
	"parley/internal/vault"
)

// Encoding is the value of the payload metadata "encoding" that marks ours.
const Encoding = "binary/parley-sealed"

// Tombstone is what a payload whose key was destroyed decodes to.
const Tombstone = `{"erased":true}`

const place = "temporal.payload"

// WorkflowID names a workflow: {kind}/{workspace}/{contact or none}/{id}. All
// parts are opaque; the codec finds the key by it.
func WorkflowID(kind string, workspace, contact, id uuid.UUID) string {
	who := "none"
	if contact != uuid.Nil {
		who = contact.String()
	}
	return kind + "/" + workspace.String() + "/" + who + "/" + id.String()
}

// RefOf is the key that a workflow's payloads are sealed with. An ID of another
// form gets the installation's key.
func RefOf(workflowID string) vault.Ref {
	p := strings.Split(workflowID, "/")
	if len(p) != 4 {
		return vault.Ref{Purpose: vault.Workspace}
	}
	ws, err1 := uuid.Parse(p[1])
	id, err2 := uuid.Parse(p[3])
	if err1 != nil || err2 != nil {
		return vault.Ref{Purpose: vault.Workspace}
	}
	contact, err := uuid.Parse(p[2])
	switch {
	case err != nil:
		return vault.ForWorkspace(ws)
	case p[0] == "conversation":
		return vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.Conversation}
	default:
		return vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.CasePurpose(id)}
	}
}

// Codec is a Temporal payload codec over a vault. Use [ForWorker] in workers
// and [ForClient] everywhere else.
type Codec struct {
	vault *vault.Vault
	ref   vault.Ref
	panic bool
}

// ForWorker returns the codec of workers. A key that cannot be had just now
// panics, which fails the workflow task and has it retried: an error returned
// while a signal is decoded would make the SDK drop the signal.
func ForWorker(v *vault.Vault) *Codec {
	return &Codec{vault: v, ref: vault.Ref{Purpose: vault.Workspace}, panic: true}
}

// ForClient returns the codec of clients, whose callers see errors.
func ForClient(v *vault.Vault) *Codec {
	return &Codec{vault: v, ref: vault.Ref{Purpose: vault.Workspace}}
}

var _ converter.PayloadCodecWithSerializationContext = (*Codec)(nil)

// WithSerializationContext implements [converter.PayloadCodecWithSerializationContext].
func (c *Codec) WithSerializationContext(sc converter.SerializationContext) converter.PayloadCodec {
	var id string
	switch s := sc.(type) {
	case converter.WorkflowSerializationContext:
		id = s.WorkflowID
	case converter.ActivitySerializationContext:
		id = s.WorkflowID
	}
	if id == "" {
		return c
	}
	bound := *c
	bound.ref = RefOf(id)
	return &bound
}

// Encode implements [converter.PayloadCodec].
func (c *Codec) Encode(in []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(in))
	for i, p := range in {
		raw, err := proto.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("codec: %w", err)
		}
		sealed, err := c.vault.Seal(context.Background(), c.ref, place, raw)
		if err != nil {
			return nil, c.fail(err)
		}
		out[i] = &commonpb.Payload{
			Metadata: map[string][]byte{
				converter.MetadataEncoding: []byte(Encoding),
				"key-id":                   sealed[1:17],
			},
			Data: sealed,
		}
	}
	return out, nil
}

// Decode implements [converter.PayloadCodec]. Payloads that are not ours pass
// unchanged; those of a destroyed key read as [Tombstone].
func (c *Codec) Decode(in []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(in))
	for i, p := range in {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != Encoding {
			out[i] = p
			continue
		}
		raw, err := c.vault.Open(context.Background(), place, p.Data)
		if errors.Is(err, vault.ErrErased) {
			out[i] = tombstone()
			continue
		}
		if err != nil {
			return nil, c.fail(err)
		}
		out[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(raw, out[i]); err != nil {
			return nil, fmt.Errorf("codec: %w", err)
		}
	}
	return out, nil
}

func (c *Codec) fail(err error) error {
	err = fmt.Errorf("codec: %w", err)
	if c.panic && !errors.Is(err, vault.ErrTampered) {
		panic(err)
	}
	return err
}

func tombstone() *commonpb.Payload {
	return &commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)},
		Data:     []byte(Tombstone),
	}
}

// DataConverter is the SDK's default converter with every payload sealed.
func DataConverter(c *Codec) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)
}
