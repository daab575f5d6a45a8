package planner

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"parley/connectors/sdk"
)

func tidyCards(cards []sdk.Card) []sdk.Card {
	out := make([]sdk.Card, len(cards))
	for i, c := range cards {
		out[i] = sdk.Card{Title: oneLine(c.Title), Subtitle: oneLine(c.Subtitle), ImageURL: strings.TrimSpace(c.ImageURL),
			Choices: tidyChoices(c.Choices), Link: tidyLink(c.Link)}
	}
	return out
}

// planCards shows cards side by side where the channel can do that with every one
// of them, in as many messages as it takes. Elsewhere their choices become choices
// of the message, and the rest of them text.
func (d *draft) planCards() {
	if len(d.c.Cards) == 0 {
		return
	}
	why := d.againstCards()
	if why == "" {
		d.nativeCards()
		return
	}
	d.note("cards", sdk.Degraded, "%s: they become choices and text", why)
	bare := len(d.body) == 0 && d.c.Header+d.c.Footer == "" && !d.ch.Hosted // choices need a text above them
	var rows []sdk.Choice
	for i, c := range d.c.Cards {
		if c.ImageURL != "" {
			d.note(fmt.Sprintf("cards[%d].image_url", i), sdk.Dropped, "a card that becomes a choice or text has no picture")
		}
		rows = append(rows, cardRows(c)...)
		if bare || len(c.Choices) == 0 || c.Link != nil {
			d.say(cardText(c))
		}
	}
	d.c.Choices = append(rows, d.c.Choices...)
}

// againstCards says what stands against cards on this channel; "" if nothing does.
func (d *draft) againstCards() string {
	ch := d.ch
	if ch.CardsMax == 0 {
		return "the channel has no cards"
	}
	for _, c := range d.c.Cards {
		buttons := len(c.Choices)
		if c.Link != nil {
			buttons++
		}
		switch {
		case c.Subtitle == "" && c.ImageURL == "" && buttons == 0:
			return "a card has nothing but a title" // Messenger refuses these: "Generic template", element
		case buttons > ch.CardChoicesMax:
			return fmt.Sprintf("a card has more than %d buttons", ch.CardChoicesMax)
		case !idsFit(c.Choices, ch.ChoiceIDMax):
			return "a choice's id is longer than the channel carries"
		case hasDescriptions(c.Choices):
			return "buttons of cards have no descriptions"
		case !labelsFit(c.Choices, ch.ButtonLabelMax):
			return "a button's label is too long or there twice"
		case c.Link != nil && (!ch.LinkButton || !isWeb(c.Link.URL) || !fits(linkLabel(*c.Link), ch.LinkLabelMax)):
			return "a card's link cannot be a button"
		case !fits(c.Title, ch.CardTitleMax) || !fits(c.Subtitle, ch.CardSubtitleMax):
			return "a card's title or subtitle is too long"
		}
	}
	return ""
}

func (d *draft) nativeCards() {
	cards := slices.Clone(d.c.Cards)
	for i, c := range cards {
		if c.Link != nil {
			cards[i].Link = &sdk.Link{URL: c.Link.URL, Label: linkLabel(*c.Link)}
		}
	}
	d.cards = slices.Collect(slices.Chunk(cards, d.ch.CardsMax))
	if len(d.cards) > 1 {
		d.note("cards", sdk.Degraded, "more than %d: they become %d messages", d.ch.CardsMax, len(d.cards))
	}
}

// cardRows makes choices of a card's: the card is what is chosen, so its title
// leads where it has one choice, and stands before the label where it has several.
func cardRows(c sdk.Card) []sdk.Choice {
	var out []sdk.Choice
	for _, x := range c.Choices {
		row := sdk.Choice{ID: x.ID, Label: c.Title, Description: joinNonEmpty(" – ", x.Label, x.Description, c.Subtitle)}
		if len(c.Choices) > 1 {
			row.Label, row.Description = c.Title+": "+x.Label, joinNonEmpty(" – ", x.Description, c.Subtitle)
		}
		out = append(out, row)
	}
	return out
}

func cardText(c sdk.Card) string {
	text := joinNonEmpty("\n", emphasis(c.Title), c.Subtitle)
	if c.Link != nil {
		text = joinNonEmpty("\n", text, joinNonEmpty(": ", c.Link.Label, c.Link.URL))
	}
	return text
}

// linkLabel is a button's: the author's, else the address's host.
func linkLabel(l sdk.Link) string {
	if u, err := url.Parse(l.URL); l.Label == "" && err == nil {
		return u.Host
	}
	return l.Label
}
