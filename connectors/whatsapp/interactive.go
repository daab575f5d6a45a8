package whatsapp

import (
	"cmp"
	"fmt"

	"parley/connectors/sdk"
)

// interactive is a message with buttons, a list or a link (schema
// InteractiveObject; type cta_url: Meta, "Interactive Call-to-Action URL Button
// Messages", which that document lacks).
type interactive struct {
	Type   string     `json:"type"`
	Header *header    `json:"header,omitempty"`
	Body   textOnly   `json:"body"`
	Footer *textOnly  `json:"footer,omitempty"`
	Action actionPart `json:"action"`
}

type textOnly struct {
	Text string `json:"text"`
}

type header struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type actionPart struct {
	Buttons    []button       `json:"buttons,omitempty"`
	Button     string         `json:"button,omitempty"`
	Sections   []section      `json:"sections,omitempty"`
	Name       string         `json:"name,omitempty"`
	Parameters *linkParameter `json:"parameters,omitempty"`
}

type button struct {
	Type  string `json:"type"`
	Reply reply  `json:"reply"`
}

type reply struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type section struct {
	Rows []row `json:"rows"`
}

type row struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}

type linkParameter struct {
	DisplayText string `json:"display_text"`
	URL         string `json:"url"`
}

func (m *message) fillInteractive(c sdk.Content) error {
	m.Type = "interactive"
	m.Interactive = &interactive{Body: textOnly{c.Text}}
	if c.Header != "" {
		m.Interactive.Header = &header{"text", c.Header}
	}
	if c.Footer != "" {
		m.Interactive.Footer = &textOnly{c.Footer}
	}
	err := cmp.Or(within("text", c.Text, channel.InteractiveTextMax),
		within("header", c.Header, channel.HeaderMax), within("footer", c.Footer, channel.FooterMax))
	switch {
	case err != nil:
		return err
	case c.Link != nil && len(c.Choices) > 0:
		return sdk.Invalidf("a message has either choices or a link")
	case c.Link != nil:
		return m.Interactive.link(*c.Link)
	case c.ListButton != "":
		return m.Interactive.list(c.ListButton, c.Choices)
	}
	return m.Interactive.buttons(c.Choices)
}

func (i *interactive) link(l sdk.Link) error {
	i.Type = "cta_url"
	i.Action = actionPart{Name: "cta_url", Parameters: &linkParameter{DisplayText: l.Label, URL: l.URL}}
	if l.Label == "" || !isWeb(l.URL) {
		return sdk.Invalidf("link needs a label and an http or https url")
	}
	return within("link.label", l.Label, channel.LinkLabelMax)
}

func (i *interactive) buttons(choices []sdk.Choice) error {
	i.Type = "button"
	if len(choices) > channel.ButtonsMax {
		return sdk.Invalidf("%d choices are too many for buttons, and without a list_button they are no list", len(choices))
	}
	for n, c := range choices {
		if c.Description != "" {
			return sdk.Invalidf("choices[%d]: buttons have no description", n)
		}
		i.Action.Buttons = append(i.Action.Buttons, button{"reply", reply{c.ID, c.Label}})
	}
	return checkChoices(choices, channel.ButtonLabelMax)
}

func (i *interactive) list(label string, choices []sdk.Choice) error {
	i.Type = "list"
	if len(choices) > channel.RowsMax {
		return sdk.Invalidf("%d choices are too many for a list", len(choices))
	}
	var s section
	for n, c := range choices {
		if err := within(fmt.Sprintf("choices[%d].description", n), c.Description, channel.RowDescriptionMax); err != nil {
			return err
		}
		s.Rows = append(s.Rows, row{c.ID, c.Label, c.Description})
	}
	i.Action = actionPart{Button: label, Sections: []section{s}}
	if err := within("list_button", label, channel.ListButtonMax); err != nil {
		return err
	}
	return checkChoices(choices, channel.RowLabelMax)
}

// checkChoices holds what buttons and rows share: an ID and a label, both unique.
func checkChoices(choices []sdk.Choice, labelMax int) error {
	ids, labels := map[string]bool{}, map[string]bool{}
	for n, c := range choices {
		if c.ID == "" || c.Label == "" {
			return sdk.Invalidf("choices[%d]: id and label are needed", n)
		}
		if ids[c.ID] || labels[c.Label] {
			return sdk.Invalidf("choices[%d]: another choice has the same id or label", n)
		}
		ids[c.ID], labels[c.Label] = true, true
		if err := within(fmt.Sprintf("choices[%d].id", n), c.ID, channel.ChoiceIDMax); err != nil {
			return err
		}
		if err := within(fmt.Sprintf("choices[%d].label", n), c.Label, labelMax); err != nil {
			return err
		}
	}
	return nil
}
