package onfidofake

import (
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
)

var badName = regexp.MustCompile("[\\^!#$%*=<>;{}\"]")

// details of an applicant that are taken over as they are.
var details = []string{"first_name", "last_name", "email", "dob", "phone_number", "id_numbers", "address", "location"}

func checkPerson(o object) *failure {
	for _, field := range []string{"first_name", "last_name"} {
		if badName.MatchString(o.text(field)) {
			return invalid(field, "invalid characters")
		}
	}
	if email := o.text("email"); email != "" && !strings.Contains(email, "@") {
		return invalid("email", "invalid format")
	}
	if a, ok := o["address"].(map[string]any); ok && (object(a).text("country") == "" || object(a).text("postcode") == "") {
		return invalid("address", "country and postcode can't be blank")
	}
	return nil
}

func (s *server) createApplicant(c call) (any, *failure) {
	in, failed := c.body()
	if failed != nil {
		return nil, failed
	}
	for _, field := range []string{"first_name", "last_name"} {
		if strings.TrimSpace(in.text(field)) == "" {
			return nil, invalid(field, "can't be blank")
		}
	}
	if failed := checkPerson(in); failed != nil {
		return nil, failed
	}
	o := object{"sandbox": true}
	for _, field := range details {
		if v, ok := in[field]; ok {
			o[field] = v
		}
	}
	return s.make(c, "applicants", o), nil
}

func (s *server) updateApplicant(c call) (any, *failure) {
	in, failed := c.body()
	if failed != nil {
		return nil, failed
	}
	if failed := checkPerson(in); failed != nil {
		return nil, failed
	}
	if _, ok := s.get(c.owner, "applicants", c.id()); !ok {
		return nil, missing()
	}
	_, o := s.change("applicants", c.id(), func(o object) {
		for _, field := range details {
			if v, ok := in[field]; ok {
				o[field] = v
			}
		}
	})
	return o, nil
}

// endings are the file types that are taken, by what the bytes say they are.
var endings = map[string][]string{"image/jpeg": {"jpg", "jpeg"}, "image/png": {"png"}, "application/pdf": {"pdf"}}

// upload takes a document or a live photo, 10 MB at most.
func (s *server) upload(bucket string) endpoint {
	return func(c call) (any, *failure) {
		c.r.Body = http.MaxBytesReader(c.w, c.r.Body, 10<<20)
		if err := c.r.ParseMultipartForm(10 << 20); err != nil {
			return nil, &failure{status: http.StatusBadRequest, Type: "bad_request", Message: "There was a problem with the request"}
		}
		f, header, err := c.r.FormFile("file")
		if err != nil {
			return nil, invalid("file", "can't be blank")
		}
		raw, err := io.ReadAll(f)
		if err != nil {
			return nil, invalid("file", "is not readable")
		}
		kind, ending := http.DetectContentType(raw), strings.TrimPrefix(path.Ext(header.Filename), ".")
		allowed := endings[kind]
		if len(allowed) == 0 || !strings.Contains(strings.Join(allowed, " "), ending) || kind != header.Header.Get("Content-Type") {
			return nil, invalid("file", "is not an accepted file type")
		}
		form := c.r.FormValue
		if _, ok := s.get(c.owner, "applicants", form("applicant_id")); !ok {
			return nil, invalid("applicant_id", "is not valid")
		}
		o := object{"applicant_id": form("applicant_id"), "file_name": header.Filename, "file_type": ending, "file_size": len(raw)}
		if bucket == "live_photos" {
			if kind == "application/pdf" {
				return nil, invalid("file", "is not an accepted file type")
			}
			if form("advanced_validation") != "false" && strings.Contains(string(raw), noFace) {
				return nil, invalid("face_detection", "Face not detected in image. Please note this validation can be disabled by setting the advanced_validation parameter to false.")
			}
			o["kind"] = "live_photo"
			return hidden(s.make(c, bucket, o)), nil
		}
		if form("type") == "" {
			return nil, invalid("type", "can't be blank")
		}
		if form("validate_image_quality") == "true" && strings.Contains(string(raw), blurred) {
			return nil, invalid("blur", "blur detected in image")
		}
		for _, field := range []string{"type", "side", "issuing_country"} {
			if v := form(field); v != "" {
				o[field] = v
			}
		}
		return s.make(c, bucket, o), nil
	}
}

// A picture with one of these texts in it is as bad as they say.
const (
	noFace  = "parley:no-face"
	blurred = "parley:blurred"
)
