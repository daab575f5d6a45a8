package onfido

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"parley/connectors/sdk"
)

// Only what looks like one of Onfido's own names is repeated: messages, and what
// stands under the fields, may quote what was sent.
var name = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// pictures are the fields under which Onfido says what is wrong with a picture
// ("Upload document" and "Upload live photo": image quality and face detection).
var pictures = []string{"document_detection", "detect_document", "cutoff", "detect_cutoff", "glare", "detect_glare", "blur", "detect_blur",
	"face_detection", "detect_face"}

// responseError classes an answer by its status and refines it by Onfido's error
// object ("Error object": type, message, fields). It is nil for success.
func responseError(resp *sdk.Response) error {
	e := sdk.StatusError(resp)
	if e == nil {
		return nil
	}
	var body struct {
		Error struct {
			Type   string                     `json:"type"`
			Fields map[string]json.RawMessage `json:"fields"`
		} `json:"error"`
	}
	_ = json.Unmarshal(resp.Body, &body) // what is not readable says nothing
	if name.MatchString(body.Error.Type) {
		e.Code = body.Error.Type
	}
	var fields []string
	for _, f := range slices.Sorted(maps.Keys(body.Error.Fields)) {
		if name.MatchString(f) {
			fields = append(fields, f)
		}
	}
	bad := slices.IndexFunc(fields, func(f string) bool { return slices.Contains(pictures, f) })
	switch {
	case e.Class == sdk.Auth:
		e.Message = "Onfido does not accept api_token, or the token lacks a permission; tokens are good for one region only"
	case e.Class == sdk.NotFound && resp.Status == http.StatusGone:
		e.Message = "Onfido has deleted this, or is about to"
	case e.Class == sdk.NotFound:
		e.Message = "Onfido has no such object"
	case e.Class == sdk.Throttled:
		e.Message = "Onfido asks for fewer requests"
	case e.Class == sdk.Unavailable:
		e.Message = "Onfido failed while it worked on the request"
	case e.Class == sdk.Invalid && bad >= 0:
		e.Class, e.Code, e.Message = sdk.Rejected, fields[bad], "Onfido cannot use the picture: another one must be taken"
	case e.Class == sdk.Invalid && len(fields) > 0:
		e.Message = "Onfido does not accept the request (" + strings.Join(fields[:min(len(fields), 5)], ", ") + ")"
	case e.Class == sdk.Invalid:
		e.Message = "Onfido does not accept the request"
	}
	return e
}
