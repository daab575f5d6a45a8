package channeltest_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/channeltest"
	"parley/connectors/sdk/connectortest"
	"parley/connectors/whatsapp"
	"parley/connectors/whatsapp/whatsappfake"
)

// whatsappConn is what a WhatsApp connection does as a channel.
type whatsappConn interface {
	sdk.Sender
	sdk.Receiver
}

// flawed is WhatsApp with one mistake.
type flawed struct {
	whatsappConn
	out func(*sdk.Outgoing)
	in  func(*sdk.Event)
}

func (f flawed) Send(ctx context.Context, o sdk.Outgoing) (sdk.Receipt, error) {
	if f.out != nil {
		f.out(&o)
	}
	return f.whatsappConn.Send(ctx, o)
}

func (f flawed) Parse(req sdk.WebhookRequest) ([]sdk.Event, error) {
	events, err := f.whatsappConn.Parse(req)
	for i := range events {
		if f.in != nil {
			f.in(&events[i])
		}
	}
	return events, err
}

func incoming(change func(*sdk.Incoming)) flawed {
	return flawed{in: func(e *sdk.Event) {
		if e.Message != nil {
			change(e.Message)
		}
	}}
}

// mistakes are flaws of channels, with the checks that must find each.
var mistakes = map[string]struct {
	flawed flawed
	by     []string
}{
	"none": {flawed{}, nil},
	"long_texts_are_cut_off": {flawed{out: func(o *sdk.Outgoing) { o.Content.Text = o.Content.Text[:min(len(o.Content.Text), 4096)] }},
		[]string{"channel/above/text"}},
	"footers_are_dropped": {flawed{out: func(o *sdk.Outgoing) { o.Content.Footer = "" }},
		[]string{"channel/send/footer", "channel/above/footer"}},
	"the_last_button_is_dropped": {flawed{out: func(o *sdk.Outgoing) { o.Content.Choices = o.Content.Choices[:min(len(o.Content.Choices), 2)] }},
		[]string{"channel/send/all_buttons", "channel/send/list", "channel/above/buttons", "channel/above/rows"}},
	"the_key_is_not_sent": {flawed{out: func(o *sdk.Outgoing) { o.Key = "" }}, []string{"channel/echo"}},
	"statuses_name_another": {flawed{in: func(e *sdk.Event) {
		if e.Status != nil {
			e.Status.MessageID = "another"
		}
	}}, []string{"channel/statuses"}},
	"taps_are_texts":       {incoming(func(m *sdk.Incoming) { m.Tap = "" }), []string{"channel/incoming/tap"}},
	"files_have_no_handle": {incoming(func(m *sdk.Incoming) { strip(m) }), []string{"channel/incoming/media"}},
	"texts_are_trimmed":    {incoming(func(m *sdk.Incoming) { m.Text = strings.ReplaceAll(m.Text, "\n", " ") }), []string{"channel/incoming/text"}},
	"places_are_rounded": {incoming(func(m *sdk.Incoming) {
		if m.Location != nil {
			m.Location.Latitude = float64(int(m.Location.Latitude))
		}
	}), []string{"channel/incoming/location"}},
	"stop_is_swallowed": {incoming(func(m *sdk.Incoming) { m.Text = strings.ReplaceAll(m.Text, "STOP", "") }), []string{"channel/incoming/opt_out"}},
}

func strip(m *sdk.Incoming) {
	if m.Media != nil {
		m.Media.ID, m.Media.URL = "", ""
	}
}

func subject(f flawed) connectortest.Subject {
	c := whatsapp.Connector
	open := c.Open
	c.Open = func(raw json.RawMessage, host sdk.Host) (any, error) {
		conn, err := open(raw, host)
		if err != nil {
			return nil, err
		}
		f.whatsappConn = conn.(whatsappConn)
		return f, nil
	}
	return connectortest.Subject{Connector: c, Fake: whatsappfake.Provider}
}

// TestSubject is what TestEachMistakeIsCaught runs in a process of its own.
func TestSubject(t *testing.T) {
	if m, ok := mistakes[os.Getenv("CHANNELTEST_MISTAKE")]; ok {
		channeltest.Run(t, subject(m.flawed))
	}
}

// TestEachMistakeIsCaught: a channel with one mistake fails the checks that are
// about it, and no other. One without any passes all.
func TestEachMistakeIsCaught(t *testing.T) {
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSubject$", "-test.v")
			cmd.Env = append(os.Environ(), "CHANNELTEST_MISTAKE="+name)
			out, err := cmd.CombinedOutput()
			require.Equal(t, m.by == nil, err == nil, "%s", out)
			require.Contains(t, string(out), "channel/send/text", "the kit ran")
			require.ElementsMatch(t, m.by, failed(string(out)))
		})
	}
}

// failed are the checks that a run of the kit reports as failed, as leaves.
func failed(out string) (names []string) {
	for line := range strings.Lines(out) {
		if _, name, ok := strings.Cut(line, "--- FAIL: TestSubject/"); ok {
			name, _, _ = strings.Cut(name, " ")
			if strings.HasPrefix(name, "channel/") {
				names = append(names, name)
			}
		}
	}
	return names
}
