// Package manifest describes a connector as data: its settings, operations with
// JSON Schemas and effects, triggers and the limits of a channel. The command
// line, the pages of documentation and the conformance kit read it, and two
// manifests of one connector can be compared for what would break its users.
package manifest

import (
	"encoding/json"
	"reflect"
	"time"

	"parley/connectors/sdk"
)

// Manifest is a connector's manifest as data, ready to be JSON. Durations are
// written as "24h0m0s".
type Manifest struct {
	Name       string          `json:"name"`
	Title      string          `json:"title"`
	Docs       string          `json:"docs,omitempty"`
	Config     json.RawMessage `json:"config"`
	Operations []Operation     `json:"operations"`
	Triggers   []Trigger       `json:"triggers"`
	Channel    *Channel        `json:"channel,omitempty"`
	// Understands tells that flows may name it among their engines.
	Understands bool   `json:"understands,omitempty"`
	Limits      Limits `json:"limits"`
	OAuth       bool   `json:"oauth,omitempty"`
	// PollEvery is how often connections that can be polled are.
	PollEvery string `json:"poll_every,omitempty"`
}

// Limits is how fast one connection may call; see [sdk.Limits].
type Limits struct {
	PerSecond  float64 `json:"per_second,omitempty"`
	Burst      int     `json:"burst,omitempty"`
	Concurrent int     `json:"concurrent,omitempty"`
}

// Operation is one operation; Input and Output are JSON Schemas.
type Operation struct {
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Effect  Effect            `json:"effect"`
	Input   json.RawMessage   `json:"input"`
	Output  json.RawMessage   `json:"output"`
	Samples []json.RawMessage `json:"samples,omitempty"`
}

// Effect says what a repeat does.
type Effect struct {
	Kind        sdk.EffectKind `json:"kind"`
	KeyLifetime string         `json:"key_lifetime,omitempty"`
	Settle      string         `json:"settle,omitempty"`
}

// Trigger is one kind of event; Payload is a JSON Schema.
type Trigger struct {
	Name    string          `json:"name"`
	Summary string          `json:"summary"`
	Source  []string        `json:"source"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Channel is what a channel can carry; see [sdk.Channel].
type Channel struct {
	Hosted             bool             `json:"hosted"`
	Effect             Effect           `json:"effect"`
	Echoes             bool             `json:"echoes"`
	SettleAfter        string           `json:"settle_after,omitempty"`
	Window             string           `json:"window,omitempty"`
	Templates          bool             `json:"templates"`
	TextMax            int              `json:"text_max"`
	HeaderMax          int              `json:"header_max"`
	FooterMax          int              `json:"footer_max"`
	InteractiveTextMax int              `json:"interactive_text_max"`
	ButtonsMax         int              `json:"buttons_max"`
	ButtonLabelMax     int              `json:"button_label_max"`
	RowsMax            int              `json:"rows_max"`
	RowLabelMax        int              `json:"row_label_max"`
	RowDescriptionMax  int              `json:"row_description_max"`
	ListButtonMax      int              `json:"list_button_max"`
	ChoiceIDMax        int              `json:"choice_id_max"`
	LinkButton         bool             `json:"link_button"`
	LinkLabelMax       int              `json:"link_label_max"`
	Media              map[string]int64 `json:"media"`
	CaptionMax         int              `json:"caption_max"`
	Location           bool             `json:"location"`
	CardsMax           int              `json:"cards_max"`
	CardTitleMax       int              `json:"card_title_max"`
	CardSubtitleMax    int              `json:"card_subtitle_max"`
	CardChoicesMax     int              `json:"card_choices_max"`
	Contact            bool             `json:"contact"`
	OptOutWords        bool             `json:"opt_out_words"`
	SegmentsMax        int              `json:"segments_max,omitempty"`
	AgentWindow        string           `json:"agent_window,omitempty"`
	MediaURLOnly       bool             `json:"media_url_only,omitempty"`
	PerSecond          int              `json:"per_second"`
	RecipientEvery     string           `json:"recipient_every,omitempty"`
	RecipientBurst     int              `json:"recipient_burst"`
}

// Of describes a connector.
func Of(c sdk.Connector) Manifest {
	d := Manifest{Name: c.Name, Title: c.Title, Docs: c.Docs, Config: ConfigSchema(c),
		Operations: []Operation{}, Triggers: []Trigger{},
		Limits: Limits{PerSecond: c.Limits.PerSecond, Burst: c.Limits.Burst, Concurrent: c.Limits.Concurrent}, OAuth: c.OAuth != nil, PollEvery: duration(c.PollEvery)}
	for _, o := range c.Operations {
		d.Operations = append(d.Operations, Operation{Name: o.Name, Summary: o.Summary,
			Effect: describeEffect(o.Effect), Input: InputSchema(o), Output: OutputSchema(o), Samples: o.Samples})
	}
	for _, t := range c.Triggers {
		td := Trigger{Name: t.Name, Summary: t.Summary, Source: t.Source}
		if t.Payload != nil {
			td.Payload = Schema(reflect.TypeOf(t.Payload))
		}
		d.Triggers = append(d.Triggers, td)
	}
	d.Understands = c.Understands
	if c.Channel != nil {
		d.Channel = describeChannel(c.Channel)
	}
	return d
}

func describeEffect(e sdk.Effect) Effect {
	return Effect{Kind: e.Kind, KeyLifetime: duration(e.KeyLifetime), Settle: duration(e.Settle)}
}

func describeChannel(c *sdk.Channel) *Channel {
	return &Channel{
		Hosted: c.Hosted, Effect: describeEffect(c.Effect), Echoes: c.Echoes, SettleAfter: duration(c.SettleAfter),
		Window: duration(c.Window), Templates: c.Templates,
		TextMax: c.TextMax, HeaderMax: c.HeaderMax, FooterMax: c.FooterMax, InteractiveTextMax: c.InteractiveTextMax,
		ButtonsMax: c.ButtonsMax, ButtonLabelMax: c.ButtonLabelMax,
		RowsMax: c.RowsMax, RowLabelMax: c.RowLabelMax, RowDescriptionMax: c.RowDescriptionMax, ListButtonMax: c.ListButtonMax,
		ChoiceIDMax: c.ChoiceIDMax, LinkButton: c.LinkButton, LinkLabelMax: c.LinkLabelMax,
		Media: c.Media, CaptionMax: c.CaptionMax, Location: c.Location,
		CardsMax: c.CardsMax, CardTitleMax: c.CardTitleMax, CardSubtitleMax: c.CardSubtitleMax, CardChoicesMax: c.CardChoicesMax,
		Contact: c.Contact, OptOutWords: c.OptOutWords, SegmentsMax: c.SegmentsMax, AgentWindow: duration(c.AgentWindow), MediaURLOnly: c.MediaURLOnly,
		PerSecond: c.PerSecond, RecipientEvery: duration(c.RecipientEvery), RecipientBurst: c.RecipientBurst,
	}
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
