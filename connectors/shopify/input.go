package shopify

import (
	"net/mail"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// Line is so many of one variant.
type Line struct {
	VariantID string `json:"variant_id" doc:"The variant's global ID, gid://shopify/ProductVariant/…"`
	Quantity  int    `json:"quantity"`
}

const (
	maxLines    = 50
	maxQuantity = 10_000
	maxNote     = 5000
)

func checkLines(lines []Line) error {
	if len(lines) == 0 {
		return sdk.Invalidf("lines is empty: give at least one variant")
	}
	if len(lines) > maxLines {
		return sdk.Invalidf("lines has more than %d entries", maxLines)
	}
	for i, l := range lines {
		if err := checkID("ProductVariant", l.VariantID); err != nil {
			return sdk.Invalidf("lines[%d].variant_id must be a global ID like gid://shopify/ProductVariant/1", i)
		}
		if l.Quantity < 1 || l.Quantity > maxQuantity {
			return sdk.Invalidf("lines[%d].quantity must be from 1 to %d", i, maxQuantity)
		}
	}
	return nil
}

// checkID refuses what is not a global ID of the kind of object that is meant, so
// that a mixed-up ID is told apart from one that does not exist.
func checkID(kind, id string) error {
	n, ok := strings.CutPrefix(id, "gid://shopify/"+kind+"/")
	if !ok || n == "" || len(n) > 200 || strings.ContainsAny(n, " \"'\\\n\r\t") {
		return sdk.Invalidf("the ID must be a global ID like gid://shopify/%s/1", kind)
	}
	return nil
}

// numericID is the last part of a global ID, which searches use.
func numericID(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// Buyer is what may be told of the person who orders.
type Buyer struct {
	Note  string `json:"note,omitempty" doc:"A note for the shop's staff."`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty" doc:"In E.164 form, e.g. +14155550100."`
}

func (b Buyer) check() error {
	if utf8.RuneCountInString(b.Note) > maxNote {
		return sdk.Invalidf("note is longer than %d characters", maxNote)
	}
	if b.Email != "" {
		if a, err := mail.ParseAddress(b.Email); err != nil || a.Address != b.Email {
			return sdk.Invalidf("email is not an e-mail address")
		}
	}
	if b.Phone != "" {
		digits, ok := strings.CutPrefix(b.Phone, "+")
		if !ok || len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
			return sdk.Invalidf("phone must be in E.164 form: + and 7 to 15 digits")
		}
	}
	return nil
}
