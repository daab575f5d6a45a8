package planner

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

// rich has buttons, lists, templates and a window, like WhatsApp.
var rich = sdk.Channel{
	Window: 24, Templates: true, TextMax: 4096, HeaderMax: 60, FooterMax: 60, InteractiveTextMax: 1024,
	ButtonsMax: 3, ButtonLabelMax: 20, RowsMax: 10, RowLabelMax: 24, RowDescriptionMax: 72, ListButtonMax: 20,
	ChoiceIDMax: 200, LinkButton: true, LinkLabelMax: 20, CaptionMax: 1024, Location: true,
	Media: map[string]int64{"image": 5 << 20, "audio": 16 << 20},
}

// plain carries text only, like SMS.
var plain = sdk.Channel{TextMax: 160}

var open = Window{Open: true}

func choices(labels ...string) []sdk.Choice {
	var out []sdk.Choice
	for _, l := range labels {
		out = append(out, sdk.Choice{ID: "id-" + l, Label: l})
	}
	return out
}

func plan(t *testing.T, c sdk.Content, ch sdk.Channel) Result {
	t.Helper()
	r, err := Plan(c, ch, open)
	require.NoError(t, err)
	return r
}

func TestChoicesTakeTheBestFormThatFits(t *testing.T) {
	long := "A label of thirty characters.."
	for _, tc := range []struct {
		name    string
		choices []sdk.Choice
		ch      sdk.Channel
		list    bool
		native  int
		text    string
		notes   []Note
	}{
		{"few and short: buttons", choices("Yes", "No"), rich, false, 2, "Well?", nil},
		{"four: a list", choices("A", "B", "C", "D"), rich, true, 4, "Well?", nil},
		{"a label too long for buttons: a list", choices("Exactly 24 characters ok", "No"), rich, true, 2, "Well?", nil},
		{"descriptions: a list", []sdk.Choice{{ID: "1", Label: "S", Description: "5 EUR"}}, rich, true, 1, "Well?", nil},
		{"eleven: numbered text", choices(strings.Split("abcdefghijk", "")...), rich, false, 0,
			"Well?\n\n1. a\n2. b\n3. c\n4. d\n5. e\n6. f\n7. g\n8. h\n9. i\n10. j\n11. k",
			[]Note{{"choices", sdk.Degraded, "11 choices with these labels are more than the channel carries: they become numbered text"}}},
		{"no buttons: numbered text", choices("Yes", "No"), plain, false, 0, "Well?\n\n1. Yes\n2. No",
			[]Note{{"choices", sdk.Degraded, "the channel has no buttons: they become numbered text"}}},
		{"too long for a row: the description has it whole", choices(long, "No"), rich, true, 2, "Well?",
			[]Note{{"choices[0].label", sdk.Degraded, "shortened to 24 characters; the description has it whole"}}},
		{"the same label twice", []sdk.Choice{{ID: "1", Label: "Same"}, {ID: "2", Label: "Same"}}, rich, true, 2, "Well?",
			[]Note{{"choices[1].label", sdk.Degraded, "numbered, since another choice has the same label"}}},
		{"an id too long", []sdk.Choice{{ID: strings.Repeat("x", 201), Label: "A"}}, rich, false, 0, "Well?\n\n1. A",
			[]Note{{"choices", sdk.Degraded, "a choice's id is longer than the channel carries: they become numbered text"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := plan(t, sdk.Content{Text: "Well?", Choices: tc.choices}, tc.ch)
			require.Len(t, r.Messages, 1)
			m := r.Messages[0]
			require.Equal(t, tc.text, m.Text)
			require.Len(t, m.Choices, tc.native)
			require.Equal(t, tc.list, m.ListButton != "")
			require.Equal(t, tc.notes, r.Notes)
		})
	}
}

func TestShortenedLabelsStayApart(t *testing.T) {
	ch := rich
	ch.RowsMax = 0
	r := plan(t, sdk.Content{Text: "?", Choices: choices("Account ending in 1234 one", "Account ending in 1234 two", "Account ending in …")}, ch)
	got := []string{}
	for _, c := range r.Messages[0].Choices {
		got = append(got, c.Label)
	}
	require.Equal(t, []string{"Account ending in 1…", "Account ending… (2)", "Account ending in …"}, got)
	require.Contains(t, r.Notes, Note{"choices[0].label", sdk.Dropped, "cut to 20 characters"})
}

func TestButtonsWithoutDescriptionsPutThemInTheText(t *testing.T) {
	ch := rich
	ch.RowsMax = 0
	r := plan(t, sdk.Content{Text: "Size?", Choices: []sdk.Choice{{ID: "s", Label: "Small", Description: "5 EUR"}}}, ch)
	require.Equal(t, "Size?\n\nSmall – 5 EUR", r.Messages[0].Text)
	require.Equal(t, []sdk.Choice{{ID: "s", Label: "Small"}}, r.Messages[0].Choices)
}

func TestLongTextIsCutAtTheBestPlaceWithChoicesOnTheLast(t *testing.T) {
	first := strings.Repeat("One sentence here. ", 50) // 950
	second := strings.Repeat("Another one there. ", 20)
	r := plan(t, sdk.Content{Text: first + "\n\n" + second, Choices: choices("Yes")}, rich)
	require.Len(t, r.Messages, 2)
	require.Equal(t, strings.TrimSpace(first), r.Messages[0].Text)
	require.Equal(t, strings.TrimSpace(second), r.Messages[1].Text)
	require.Empty(t, r.Messages[0].Choices)
	require.Len(t, r.Messages[1].Choices, 1)
}

func TestSplitPrefersParagraphThenSentenceThenWord(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		max      int
		want     []string
	}{
		{"fits", "ab cd", 5, []string{"ab cd"}},
		{"paragraph", "One two.\n\nThree four. Five", 22, []string{"One two.\n\nThree four.", "Five"}},
		{"paragraph before sentence", "One two three.\n\nFour. Five six", 23, []string{"One two three.", "Four. Five six"}},
		{"line", "first line\nsecond line", 15, []string{"first line", "second line"}},
		{"sentence", "One two. Three four", 14, []string{"One two.", "Three four"}},
		{"word", "one two three", 9, []string{"one two", "three"}},
		{"a long word", "abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"family emoji stays whole", "👨‍👩‍👧👨‍👩‍👧", 7, []string{"👨‍👩‍👧", "👨‍👩‍👧"}},
		{"accent stays on its letter", "aaae\u0301", 4, []string{"aaa", "e\u0301"}},
		{"a grapheme longer than a message", "e\u0301\u0302\u0303", 2, []string{"e\u0301", "\u0302\u0303"}},
		{"Chinese", "今天天气很好我们去公园", 6, []string{"今天天气很好", "我们去公园"}},
		{"blank", " \n ", 2, nil},
	} {
		t.Run(tc.name, func(t *testing.T) { require.Equal(t, tc.want, split(tc.in, tc.max)) })
	}
}

func TestHeaderAndFooter(t *testing.T) {
	c := sdk.Content{Header: "Your order", Text: "Two cups", Footer: "Corner Coffee"}
	r := plan(t, c, rich)
	require.Equal(t, []sdk.Content{{Text: "*Your order*\n\nTwo cups\n\nCorner Coffee"}}, r.Messages, "plain text has neither")

	c.Choices = choices("Pay")
	r = plan(t, c, rich)
	require.Equal(t, "Your order", r.Messages[0].Header)
	require.Equal(t, "Corner Coffee", r.Messages[0].Footer)
	require.Equal(t, "Two cups", r.Messages[0].Text)
	require.Empty(t, r.Notes)

	c.Header = strings.Repeat("h", 61)
	r = plan(t, c, rich)
	require.Empty(t, r.Messages[0].Header)
	require.Equal(t, "*"+c.Header+"*\n\nTwo cups", r.Messages[0].Text)

	r = plan(t, sdk.Content{Header: "Only this", Choices: choices("A")}, rich)
	require.Equal(t, "*Only this*", r.Messages[0].Text, "buttons need a text")
	require.Len(t, r.Messages[0].Choices, 1)
}

func TestLink(t *testing.T) {
	pay := &sdk.Link{URL: "https://pay.example/1", Label: "Pay now"}
	r := plan(t, sdk.Content{Text: "Total 5", Link: pay}, rich)
	require.Equal(t, []sdk.Content{{Text: "Total 5", Link: pay}}, r.Messages)

	r = plan(t, sdk.Content{Text: "Total 5", Link: pay}, plain)
	require.Equal(t, []sdk.Content{{Text: "Total 5\n\nPay now: https://pay.example/1"}}, r.Messages)
	require.Equal(t, sdk.Degraded, r.Notes[0].Level)

	r = plan(t, sdk.Content{Text: "Total 5", Link: pay, Choices: choices("Cancel")}, rich)
	require.Equal(t, "Total 5\n\nPay now: https://pay.example/1", r.Messages[0].Text)
	require.Len(t, r.Messages[0].Choices, 1)

	r = plan(t, sdk.Content{Text: "Go", Link: &sdk.Link{URL: "https://shop.example/a"}}, rich)
	require.Equal(t, "shop.example", r.Messages[0].Link.Label, "a button needs a label")
}

func TestMedia(t *testing.T) {
	image := sdk.Media{Kind: "image", URL: "https://cdn.example/a.png"}
	r := plan(t, sdk.Content{Text: "Look", Media: &image}, rich)
	require.Equal(t, []sdk.Content{{Media: &sdk.Media{Kind: "image", URL: image.URL, Caption: "Look"}}}, r.Messages)
	require.Empty(t, image.Caption, "the caller's content is not touched")

	r = plan(t, sdk.Content{Text: "Look", Media: &image, Choices: choices("Buy")}, rich)
	require.Len(t, r.Messages, 2)
	require.NotNil(t, r.Messages[0].Media)
	require.Equal(t, "Look", r.Messages[1].Text)

	audio := sdk.Media{Kind: "audio", ID: "1", Caption: "Listen"}
	r = plan(t, sdk.Content{Media: &audio}, rich)
	require.Equal(t, "Listen", r.Messages[1].Text, "audio has no caption")

	r = plan(t, sdk.Content{Media: &sdk.Media{Kind: "document", URL: "https://cdn.example/a.pdf", Filename: "bill.pdf", Caption: "Bill"}}, rich)
	require.Equal(t, []sdk.Content{{Text: "Bill\nbill.pdf: https://cdn.example/a.pdf"}}, r.Messages)

	r, err := Plan(sdk.Content{Media: &sdk.Media{Kind: "document", ID: "1"}}, rich, open)
	require.Equal(t, "not_carried", sdk.AsError(err).Code)
	require.Equal(t, sdk.Rejected, sdk.AsError(err).Class)
	require.Equal(t, sdk.Dropped, r.Notes[0].Level)
}

func TestLocation(t *testing.T) {
	l := &sdk.Location{Latitude: 12.5, Longitude: -7, Name: "Shop"}
	require.Equal(t, []sdk.Content{{Location: l}}, plan(t, sdk.Content{Location: l}, rich).Messages)
	r := plan(t, sdk.Content{Text: "Here", Location: l}, plain)
	require.Equal(t, "Here\n\nShop\nhttps://www.google.com/maps/search/?api=1&query=12.5%2C-7", r.Messages[0].Text)
}

func TestHostedChannelsKeepEverythingInOneMessage(t *testing.T) {
	c := sdk.Content{Header: "H", Text: "T", Footer: "F", Choices: []sdk.Choice{{ID: "1", Label: "A", Description: "D"}},
		Media: &sdk.Media{Kind: "image", URL: "https://cdn.example/a.png", Caption: "C"}, Link: &sdk.Link{URL: "https://a.example", Label: "L"}}
	ch := sdk.Channel{Hosted: true, ButtonsMax: 12, LinkButton: true, Media: map[string]int64{"image": 1}}
	r := plan(t, c, ch)
	require.Equal(t, []sdk.Content{c}, r.Messages)
	require.Empty(t, r.Notes)
}

func TestWindow(t *testing.T) {
	own := &sdk.Template{Name: "own", Language: "en"}
	given := &sdk.Template{Name: "given", Language: "en"}
	for _, tc := range []struct {
		name    string
		content sdk.Content
		ch      sdk.Channel
		w       Window
		want    sdk.Content
		code    string
	}{
		{"open", sdk.Content{Text: "Hi"}, rich, open, sdk.Content{Text: "Hi"}, ""},
		{"closed without a template", sdk.Content{Text: "Hi"}, rich, Window{}, sdk.Content{}, "window_closed"},
		{"closed with one given", sdk.Content{Text: "Hi"}, rich, Window{Template: given}, sdk.Content{Template: given}, ""},
		{"closed with one of its own", sdk.Content{Text: "Hi", Template: own}, rich, Window{Template: given}, sdk.Content{Template: own}, ""},
		{"open with one of its own", sdk.Content{Text: "Hi", Template: own}, rich, open, sdk.Content{Text: "Hi"}, ""},
		{"only a template, open", sdk.Content{Template: own}, rich, open, sdk.Content{Template: own}, ""},
		{"only a template, no templates", sdk.Content{Template: own}, plain, open, sdk.Content{}, "not_carried"},
		{"no window on the channel", sdk.Content{Text: "Hi"}, plain, Window{}, sdk.Content{Text: "Hi"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := Plan(tc.content, tc.ch, tc.w)
			if tc.code != "" {
				require.Equal(t, sdk.Rejected, sdk.AsError(err).Class)
				require.Equal(t, tc.code, sdk.AsError(err).Code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, []sdk.Content{tc.want}, r.Messages)
		})
	}
}

func TestBadContentIsRefused(t *testing.T) {
	for name, c := range map[string]sdk.Content{
		"empty":           {},
		"blank":           {Text: " \n"},
		"choice id":       {Text: "a", Choices: []sdk.Choice{{Label: "A"}}},
		"choice label":    {Text: "a", Choices: []sdk.Choice{{ID: "1", Label: " "}}},
		"choice id twice": {Text: "a", Choices: []sdk.Choice{{ID: "1", Label: "A"}, {ID: "1", Label: "B"}}},
		"media":           {Media: &sdk.Media{Kind: "image"}},
		"link":            {Text: "a", Link: &sdk.Link{URL: "example.com"}},
		"location":        {Location: &sdk.Location{Latitude: 91}},
		"template":        {Template: &sdk.Template{Name: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Plan(c, rich, open)
			require.Equal(t, sdk.Invalid, sdk.AsError(err).Class)
		})
	}
}

func TestCardsByChannel(t *testing.T) {
	cards := sdk.Content{Text: "Our coffees", Cards: []sdk.Card{
		{Title: "Espresso", Subtitle: "Short", ImageURL: "https://cdn.example/e", Choices: []sdk.Choice{{ID: "e", Label: "Add"}}},
		{Title: "Filter", Subtitle: "Long", Choices: []sdk.Choice{{ID: "f", Label: "Add"}}},
		{Title: "Tea", Link: &sdk.Link{URL: "https://shop.example/tea", Label: "See"}},
	}}
	carousel := sdk.Channel{CardsMax: 2, CardTitleMax: 80, CardSubtitleMax: 80, CardChoicesMax: 3, ButtonLabelMax: 20, LinkButton: true, LinkLabelMax: 20}
	r, err := Plan(cards, carousel, Window{Open: true})
	require.NoError(t, err)
	require.Len(t, r.Messages, 3, "the text, two cards, and the third")
	require.Equal(t, "Our coffees", r.Messages[0].Text)
	require.Equal(t, cards.Cards[1].Title, r.Messages[1].Cards[1].Title)
	require.Equal(t, "See", r.Messages[2].Cards[0].Link.Label)

	list := sdk.Channel{RowsMax: 10, RowLabelMax: 24, RowDescriptionMax: 72, ListButtonMax: 20}
	r, err = Plan(cards, list, Window{Open: true})
	require.NoError(t, err)
	require.Len(t, r.Messages, 1)
	require.Equal(t, []sdk.Choice{{ID: "e", Label: "Espresso", Description: "Add – Short"}, {ID: "f", Label: "Filter", Description: "Add – Long"}}, r.Messages[0].Choices)
	require.Contains(t, r.Messages[0].Text, "See: https://shop.example/tea")

	r, err = Plan(cards, sdk.Channel{SegmentsMax: 10}, Window{Open: true})
	require.NoError(t, err)
	require.Contains(t, r.Messages[0].Text, "1. Espresso – Add – Short\n2. Filter – Add – Long")
}

func TestContactCardsByChannel(t *testing.T) {
	c := sdk.Content{Contact: &sdk.ContactCard{Name: "Ann", Organization: "Corner Coffee", Phones: []string{"+4412"}, Emails: []string{"ann@example.com"}}}
	r, err := Plan(c, sdk.Channel{Contact: true}, Window{Open: true})
	require.NoError(t, err)
	require.Equal(t, []string{"4412"}, r.Messages[0].Contact.Phones)
	r, err = Plan(c, sdk.Channel{}, Window{Open: true})
	require.NoError(t, err)
	require.Equal(t, "Ann\nCorner Coffee\n+4412\nann@example.com", r.Messages[0].Text)
}
