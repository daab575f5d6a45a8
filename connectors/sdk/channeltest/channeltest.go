// Package channeltest is the conformance kit for channels: what a connector's
// [sdk.Channel] declares is sent and appears on the phone that its fake keeps,
// and what a customer does there arrives. Run it beside
// parley/connectors/sdk/connectortest, whose subjects, waivers and rigs it shares;
// its checks begin with "channel/".
package channeltest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/connectortest"
	"parley/connectors/sdk/fake"
)

// Run holds the subject to what its channel declares. A hosted channel sends
// nothing, so nothing of it is checked. A connector that is no channel is a failure.
func Run(t *testing.T, s connectortest.Subject) {
	t.Helper()
	require.NotNil(t, s.Connector.Channel, "%s is no channel", s.Connector.Name)
	waive := maps.Clone(s.Waive)
	maps.DeleteFunc(waive, func(name, _ string) bool { return !strings.HasPrefix(name, "channel/") })
	connectortest.RunChecks(t, waive, checks(s))
}

func checks(s connectortest.Subject) (list []connectortest.Check) {
	if s.Connector.Channel.Hosted || s.Fake.New == nil {
		return nil
	}
	ch := *s.Connector.Channel
	for _, c := range carried(ch) {
		list = append(list, connectortest.Check{Name: "channel/send/" + c.name, Run: func(p *connectortest.Probe) {
			talk := begin(p, s)
			arrives(p, c.content, talk.send(c.content))
		}})
	}
	for _, c := range tooLong(ch) {
		list = append(list, connectortest.Check{Name: "channel/above/" + c.name, Run: func(p *connectortest.Probe) { refused(p, s, c.content) }})
	}
	add := func(name string, run func(*connectortest.Probe, connectortest.Subject)) {
		list = append(list, connectortest.Check{Name: "channel/" + name, Run: func(p *connectortest.Probe) { run(p, s) }})
	}
	add("statuses", statuses)
	if ch.Echoes {
		add("echo", echoes)
	}
	if ch.Effect.Kind == sdk.Keyed {
		add("repeat", repeats)
	}
	if ch.ButtonsMax > 0 || ch.RowsMax > 0 {
		add("incoming/tap", taps)
	}
	add("incoming/text", texts)
	add("incoming/media", media)
	add("incoming/location", location)
	add("incoming/opt_out", optsOut)
	return list
}

// talk is a customer who has written, and so may be written to.
type talk struct {
	p   *connectortest.Probe
	rig *connectortest.Rig
	to  sdk.Address
}

func begin(p *connectortest.Probe, s connectortest.Subject) talk {
	r := s.Rig(p)
	hello := r.Incoming(fake.Utterance{Text: "hello"})
	require.NotEmpty(p, hello.From)
	return talk{p, r, hello.From[0]}
}

const key = "kit-channel-key"

func (t talk) try(c sdk.Content) (sdk.Receipt, error) {
	sender, ok := t.rig.Conn.(sdk.Sender)
	require.True(t.p, ok, "the connection is no sdk.Sender")
	return sender.Send(t.p.Context(), sdk.Outgoing{Key: key, To: t.to, Content: c})
}

// send returns what the phone shows of a message, which must not fail.
func (t talk) send(c sdk.Content) []fake.Shown {
	before := len(t.phone())
	receipt, err := t.try(c)
	require.NoError(t.p, err)
	require.NotEmpty(t.p, receipt.MessageID, "the receipt has no message ID")
	return t.phone()[before:]
}

func (t talk) phone() []fake.Shown {
	return t.rig.Handler.(fake.Messaging).Phone(connectortest.Customer)
}

// arrives: what was sent is on the phone, complete.
func arrives(p *connectortest.Probe, c sdk.Content, shown []fake.Shown) {
	require.NotEmpty(p, shown, "nothing appears on the customer's phone")
	last := shown[len(shown)-1]
	require.Equal(p, "business", last.From)
	require.NotEmpty(p, last.ID)
	require.Equal(p, c.Header, last.Header, "the header")
	require.Equal(p, c.Footer, last.Footer, "the footer")
	if c.Text != "" {
		require.Equal(p, c.Text, joined(shown), "the text")
	}
	for _, want := range c.Choices {
		require.True(p, slices.ContainsFunc(last.Choices, func(got sdk.Choice) bool { return got.Label == want.Label }),
			"a choice of %d is not shown", len(c.Choices))
	}
	require.Len(p, last.Choices, len(c.Choices), "the choices")
	if c.Link != nil {
		require.NotNil(p, last.Link, "the link is not shown")
		require.Equal(p, c.Link.URL, last.Link.URL)
	}
	if c.Media != nil {
		require.NotNil(p, last.Media, "the file is not shown")
		require.Equal(p, c.Media.Kind, last.Media.Kind)
	}
	if c.Location != nil {
		require.NotNil(p, last.Location, "the location is not shown")
		require.InDelta(p, c.Location.Latitude, last.Location.Latitude, 1e-6)
		require.InDelta(p, c.Location.Longitude, last.Location.Longitude, 1e-6)
	}
	if c.Template != nil {
		require.NotNil(p, last.Template, "the template is not shown")
		require.Equal(p, c.Template.Name, last.Template.Name)
	}
}

func joined(shown []fake.Shown) string {
	var out strings.Builder
	for _, m := range shown {
		out.WriteString(m.Text)
	}
	return out.String()
}

// refused: what is longer than declared is refused, or arrives whole in parts. It
// never arrives cut off.
func refused(p *connectortest.Probe, s connectortest.Subject, c sdk.Content) {
	t := begin(p, s)
	before := len(t.phone())
	if _, err := t.try(c); err != nil {
		e := sdk.AsError(err)
		require.Contains(p, []sdk.Class{sdk.Invalid, sdk.Rejected}, e.Class, "what is too long is refused as %s", e.Class)
		return
	}
	shown := t.phone()[before:]
	require.Greater(p, len(shown), 1, "what is longer than the channel declares is neither refused nor split")
	arrives(p, c, shown)
}
