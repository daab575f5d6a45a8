package onfido

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// tagPrefix begins the tag by which workflow runs and checks, and what is told of
// them, lead back to the effect that made them.
const tagPrefix = "parley-effect-"

// tagsOf adds our own tag to a caller's.
func tagsOf(call sdk.Call, tags []string) []string {
	if call.Key == "" {
		return tags
	}
	return append([]string{tagPrefix + call.Key}, tags...)
}

// keyIn returns our key, if one of the tags holds what can be one.
func keyIn(tags []string) string {
	for _, t := range tags {
		if key, ours := strings.CutPrefix(t, tagPrefix); ours && len(key) <= 64 {
			return key
		}
	}
	return ""
}

// maxTags is Onfido's 30 less the one that is ours.
const maxTags = 29

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return sdk.Invalidf("tags has more than %d entries", maxTags)
	}
	for _, t := range tags {
		switch {
		case t == "" || utf8.RuneCountInString(t) > 128:
			return sdk.Invalidf("a tag must be 1 to 128 characters")
		case strings.HasPrefix(t, tagPrefix):
			return sdk.Invalidf("tags that begin with %s are Parley's own", tagPrefix)
		}
	}
	return nil
}

var (
	uuidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{3}$`)
	// nameForm is that of the document (applicant_first_name).
	nameForm = regexp.MustCompile("^[^!#$%*=<>;{}\"]*$")
)

func checkID(field, id string) error {
	if !uuidForm.MatchString(id) {
		return sdk.Invalidf("%s must be one of Onfido's IDs, a UUID", field)
	}
	return nil
}

func checkCountry(field, code string) error {
	if code != "" && !countryForm.MatchString(code) {
		return sdk.Invalidf("%s must be a three-letter ISO 3166 code in capitals", field)
	}
	return nil
}

func checkName(field, value string) error {
	if utf8.RuneCountInString(value) > 100 || !nameForm.MatchString(value) {
		return sdk.Invalidf("%s must be at most 100 characters, and hold none of ^!#$%%*=<>;{}\"", field)
	}
	return nil
}

func checkDate(field, value string) error {
	if _, err := time.Parse(time.DateOnly, value); value != "" && err != nil {
		return sdk.Invalidf("%s must be a date as YYYY-MM-DD", field)
	}
	return nil
}

// maxFile is the largest file that fits into an operation's input as base64.
// Onfido itself takes up to 10 MB: larger files go by its SDK or a workflow's link.
const maxFile = 700 << 10

// file is what is uploaded.
type file struct {
	name, kind string
	bytes      []byte
}

// kinds are what Onfido takes, with the endings of their names.
var kinds = map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "application/pdf": ".pdf"}

// readFile decodes a file and tells its kind by its bytes. Its name is made of the
// call's key, by which the file is found again, and tells nothing of its owner.
func readFile(text, key string, pdf bool) (file, error) {
	if len(text) > base64.StdEncoding.EncodedLen(maxFile) {
		return file{}, sdk.Invalidf("file is larger than %d KiB: let the applicant upload it by Onfido's SDK or the workflow run's link", maxFile>>10)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		return file{}, sdk.Invalidf("file must be the file's bytes in base64")
	}
	kind := http.DetectContentType(raw)
	ending, known := kinds[kind]
	if !known || kind == "application/pdf" && !pdf {
		return file{}, sdk.Invalidf("file is of a kind that Onfido does not take here: JPEG and PNG, PDF for documents only")
	}
	return file{name: fileName(key) + ending, kind: kind, bytes: raw}, nil
}

// fileName is a file's name without its ending.
func fileName(key string) string {
	if key == "" {
		return "parley"
	}
	return "parley-" + key
}

// sameFile tells whether a file's name is the one that a call gave it.
func sameFile(stored, key string) bool {
	stem, _, _ := strings.Cut(stored, ".")
	return key != "" && stem == fileName(key)
}
