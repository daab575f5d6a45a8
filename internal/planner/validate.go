package planner

import (
	"fmt"
	"net/url"
	"strings"

	"parley/connectors/sdk"
)

// validate refuses what is wrong on any channel. Its texts quote no content.
func validate(c sdk.Content) error {
	if c.Header+c.Text+c.Footer == "" && len(c.Choices) == 0 && len(c.Cards) == 0 && c.Media == nil &&
		c.Location == nil && c.Contact == nil && c.Link == nil && c.Template == nil {
		return sdk.Invalidf("the message is empty")
	}
	if err := validateChoices(c); err != nil {
		return err
	}
	if c.Media != nil && (c.Media.Kind == "" || c.Media.URL == "" && c.Media.ID == "") {
		return sdk.Invalidf("media: kind and either url or id are needed")
	}
	if err := validateLink("link", c.Link); err != nil {
		return err
	}
	if l := c.Location; l != nil && !(l.Latitude >= -90 && l.Latitude <= 90 && l.Longitude >= -180 && l.Longitude <= 180) {
		return sdk.Invalidf("location: latitude or longitude is out of range")
	}
	if p := c.Contact; p != nil && (p.Name == "" || len(p.Phones)+len(p.Emails) == 0) {
		return sdk.Invalidf("contact: a name and a phone or an email are needed")
	}
	if t := c.Template; t != nil && (t.Name == "" || t.Language == "") {
		return sdk.Invalidf("template: name and language are needed")
	}
	return nil
}

// validateChoices holds the choices of cards and those below them to IDs that
// are unique in the whole message: a tap says nothing but the ID.
func validateChoices(c sdk.Content) error {
	seen := map[string]bool{}
	check := func(at string, choices []sdk.Choice) error {
		for i, ch := range choices {
			switch {
			case ch.ID == "":
				return sdk.Invalidf("%s[%d]: id is empty", at, i)
			case ch.Label == "":
				return sdk.Invalidf("%s[%d]: label is empty", at, i)
			case seen[ch.ID]:
				return sdk.Invalidf("%s[%d]: another choice has the same id", at, i)
			}
			seen[ch.ID] = true
		}
		return nil
	}
	for i, card := range c.Cards {
		at := fmt.Sprintf("cards[%d]", i)
		if card.Title == "" {
			return sdk.Invalidf("%s: title is empty", at)
		}
		if err := check(at+".choices", card.Choices); err != nil {
			return err
		}
		if err := validateLink(at+".link", card.Link); err != nil {
			return err
		}
		if card.ImageURL != "" && !isWeb(card.ImageURL) {
			return sdk.Invalidf("%s: image_url is not a web address", at)
		}
	}
	return check("choices", c.Choices)
}

func validateLink(at string, l *sdk.Link) error {
	if l == nil {
		return nil
	}
	if u, err := url.Parse(l.URL); err != nil || u.Scheme == "" || strings.ContainsAny(l.URL, " \t\r\n") {
		return sdk.Invalidf("%s: url is not an absolute address", at)
	}
	return nil
}

// isWeb tells whether a browser opens the address.
func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(address, " \t\r\n")
}
