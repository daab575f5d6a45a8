package channeltest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/connectors/sdk"
)

// named is a content with the name of what it tries.
type named struct {
	name    string
	content sdk.Content
}

// carried is one content for each thing that the channel declares, as long as it
// allows.
func carried(ch sdk.Channel) (list []named) {
	add := func(name string, c sdk.Content) { list = append(list, named{name, c}) }
	add("text", sdk.Content{Text: "Your order is on its way."})
	if ch.TextMax > 0 {
		add("text_of_most_length", sdk.Content{Text: text(ch.TextMax)})
	}
	if ch.ButtonsMax > 0 {
		add("one_button", sdk.Content{Text: "Shall we?", Choices: choices(1, 3, 0)})
		add("all_buttons", sdk.Content{Text: text(or(ch.InteractiveTextMax, 100)), Choices: choices(ch.ButtonsMax, or(ch.ButtonLabelMax, 20), 0)})
	}
	if ch.RowsMax > 0 {
		add("list", sdk.Content{Text: "What would you like?", ListButton: label(or(ch.ListButtonMax, 20)),
			Choices: choices(ch.RowsMax, or(ch.RowLabelMax, 24), max(ch.RowDescriptionMax, 0))})
	}
	if ch.ButtonsMax > 0 && ch.HeaderMax > 0 {
		add("header", sdk.Content{Header: text(ch.HeaderMax), Text: "Shall we?", Choices: choices(1, 3, 0)})
	}
	if ch.ButtonsMax > 0 && ch.FooterMax > 0 {
		add("footer", sdk.Content{Text: "Shall we?", Footer: text(ch.FooterMax), Choices: choices(1, 3, 0)})
	}
	if ch.LinkButton {
		add("link", sdk.Content{Text: "Please pay here.", Link: &sdk.Link{URL: "https://pay.example/1", Label: label(or(ch.LinkLabelMax, 20))}})
	}
	for _, kind := range slices.Sorted(maps.Keys(ch.Media)) {
		add("media_"+kind, sdk.Content{Media: &sdk.Media{Kind: kind, URL: "https://files.example/1", MIME: mimes[kind]}})
	}
	if ch.Location {
		add("location", sdk.Content{Location: &sdk.Location{Latitude: 48.137154, Longitude: 11.576124}})
	}
	if ch.Templates {
		add("template", sdk.Content{Template: &sdk.Template{Name: "order_update", Language: "en", Params: []string{"1042"}}})
	}
	if ch.Contact {
		add("contact", sdk.Content{Contact: &sdk.ContactCard{Name: "Ann Example", Phones: []string{"15550002222"}}})
	}
	if ch.CardsMax > 0 {
		add("cards", sdk.Content{Cards: cards(ch)})
	}
	return list
}

var mimes = map[string]string{"image": "image/png", "video": "video/mp4", "audio": "audio/ogg", "document": "application/pdf", "sticker": "image/webp"}

// tooLong is what is one above each of the declared limits.
func tooLong(ch sdk.Channel) (list []named) {
	add := func(name string, limit int, c func(n int) sdk.Content) {
		if limit > 0 {
			list = append(list, named{name, c(limit + 1)})
		}
	}
	add("text", ch.TextMax, func(n int) sdk.Content { return sdk.Content{Text: text(n)} })
	if ch.LinkButton {
		add("link_label", ch.LinkLabelMax, func(n int) sdk.Content {
			return sdk.Content{Text: "Please pay here.", Link: &sdk.Link{URL: "https://pay.example/1", Label: label(n)}}
		})
	}
	if ch.ButtonsMax == 0 {
		return list
	}
	add("interactive_text", ch.InteractiveTextMax, func(n int) sdk.Content { return sdk.Content{Text: text(n), Choices: choices(1, 3, 0)} })
	add("buttons", ch.ButtonsMax, func(n int) sdk.Content { return sdk.Content{Text: "Shall we?", Choices: choices(n, 3, 0)} })
	add("button_label", ch.ButtonLabelMax, func(n int) sdk.Content { return sdk.Content{Text: "Shall we?", Choices: choices(1, n, 0)} })
	add("choice_id", ch.ChoiceIDMax, func(n int) sdk.Content {
		return sdk.Content{Text: "Shall we?", Choices: []sdk.Choice{{ID: text(n), Label: "Yes"}}}
	})
	add("header", ch.HeaderMax, func(n int) sdk.Content {
		return sdk.Content{Header: text(n), Text: "Shall we?", Choices: choices(1, 3, 0)}
	})
	add("footer", ch.FooterMax, func(n int) sdk.Content {
		return sdk.Content{Footer: text(n), Text: "Shall we?", Choices: choices(1, 3, 0)}
	})
	if ch.RowsMax == 0 {
		return list
	}
	add("rows", ch.RowsMax, func(n int) sdk.Content {
		return sdk.Content{Text: "Which?", ListButton: "Show", Choices: choices(n, 3, 0)}
	})
	add("row_label", ch.RowLabelMax, func(n int) sdk.Content {
		return sdk.Content{Text: "Which?", ListButton: "Show", Choices: choices(2, n, 0)}
	})
	add("row_description", ch.RowDescriptionMax, func(n int) sdk.Content {
		return sdk.Content{Text: "Which?", ListButton: "Show", Choices: choices(2, 3, n)}
	})
	return list
}

// text has n characters, none of which means anything to a channel.
func text(n int) string { return strings.Repeat("abcdefghi ", n/10+1)[:n-1] + "." }

func label(n int) string { return strings.Repeat("l", n) }

// choices are n different ones, with labels and descriptions of these lengths.
func choices(n, labels, descriptions int) (list []sdk.Choice) {
	for i := range n {
		number := fmt.Sprint(i)
		list = append(list, sdk.Choice{ID: "choice_" + number, Label: number + label(max(labels-len(number), 0)), Description: label(descriptions)})
	}
	return list
}

func cards(ch sdk.Channel) (list []sdk.Card) {
	for i := range min(ch.CardsMax, 3) {
		card := sdk.Card{Title: fmt.Sprint("Card ", i), Subtitle: "Fresh", ImageURL: "https://files.example/1"}
		if ch.CardChoicesMax > 0 {
			card.Choices = []sdk.Choice{{ID: fmt.Sprint("card_", i), Label: "Choose"}}
		}
		list = append(list, card)
	}
	return list
}

func or(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}
