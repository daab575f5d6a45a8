package onfido

import (
	"context"
	"net/url"
	"regexp"

	"parley/connectors/sdk"
)

// DocumentInput is a document to upload.
type DocumentInput struct {
	ApplicantID    string `json:"applicant_id" doc:"Whose document it is."`
	Type           string `json:"type" doc:"Kind of document: passport, driving_licence, national_identity_card, residence_permit, utility_bill …"`
	File           string `json:"file" doc:"The file in base64: JPEG, PNG or PDF, at most 700 KiB of bytes."`
	Side           string `json:"side,omitempty" doc:"front or back, of documents that have both."`
	IssuingCountry string `json:"issuing_country,omitempty" doc:"Three-letter ISO 3166 code."`
	ValidateImage  bool   `json:"validate_image_quality,omitempty" doc:"Refuse a picture that is blurred, cut off or glaring at once. It takes up to 5 s."`
}

var documentType = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// Validate implements [sdk.Validator].
func (in DocumentInput) Validate() error {
	switch {
	case !documentType.MatchString(in.Type):
		return sdk.Invalidf("type must be one of Onfido's kinds of documents, such as passport")
	case in.Side != "" && in.Side != "front" && in.Side != "back":
		return sdk.Invalidf("side must be front or back")
	}
	if err := checkCountry("issuing_country", in.IssuingCountry); err != nil {
		return err
	}
	if _, err := readFile(in.File, "", true); err != nil {
		return err
	}
	return checkID("applicant_id", in.ApplicantID)
}

// Document is one as Onfido has it (schema document).
type Document struct {
	ID             string `json:"id" doc:"Onfido's ID of the document."`
	ApplicantID    string `json:"applicant_id,omitempty" doc:"Whose document it is."`
	Type           string `json:"type,omitempty" doc:"Kind of document."`
	Side           string `json:"side,omitempty" doc:"front or back."`
	IssuingCountry string `json:"issuing_country,omitempty" doc:"Three-letter ISO 3166 code."`
	CreatedAt      string `json:"created_at,omitempty" doc:"When it was uploaded (RFC 3339)."`
	FileSize       int64  `json:"file_size,omitempty" doc:"In bytes."`
}

// stored is what carries our key of an uploaded file.
type stored struct {
	FileName string `json:"file_name"`
}

func (c *connection) uploadDocument(ctx context.Context, call sdk.Call, in DocumentInput) (Document, error) {
	f, err := readFile(in.File, call.Key, true)
	if err != nil {
		return Document{}, err
	}
	fields := map[string]string{"applicant_id": in.ApplicantID, "type": in.Type, "side": in.Side, "issuing_country": in.IssuingCountry}
	if in.ValidateImage {
		fields["validate_image_quality"] = "true"
	}
	var d Document
	err = c.upload(ctx, "document_upload", "/documents", fields, f, &d)
	return d, made(err, d.ID)
}

func (c *connection) findDocument(ctx context.Context, call sdk.Call, in DocumentInput) (Document, bool, error) {
	var list struct {
		Documents []struct {
			Document
			stored
		} `json:"documents"`
	}
	if err := c.get(ctx, "document_upload", "/documents", url.Values{"applicant_id": {in.ApplicantID}}, &list); err != nil {
		return Document{}, false, err
	}
	for _, d := range list.Documents {
		if sameFile(d.FileName, call.Key) {
			return d.Document, true, nil
		}
	}
	return Document{}, false, nil
}

// PhotoInput is a photo of an applicant's face.
type PhotoInput struct {
	ApplicantID string `json:"applicant_id" doc:"Whose face it is."`
	File        string `json:"file" doc:"The photo in base64: JPEG or PNG, at most 700 KiB of bytes."`
	// SkipValidation is the opposite of Onfido's advanced_validation, which is on.
	SkipValidation bool `json:"skip_validation,omitempty" doc:"Do not check at once that there is exactly one face."`
}

// Validate implements [sdk.Validator].
func (in PhotoInput) Validate() error {
	if _, err := readFile(in.File, "", false); err != nil {
		return err
	}
	return checkID("applicant_id", in.ApplicantID)
}

// Photo is a live photo as Onfido has it (schema live_photo).
type Photo struct {
	ID        string `json:"id" doc:"Onfido's ID of the photo."`
	CreatedAt string `json:"created_at,omitempty" doc:"When it was uploaded (RFC 3339)."`
	FileSize  int64  `json:"file_size,omitempty" doc:"In bytes."`
}

func (c *connection) uploadPhoto(ctx context.Context, call sdk.Call, in PhotoInput) (Photo, error) {
	f, err := readFile(in.File, call.Key, false)
	if err != nil {
		return Photo{}, err
	}
	fields := map[string]string{"applicant_id": in.ApplicantID}
	if in.SkipValidation {
		fields["advanced_validation"] = "false"
	}
	var p Photo
	err = c.upload(ctx, "live_photo_upload", "/live_photos", fields, f, &p)
	return p, made(err, p.ID)
}

func (c *connection) findPhoto(ctx context.Context, call sdk.Call, in PhotoInput) (Photo, bool, error) {
	var list struct {
		Photos []struct {
			Photo
			stored
		} `json:"live_photos"`
	}
	if err := c.get(ctx, "live_photo_upload", "/live_photos", url.Values{"applicant_id": {in.ApplicantID}}, &list); err != nil {
		return Photo{}, false, err
	}
	for _, p := range list.Photos {
		if sameFile(p.FileName, call.Key) {
			return p.Photo, true, nil
		}
	}
	return Photo{}, false, nil
}
