package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"parley/connectors/sdk"
)

var atoms = []string{"a", "word", "Hello", ". ", "! ", " ", "\n", "\n\n", "*", "_", "é", "e\u0301", "👍", "👨‍👩‍👧", "🇮🇳", "今天", "नमस्ते",
	"https://example.com/a/b?c=d", "-", "…", "\u200d", "1", "ﷺ"}

func texts(max int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(atoms), 0, max).Draw(t, "atoms"), "")
	})
}

var limits = rapid.SampledFrom([]int{0, 0, 1, 2, 3, 5, 8, 20, 60, 200, -1})

func channels() *rapid.Generator[sdk.Channel] {
	count := rapid.IntRange(0, 6)
	size := rapid.SampledFrom([]int{0, 1, 2, 5, 20, 60, 200})
	return rapid.Custom(func(t *rapid.T) sdk.Channel {
		ch := sdk.Channel{
			Hosted: rapid.Bool().Draw(t, "hosted"), TextMax: size.Draw(t, "text"), InteractiveTextMax: size.Draw(t, "interactive"),
			HeaderMax: limits.Draw(t, "header"), FooterMax: limits.Draw(t, "footer"), CaptionMax: limits.Draw(t, "caption"),
			ButtonsMax: count.Draw(t, "buttons"), ButtonLabelMax: size.Draw(t, "button label"),
			RowsMax: count.Draw(t, "rows"), RowLabelMax: size.Draw(t, "row label"), RowDescriptionMax: limits.Draw(t, "description"),
			ListButtonMax: size.Draw(t, "list button"), ChoiceIDMax: size.Draw(t, "id"),
			LinkButton: rapid.Bool().Draw(t, "link"), LinkLabelMax: size.Draw(t, "link label"), Location: rapid.Bool().Draw(t, "location"),
			Media:    map[string]int64{},
			CardsMax: rapid.IntRange(0, 3).Draw(t, "cards"), CardTitleMax: size.Draw(t, "card title"), CardSubtitleMax: limits.Draw(t, "subtitle"),
			CardChoicesMax: rapid.IntRange(0, 3).Draw(t, "card choices"), Contact: rapid.Bool().Draw(t, "contact"), MediaURLOnly: rapid.Bool().Draw(t, "url only"),
			SegmentsMax: rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "segments"),
		}
		for _, k := range rapid.SliceOf(rapid.SampledFrom([]string{"image", "audio", "document"})).Draw(t, "media") {
			ch.Media[k] = 1 << 20
		}
		return ch
	})
}

func contents() *rapid.Generator[sdk.Content] {
	return rapid.Custom(func(t *rapid.T) sdk.Content {
		c := sdk.Content{Header: texts(8).Draw(t, "header"), Text: texts(60).Draw(t, "text"), Footer: texts(8).Draw(t, "footer"),
			ListButton: texts(5).Draw(t, "list button")}
		for i := range rapid.IntRange(0, 8).Draw(t, "choices") {
			c.Choices = append(c.Choices, sdk.Choice{ID: fmt.Sprintf("id%d", i),
				Label: "L" + texts(6).Draw(t, "label"), Description: texts(6).Draw(t, "description")})
		}
		c.Cards = rapid.SliceOfN(cards(), 0, 5).Draw(t, "cards")
		n := 0
		for i := range c.Cards {
			for k := range c.Cards[i].Choices {
				c.Cards[i].Choices[k].ID, n = fmt.Sprintf("card%d", n), n+1
			}
		}
		if rapid.Bool().Draw(t, "has contact") {
			c.Contact = &sdk.ContactCard{Name: "N" + texts(3).Draw(t, "name"), Emails: []string{"a@example.com"},
				Phones: rapid.SliceOfN(rapid.SampledFrom([]string{"911234", "+441234"}), 0, 2).Draw(t, "phones")}
		}
		if rapid.Bool().Draw(t, "has media") {
			c.Media = &sdk.Media{Kind: rapid.SampledFrom([]string{"image", "audio", "document", "video"}).Draw(t, "kind"),
				URL: rapid.SampledFrom([]string{"", "https://cdn.example/f"}).Draw(t, "media url"), ID: "1", Caption: texts(10).Draw(t, "caption")}
		}
		if rapid.Bool().Draw(t, "has link") {
			c.Link = &sdk.Link{URL: rapid.SampledFrom([]string{"https://pay.example/x", "tel:1"}).Draw(t, "url"), Label: texts(5).Draw(t, "link label")}
		}
		if rapid.Bool().Draw(t, "has location") {
			c.Location = &sdk.Location{Latitude: 1.5, Longitude: 2, Name: texts(4).Draw(t, "place")}
		}
		return c
	})
}

func cards() *rapid.Generator[sdk.Card] {
	return rapid.Custom(func(t *rapid.T) sdk.Card {
		c := sdk.Card{Title: "T" + texts(5).Draw(t, "title"), Subtitle: texts(5).Draw(t, "subtitle"),
			ImageURL: rapid.SampledFrom([]string{"", "https://cdn.example/i"}).Draw(t, "image")}
		for range rapid.IntRange(0, 3).Draw(t, "choices") {
			c.Choices = append(c.Choices, sdk.Choice{Label: "L" + texts(3).Draw(t, "label"),
				Description: rapid.SampledFrom([]string{"", "", "described"}).Draw(t, "description")})
		}
		if rapid.Bool().Draw(t, "has link") {
			c.Link = &sdk.Link{URL: rapid.SampledFrom([]string{"https://shop.example/x", "tel:1"}).Draw(t, "url"), Label: texts(2).Draw(t, "link label")}
		}
		return c
	})
}

func TestEveryPlanKeepsEveryLimitAndLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ch, c := channels().Draw(t, "channel"), contents().Draw(t, "content")
		r, err := Plan(c, ch, Window{Open: true})
		again, _ := Plan(c, ch, Window{Open: true})
		require.Equal(t, r, again, "deterministic")
		if err != nil {
			require.Contains(t, []sdk.Class{sdk.Invalid, sdk.Rejected}, sdk.AsError(err).Class)
			require.Empty(t, r.Messages)
			return
		}
		require.NotEmpty(t, r.Messages)
		for _, m := range r.Messages {
			checkLimits(t, m, ch)
		}
		checkNothingLost(t, c, r)
		checkChoices(t, c, r)
	})
}

func within(t *rapid.T, what, s string, max int) {
	require.True(t, s == "" || max == 0 || utf8.RuneCountInString(s) <= max, "%s: %q is over %d", what, s, max)
	require.True(t, utf8.ValidString(s))
}

func checkLimits(t *rapid.T, m sdk.Content, ch sdk.Channel) {
	within(t, "text", m.Text, ch.TextMax)
	within(t, "header", m.Header, ch.HeaderMax)
	within(t, "footer", m.Footer, ch.FooterMax)
	if len(m.Choices) > 0 || m.Link != nil {
		within(t, "interactive text", m.Text, ch.InteractiveTextMax)
		require.True(t, m.Text != "" || ch.Hosted, "buttons under an empty text")
	}
	if !ch.Hosted {
		if len(m.Choices) == 0 && m.Link == nil {
			require.Empty(t, m.Header+m.Footer)
		}
		require.False(t, len(m.Choices) > 0 && m.Link != nil)
	}
	if m.Media != nil {
		require.Contains(t, ch.Media, m.Media.Kind)
		require.True(t, !ch.MediaURLOnly || m.Media.URL != "")
		if !ch.Hosted {
			within(t, "caption", m.Media.Caption, ch.CaptionMax)
		}
	}
	require.True(t, m.Location == nil || ch.Location)
	require.True(t, m.Contact == nil || ch.Contact && len(m.Contact.Phones) > 0)
	if ch.SegmentsMax > 0 && utf8.RuneCountInString(m.Text) > 1 {
		require.LessOrEqual(t, Segments(m.Text), ch.SegmentsMax)
	}
	checkCardLimits(t, m, ch)
	if m.Link != nil {
		require.True(t, ch.LinkButton)
		within(t, "link label", m.Link.Label, ch.LinkLabelMax)
		require.NotEmpty(t, m.Link.Label)
	}
	checkChoiceLimits(t, m, ch)
}

func checkCardLimits(t *rapid.T, m sdk.Content, ch sdk.Channel) {
	require.LessOrEqual(t, len(m.Cards), ch.CardsMax)
	if len(m.Cards) > 0 {
		require.Equal(t, sdk.Content{Cards: m.Cards}, m, "cards are a message of their own")
	}
	for _, c := range m.Cards {
		within(t, "title", c.Title, ch.CardTitleMax)
		within(t, "subtitle", c.Subtitle, ch.CardSubtitleMax)
		buttons := len(c.Choices)
		if c.Link != nil {
			require.True(t, ch.LinkButton)
			within(t, "card link", c.Link.Label, ch.LinkLabelMax)
			buttons++
		}
		require.LessOrEqual(t, buttons, ch.CardChoicesMax)
		require.True(t, buttons > 0 || c.Subtitle+c.ImageURL != "", "a card of nothing but a title")
		checkChoiceLimits(t, sdk.Content{Choices: c.Choices}, sdk.Channel{ButtonsMax: ch.CardChoicesMax,
			ButtonLabelMax: ch.ButtonLabelMax, ChoiceIDMax: ch.ChoiceIDMax})
	}
}

func checkChoiceLimits(t *rapid.T, m sdk.Content, ch sdk.Channel) {
	most, label := ch.ButtonsMax, ch.ButtonLabelMax
	if m.ListButton != "" {
		most, label = ch.RowsMax, ch.RowLabelMax
		within(t, "list button", m.ListButton, ch.ListButtonMax)
	}
	require.LessOrEqual(t, len(m.Choices), most)
	seen := map[string]bool{}
	for _, c := range m.Choices {
		within(t, "choice id", c.ID, ch.ChoiceIDMax)
		within(t, "label", c.Label, label)
		require.NotEmpty(t, c.Label)
		require.False(t, seen[c.Label], "labels are unique")
		seen[c.Label] = true
		if m.ListButton != "" {
			within(t, "description", c.Description, ch.RowDescriptionMax)
		} else {
			require.True(t, ch.Hosted || c.Description == "")
		}
	}
}

// checkChoices: all choices are offered in order, those of cards first, or all of
// them are lines of text; and those below the text stand under the last message.
func checkChoices(t *rapid.T, c sdk.Content, r Result) {
	var want, cards, got []string
	for _, card := range c.Cards {
		want = append(want, ids(card.Choices)...)
	}
	for i, m := range r.Messages {
		require.True(t, len(m.Choices) == 0 || i == len(r.Messages)-1)
		for _, card := range m.Cards {
			cards = append(cards, ids(card.Choices)...)
		}
		got = append(got, ids(m.Choices)...)
	}
	if len(cards) > 0 {
		require.Equal(t, want, cards)
		want = nil
	}
	if want = append(want, ids(c.Choices)...); len(got) > 0 {
		require.Equal(t, want, got)
	}
}

func ids(choices []sdk.Choice) []string {
	var out []string
	for _, c := range choices {
		out = append(out, c.ID)
	}
	return out
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

func checkNothingLost(t *rapid.T, c sdk.Content, r Result) {
	dropped := func(field string) bool {
		for _, n := range r.Notes {
			if n.Level == sdk.Dropped && n.Field == field {
				return true
			}
		}
		return false
	}
	var all strings.Builder
	for _, m := range r.Messages {
		if m.Media != nil {
			all.WriteString(m.Media.URL + "\x00" + m.Media.Caption + "\x00")
		}
		if m.Location != nil {
			all.WriteString(m.Location.Name + "\x00")
		}
		if p := m.Contact; p != nil {
			all.WriteString(p.Name + "\x00" + strings.Join(append(p.Phones, p.Emails...), "\x00") + "\x00")
		}
		all.WriteString(m.Header + m.Text + m.Footer)
		for _, x := range m.Choices {
			all.WriteString("\x00" + x.Label + "\x00" + x.Description)
		}
		if m.Link != nil {
			all.WriteString("\x00" + m.Link.Label + "\x00" + m.Link.URL)
		}
		for _, card := range m.Cards {
			all.WriteString("\x00" + card.Title + "\x00" + card.Subtitle + "\x00" + card.ImageURL)
			for _, x := range card.Choices {
				all.WriteString("\x00" + x.Label)
			}
			if card.Link != nil {
				all.WriteString("\x00" + card.Link.Label + "\x00" + card.Link.URL)
			}
		}
	}
	out := squeeze(all.String())
	kept := func(field, s string) {
		if !dropped(field) {
			require.Contains(t, out, squeeze(s), field)
		}
	}
	kept("header", c.Header)
	kept("text", c.Text)
	kept("footer", c.Footer)
	before := 0
	if !native(r) {
		for _, card := range c.Cards {
			before += len(card.Choices)
		}
	}
	for i, x := range c.Choices {
		i += before
		kept(fmt.Sprintf("choices[%d].label", i), x.Label)
		kept(fmt.Sprintf("choices[%d].description", i), x.Description)
	}
	cardsKept(c.Cards, len(c.Choices), dropped, kept)
	if p := c.Contact; p != nil {
		kept("contact", p.Name)
		for _, v := range append(p.Phones, p.Emails...) {
			kept("contact", strings.TrimPrefix(v, "+"))
		}
	}
	if c.Media != nil {
		kept("media.caption", c.Media.Caption)
		kept("media", c.Media.URL)
	}
	if c.Link != nil {
		kept("link", c.Link.URL)
		kept("link.label", c.Link.Label)
	}
	if c.Location != nil {
		kept("location", c.Location.Name)
	}
}

func native(r Result) bool {
	return slices.ContainsFunc(r.Messages, func(m sdk.Content) bool { return len(m.Cards) > 0 })
}

// cardsKept looks for all that cards say. Where a choice's row was cut, a note of
// the choices says so, numbered with those of cards first.
func cardsKept(cards []sdk.Card, below int, dropped func(string) bool, kept func(field, s string)) {
	all := below
	for _, c := range cards {
		all += len(c.Choices)
	}
	cut := false
	for n := range all {
		cut = cut || dropped(fmt.Sprintf("choices[%d].label", n)) || dropped(fmt.Sprintf("choices[%d].description", n))
	}
	for i, c := range cards {
		at := fmt.Sprintf("cards[%d]", i)
		kept(at+".image_url", c.ImageURL)
		if c.Link != nil {
			kept(at, c.Link.URL)
			kept(at, c.Link.Label)
		}
		if cut {
			continue
		}
		kept(at, c.Title)
		if len(c.Choices) > 0 {
			kept(at, c.Subtitle)
		}
		for _, x := range c.Choices {
			kept(at, x.Label)
			kept(at, x.Description)
		}
	}
}

func clusters(parts ...string) []string {
	var out []string
	for _, p := range parts {
		for g := uniseg.NewGraphemes(p); g.Next(); {
			if s := squeeze(g.Str()); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

func TestSplitNeverCutsWhatAReaderSeesAsOneCharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := texts(80).Draw(t, "text")
		longest := 1
		for _, c := range clusters(s) {
			longest = max(longest, utf8.RuneCountInString(c))
		}
		limit := rapid.IntRange(longest, 120).Draw(t, "limit")
		require.Equal(t, clusters(s), clusters(split(s, limit)...))
		if total := strings.TrimSpace(s); utf8.RuneCountInString(total) > limit {
			head, tail := splitTail(total, limit)
			require.Equal(t, clusters(s), clusters(head, tail))
			require.LessOrEqual(t, utf8.RuneCountInString(tail), limit)
			require.NotEmpty(t, tail)
		}
	})
}
