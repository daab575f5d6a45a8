package codec_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"gocloud.dev/secrets/localsecrets"
	"parley/internal/vault"
	"parley/internal/vault/codec"
)

func TestPayloadsAreSealedWithTheKeyThatTheWorkflowIDNames(t *testing.T) {
	v := vault.New(localsecrets.NewKeeper([32]byte{1}), vault.NewMemoryKeyring())
	ws, contact := uuid.New(), uuid.New()
	conv := codec.WorkflowID("conversation", ws, contact, uuid.New())
	order := codec.WorkflowID("order", ws, contact, uuid.New())
	dc := codec.DataConverter(codec.ForClient(v))

	seal := func(id string) *commonpb.Payload {
		bound := converter.WithDataConverterSerializationContext(dc, converter.WorkflowSerializationContext{WorkflowID: id})
		p, err := bound.ToPayload("Asha's secret")
		require.NoError(t, err)
		require.False(t, bytes.Contains(p.Data, []byte("Asha")))
		return p
	}
	chat, file := seal(conv), seal(order)
	require.NotEqual(t, chat.Metadata["key-id"], file.Metadata["key-id"])

	_, err := v.Destroy(t.Context(), ws, contact, vault.Conversation)
	require.NoError(t, err)

	var s string
	require.NoError(t, dc.FromPayload(file, &s)) // needs no context to decode
	require.Equal(t, "Asha's secret", s)
	var gone struct{ Erased bool }
	require.NoError(t, dc.FromPayload(chat, &gone))
	require.True(t, gone.Erased)
}

func TestRefOf(t *testing.T) {
	ws, contact, id := uuid.New(), uuid.New(), uuid.New()
	require.Equal(t, vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.Conversation}, codec.RefOf(codec.WorkflowID("conversation", ws, contact, id)))
	require.Equal(t, vault.Ref{Workspace: ws, Contact: contact, Purpose: vault.CasePurpose(id)}, codec.RefOf(codec.WorkflowID("order", ws, contact, id)))
	require.Equal(t, vault.ForWorkspace(ws), codec.RefOf(codec.WorkflowID("sweep", ws, uuid.Nil, id)))
	for _, odd := range []string{"", "x", "a/b/c/d", "temporal-sys-scanner"} {
		require.Equal(t, vault.Ref{Purpose: vault.Workspace}, codec.RefOf(odd), odd)
	}
}

type brokenRing struct{ vault.Keyring }

func (brokenRing) ByID(context.Context, uuid.UUID) (vault.StoredKey, error) {
	return vault.StoredKey{}, errors.New("down")
}

func TestATransientFailurePanicsInWorkersAndIsAnErrorInClients(t *testing.T) {
	ring := vault.NewMemoryKeyring()
	kek := localsecrets.NewKeeper([32]byte{1})
	p, err := codec.DataConverter(codec.ForClient(vault.New(kek, ring))).ToPayload("x")
	require.NoError(t, err)

	down := vault.New(kek, brokenRing{ring})
	require.Panics(t, func() { codec.ForWorker(down).Decode([]*commonpb.Payload{p}) })
	_, err = codec.ForClient(down).Decode([]*commonpb.Payload{p})
	require.Error(t, err)
}

func TestForeignPayloadsPassUnchanged(t *testing.T) {
	p, err := converter.GetDefaultDataConverter().ToPayload("plain")
	require.NoError(t, err)
	out, err := codec.ForClient(nil).Decode([]*commonpb.Payload{p})
	require.NoError(t, err)
	require.Same(t, p, out[0])
}
