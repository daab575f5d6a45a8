package flow

import (
	"fmt"
	"maps"
	"math"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/workflows/flow/written"
)

// kind is a sort of answer.
type kind struct {
	// typ of the value, as in [variable].
	typ string
	// doc tells what is understood, and what is kept.
	doc string
	// parse understands a written answer, or reports false.
	parse func(reading) (any, bool)
	// receive understands an answer that is no text; nil where there is none.
	receive func(*sdk.Incoming, *answer) (any, bool)
	// measured tells that Min and Max bound the answer.
	measured bool
	// open tells that any text is an answer.
	open bool
	// max is how long a written answer may be, in characters; 0 for maxAnswer.
	max int
}

// reading is a written answer and what it is to be understood with.
type reading struct {
	text string
	// language is a BCP 47 tag, now the time to which words like tomorrow refer.
	language string
	now      time.Time
	// currency is meant where none is written.
	currency string
}

// Bounds of a written answer, in characters.
const (
	maxAnswer     = 4000
	maxLongAnswer = 20_000
)

// kinds are all sorts of answers. A better understanding of one of them replaces
// its parse.
var kinds = map[string]kind{
	"text":     {typ: "text", doc: "any text up to 4,000 characters", parse: parseText, measured: true, open: true},
	"longtext": {typ: "text", doc: "any text up to 20,000 characters", parse: parseText, measured: true, open: true, max: maxLongAnswer},
	"number":   {typ: "number", doc: "a number, in digits or words", parse: parseNumber, measured: true},
	"integer":  {typ: "number", doc: "a whole number, in digits or words", parse: parseInteger, measured: true},
	"amount":   {typ: "map", doc: "an amount of money, kept as {amount, currency} in minor units; needs the key currency", parse: parseAmount, measured: true},
	"date":     {typ: "text", doc: "a day as people write it, kept as 2026-11-30", parse: parseDate, measured: true},
	"time":     {typ: "text", doc: "a time of day as people write it, kept as 14:30", parse: parseTime, measured: true},
	"email":    {typ: "text", doc: "an e-mail address", parse: parseEmail},
	"phone":    {typ: "text", doc: "a phone number, kept as digits, with + where it was written", parse: parsePhone},
	"yesno":    {typ: "bool", doc: "yes or no, with buttons", parse: parseYesNo},
	"rating":   {typ: "number", doc: "a whole number from 1 to max (5), with buttons", parse: parseInteger, measured: true},
	"address":  {typ: "map", doc: "a postal address or a location, kept as {text, latitude, longitude}", parse: parseAddress, receive: receiveLocation, open: true},
	"location": {typ: "map", doc: "a location, kept as {latitude, longitude, name, address}", parse: parseNothing, receive: receiveLocation},
	"file":     {typ: "map", doc: "a file of any kind, kept as {kind, id, url, mime, filename}; types narrows it", parse: parseNothing, receive: receiveFile},
	"photo":    {typ: "map", doc: "a picture, kept as a file is", parse: parseNothing, receive: receivePhoto},
}

func kindNames() []string { return slices.Sorted(maps.Keys(kinds)) }

func parseNothing(reading) (any, bool) { return nil, false }

func parseText(r reading) (any, bool) { return r.text, r.text != "" }

// maxWritten is how long an answer can be that is a number, an amount, a day or a
// time, in bytes.
const maxWritten = 300

// parseNumber understands a number in digits or words; see package written.
func parseNumber(r reading) (any, bool) {
	if digitsOnly(r.text) { // as most are
		f, err := strconv.ParseFloat(r.text, 64)
		return f, err == nil && !math.IsInf(f, 0)
	}
	if len(r.text) > maxWritten {
		return nil, false
	}
	f, ok := written.Number(r.text, r.language)
	return f, ok
}

// digitsOnly tells that a text has digits only.
func digitsOnly(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}

func parseInteger(r reading) (any, bool) {
	v, ok := parseNumber(r)
	if !ok {
		return nil, false
	}
	f := v.(float64)
	return f, f == math.Trunc(f) && math.Abs(f) <= 1<<53
}

// parseAmount understands an amount with or without a currency; see package written.
func parseAmount(r reading) (any, bool) {
	if len(r.text) > maxWritten {
		return nil, false
	}
	minor, currency, ok := written.Amount(r.text, r.language, r.currency)
	if !ok || minor > maxAmount {
		return nil, false
	}
	return map[string]any{"amount": float64(minor), "currency": currency}, true
}

// parseDate understands a day; a time of day beside it is left out.
func parseDate(r reading) (any, bool) {
	if len(r.text) > maxWritten {
		return nil, false
	}
	m, ok := written.When(r.text, r.language, r.now)
	if !ok || m.Day.IsZero() {
		return nil, false
	}
	return m.Day.Format(time.DateOnly), true
}

// parseTime understands a time of day; a day beside it is left out.
func parseTime(r reading) (any, bool) {
	if len(r.text) > maxWritten {
		return nil, false
	}
	c, ok := written.Hour(r.text, r.language, r.now)
	return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute), ok
}

func parseEmail(r reading) (any, bool) {
	s := r.text
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 {
		return nil, false
	}
	_, host, _ := strings.Cut(s, "@")
	return s, strings.Contains(host, ".") && !strings.HasSuffix(host, ".")
}

// parsePhone gives the digits, with + in front where it was written: 7 to 15 of
// them (ITU-T E.164).
func parsePhone(r reading) (any, bool) {
	var b strings.Builder
	for i, c := range r.text {
		switch {
		case c >= '0' && c <= '9', c == '+' && i == 0:
			b.WriteRune(c)
		case !strings.ContainsRune(" -().", c):
			return nil, false
		}
	}
	digits := len(strings.TrimPrefix(b.String(), "+"))
	return b.String(), digits >= 7 && digits <= 15
}

func parseYesNo(r reading) (any, bool) {
	if len(r.text) > maxWritten {
		return nil, false
	}
	yes, ok := written.YesNo(r.text, r.language)
	return yes, ok
}

// parseAddress takes what has a few words or digits besides letters; more cannot
// be said of addresses everywhere.
func parseAddress(r reading) (any, bool) {
	ok := len([]rune(r.text)) >= 8 && (strings.ContainsAny(r.text, " ,\n") || strings.ContainsAny(r.text, "0123456789"))
	return map[string]any{"text": r.text}, ok
}

func receiveLocation(msg *sdk.Incoming, _ *answer) (any, bool) {
	l := msg.Location
	if l == nil || math.IsNaN(l.Latitude) || math.IsNaN(l.Longitude) {
		return nil, false
	}
	return map[string]any{"latitude": l.Latitude, "longitude": l.Longitude, "name": clip(l.Name, 1000),
		"address": clip(l.Address, 1000), "text": clip(l.Address, 1000)}, true
}

func receiveFile(msg *sdk.Incoming, a *answer) (any, bool) {
	f := msg.Media
	if f == nil || len(a.Types) > 0 && !slices.ContainsFunc(a.Types, func(t string) bool { return matchesType(t, f.MIME) }) {
		return nil, false
	}
	if a.MaxSize > 0 && f.Size > int64(a.MaxSize) {
		return nil, false
	}
	out := map[string]any{"kind": f.Kind, "id": clip(f.ID, 500), "url": clip(f.URL, 2000), "mime": clip(f.MIME, 200),
		"filename": clip(f.Filename, 300), "caption": clip(f.Caption, 2000)}
	if f.Size > 0 {
		out["size"] = float64(f.Size)
	}
	return out, true
}

func receivePhoto(msg *sdk.Incoming, a *answer) (any, bool) {
	if msg.Media == nil || msg.Media.Kind != "image" {
		return nil, false
	}
	return receiveFile(msg, a)
}

// matchesType tells whether a MIME type is the wanted one: image/png, or image/*.
func matchesType(wanted, is string) bool {
	is, _, _ = strings.Cut(strings.ToLower(is), ";")
	if family, any := strings.CutSuffix(wanted, "/*"); any {
		return strings.HasPrefix(is, family+"/")
	}
	return is == wanted
}
