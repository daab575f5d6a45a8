package flow

import (
	"maps"
	"math"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
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
	"number":   {typ: "number", doc: "a number", parse: parseNumber, measured: true},
	"integer":  {typ: "number", doc: "a whole number", parse: parseInteger, measured: true},
	"amount":   {typ: "map", doc: "an amount of money, kept as {amount, currency} in minor units; needs the key currency", parse: parseAmount, measured: true},
	"date":     {typ: "text", doc: "a day, kept as 2026-11-30", parse: parseDate, measured: true},
	"time":     {typ: "text", doc: "a time of day, kept as 14:30", parse: parseTime, measured: true},
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

// parseNumber understands digits with an optional sign, decimal point and
// thousands commas.
func parseNumber(r reading) (any, bool) {
	s := strings.ReplaceAll(strings.ReplaceAll(r.text, " ", ""), ",", "")
	if strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && !strings.ContainsRune("+-.", r) }) {
		return nil, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

func parseInteger(r reading) (any, bool) {
	v, ok := parseNumber(r)
	if !ok {
		return nil, false
	}
	f := v.(float64)
	return f, f == math.Trunc(f) && math.Abs(f) <= 1<<53
}

var writtenAmount = regexp.MustCompile(`^([A-Za-z]{3}|[$€£₹¥])?\s*([0-9][0-9 .,]*?)\s*([A-Za-z]{3}|[$€£₹¥])?$`)

// signs are currencies by the sign that means no other one; a dollar's or yen's
// sign means whichever the question is about.
var signs = map[string]string{"€": "EUR", "£": "GBP", "₹": "INR"}

// parseAmount understands a number with or without a currency. The last point or
// comma with one or two digits behind it parts the decimals.
func parseAmount(r reading) (any, bool) {
	m := writtenAmount.FindStringSubmatch(r.text)
	if m == nil || m[1] != "" && m[3] != "" {
		return nil, false
	}
	currency := r.currency
	if written := strings.ToUpper(m[1] + m[3]); money.IsCurrency(written) {
		currency = written
	} else if signs[written] != "" {
		currency = signs[written]
	}
	digits := strings.ReplaceAll(m[2], " ", "")
	decimals := ""
	if i := strings.LastIndexAny(digits, ".,"); i >= 0 && len(digits)-i-1 <= 2 {
		digits, decimals = digits[:i], digits[i+1:]
	}
	digits = strings.NewReplacer(".", "", ",", "").Replace(digits)
	scale := money.Digits(currency)
	if len(decimals) > scale {
		return nil, false
	}
	minor, err := strconv.ParseInt(digits+decimals+strings.Repeat("0", scale-len(decimals)), 10, 64)
	if err != nil || minor > maxAmount {
		return nil, false
	}
	return map[string]any{"amount": float64(minor), "currency": currency}, true
}

var (
	dayForms  = []string{"2006-1-2", "2.1.2006", "2/1/2006", "2-1-2006", "2 January 2006", "2 Jan 2006", "January 2 2006", "Jan 2 2006"}
	timeForms = []string{"15:04", "15.04", "3:04pm", "3pm", "15h04"}
)

// parseDate understands a day in digits, the day before the month where the year
// comes last, or with an English month, and today and tomorrow.
func parseDate(r reading) (any, bool) {
	s := strings.Join(strings.Fields(strings.ReplaceAll(r.text, ",", " ")), " ")
	switch strings.ToLower(s) {
	case "today":
		return r.now.Format(time.DateOnly), true
	case "tomorrow":
		return r.now.AddDate(0, 0, 1).Format(time.DateOnly), true
	}
	for _, form := range dayForms {
		if t, err := time.Parse(form, s); err == nil {
			return t.Format(time.DateOnly), true
		}
	}
	return nil, false
}

func parseTime(r reading) (any, bool) {
	s := strings.ToLower(strings.ReplaceAll(r.text, " ", ""))
	for _, form := range timeForms {
		if t, err := time.Parse(form, s); err == nil {
			return t.Format("15:04"), true
		}
	}
	return nil, false
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

// yesNo are the answers to a yes-no question, by language.
var yesNo = map[string][2][]string{
	"en": {{"yes", "y", "yeah", "yep", "ok", "okay", "sure", "of course"}, {"no", "n", "nope", "no thanks", "no thank you"}},
	"hi": {{"हाँ", "हां", "जी", "जी हाँ", "ठीक है", "haan", "ha"}, {"नहीं", "ना", "जी नहीं", "nahi", "nahin"}},
	"es": {{"sí", "si", "claro", "vale", "por supuesto"}, {"no", "no gracias"}},
	"pt": {{"sim", "claro", "com certeza"}, {"não", "nao", "não obrigado", "não obrigada"}},
	"fr": {{"oui", "d'accord", "d’accord", "bien sûr", "ouais"}, {"non", "non merci"}},
	"ar": {{"نعم", "أجل", "ايوه", "أيوه", "موافق"}, {"لا", "كلا", "لا شكرا"}},
	"id": {{"ya", "iya", "oke", "tentu", "boleh"}, {"tidak", "nggak", "enggak", "gak", "tidak terima kasih"}},
}

func parseYesNo(r reading) (any, bool) {
	said := fold(r.text)
	base, _, _ := strings.Cut(r.language, "-")
	for _, language := range []string{base, "en"} {
		for i, words := range yesNo[language] {
			if slices.Contains(words, said) {
				return i == 0, true
			}
		}
	}
	return nil, false
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
	return map[string]any{"kind": f.Kind, "id": clip(f.ID, 500), "url": clip(f.URL, 2000), "mime": clip(f.MIME, 200),
		"filename": clip(f.Filename, 300), "caption": clip(f.Caption, 2000)}, true
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
