package channeltest

import (
	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/connectortest"
	"parley/connectors/sdk/fake"
)

// reported are the statuses that the fake has pushed of messages that we sent.
func (t talk) reported() (list []sdk.Status) {
	for _, d := range t.rig.Env.Deliveries() {
		for _, e := range t.rig.Events(d) {
			if e.Status != nil {
				list = append(list, *e.Status)
			}
		}
	}
	return list
}

// statuses: the fate of a message is reported by its ID.
func statuses(p *connectortest.Probe, s connectortest.Subject) {
	t := begin(p, s)
	receipt, err := t.try(sdk.Content{Text: "Your order is on its way."})
	require.NoError(p, err)
	for _, status := range t.reported() {
		if status.MessageID == receipt.MessageID {
			return
		}
	}
	require.Fail(p, "no webhook tells what became of a message that was sent")
}

// echoes: every status carries the key of its send, so that one whose answer was
// lost is settled.
func echoes(p *connectortest.Probe, s connectortest.Subject) {
	t := begin(p, s)
	t.rig.CutAfterWrite("send")
	_, err := t.try(sdk.Content{Text: "Your order is on its way."})
	require.Error(p, err, "the answer was lost, and the send says that all is well")
	e := sdk.AsError(err)
	require.True(p, e.Class == sdk.Uncertain || e.Wrote, "the answer was lost after the provider had acted: Wrote must be true")
	list := t.reported()
	require.NotEmpty(p, list, "nothing is reported of a send whose answer was lost")
	for _, status := range list {
		require.Equal(p, key, status.EffectKey, "a status does not carry the key of its send")
	}
}

// repeats: a channel that takes our key shows a message once.
func repeats(p *connectortest.Probe, s connectortest.Subject) {
	t := begin(p, s)
	content := sdk.Content{Text: "Your order is on its way."}
	shown := t.send(content)
	before := len(t.phone())
	_, err := t.try(content)
	require.NoError(p, err)
	require.Len(p, t.phone(), before, "one key twice is shown twice")
	require.NotEmpty(p, shown)
}

// taps: a tap returns the choice's ID and its label, and quotes nothing else.
func taps(p *connectortest.Probe, s connectortest.Subject) {
	t := begin(p, s)
	t.send(sdk.Content{Text: "Shall we?", Choices: []sdk.Choice{{ID: "yes", Label: "Yes"}, {ID: "no", Label: "No"}}})
	m := t.rig.Incoming(fake.Utterance{Tap: "no"})
	require.Equal(p, "no", m.Tap, "the tap's ID")
	require.Equal(p, "No", m.Text, "the tap's label")
}

// texts: what is written arrives as it was, whatever script it is in, with the
// same sender every time and an ID to quote it by.
func texts(p *connectortest.Probe, s connectortest.Subject) {
	t := begin(p, s)
	for _, written := range []string{"Hello", "Grüß Gott! 👋🏽", "שלום", "नमस्ते", "two\nlines", "<b>&amp;</b> *not* _marks_"} {
		m := t.rig.Incoming(fake.Utterance{Text: written})
		require.Equal(p, written, m.Text)
		require.Equal(p, t.to, m.From[0], "the sender's address differs from message to message")
		require.NotEmpty(p, m.ID, "the message has no ID")
		require.Empty(p, m.Tap)
	}
}

func media(p *connectortest.Probe, s connectortest.Subject) {
	m := begin(p, s).rig.Incoming(fake.Utterance{File: &sdk.Media{Kind: "image", MIME: "image/png", Caption: "my receipt"}})
	require.NotNil(p, m.Media, "a picture arrives without its file")
	require.Equal(p, "image", m.Media.Kind)
	require.NotEmpty(p, m.Media.ID+m.Media.URL, "the picture cannot be fetched: it has neither ID nor address")
}

func location(p *connectortest.Probe, s connectortest.Subject) {
	m := begin(p, s).rig.Incoming(fake.Utterance{Location: &sdk.Location{Latitude: 48.137154, Longitude: 11.576124}})
	require.NotNil(p, m.Location, "a location arrives without its place")
	require.InDelta(p, 48.137154, m.Location.Latitude, 1e-6)
	require.InDelta(p, 11.576124, m.Location.Longitude, 1e-6)
}

// optsOut: the word that ends consent reaches the engine as any other does.
func optsOut(p *connectortest.Probe, s connectortest.Subject) {
	t := begin(p, s)
	for _, word := range []string{"STOP", "Unsubscribe", "START"} {
		require.Equal(p, word, t.rig.Incoming(fake.Utterance{Text: word}).Text)
	}
}
