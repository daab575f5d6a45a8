package activities

import (
	"context"
	"encoding/json"
	"errors"

	"parley/connectors/sdk"
	"parley/internal/contacts"
	"parley/internal/conversations"
)

// contactOperation does what a flow has the engine record of a contact. Each may
// be repeated at will.
func (a *Activities) contactOperation(ctx context.Context, ref conversations.Ref, req conversations.Requested) (json.RawMessage, error) {
	var in struct {
		Tag       string         `json:"tag"`
		Remove    bool           `json:"remove"`
		Purpose   string         `json:"purpose"`
		Granted   bool           `json:"granted"`
		Language  string         `json:"language"`
		Values    map[string]any `json:"values"`
		Consented bool           `json:"consented"`
	}
	if err := sdk.DecodeStrict(req.Input, &in); err != nil {
		return nil, err
	}
	var err error
	switch req.Operation {
	case "contact_tag":
		err = a.Contacts.Tag(ctx, ref.Workspace, ref.Contact, in.Tag, in.Remove)
	case "contact_consent":
		err = a.Contacts.Consent(ctx, ref.Workspace, ref.Contact, in.Purpose, in.Granted, req.At)
	case "contact_language":
		err = a.Contacts.SetLanguage(ctx, ref.Workspace, ref.Contact, in.Language)
	case "contact_remember":
		err = a.Contacts.Remember(ctx, ref.Workspace, ref.Contact, in.Values, in.Consented, req.At)
	}
	switch {
	case errors.Is(err, contacts.ErrFull):
		return nil, sdk.Invalidf("the contact has too many tags or consents")
	case errors.Is(err, contacts.ErrNoConsent):
		return nil, &sdk.Error{Class: sdk.Rejected, Code: "no_consent", Message: "the contact has not agreed to being remembered"}
	case errors.Is(err, contacts.ErrTooLarge):
		return nil, sdk.Invalidf("a value is too large to be remembered")
	case errors.Is(err, contacts.ErrNotFound):
		return nil, &sdk.Error{Class: sdk.NotFound, Message: "there is no such contact"}
	case err != nil:
		return nil, err
	}
	return json.RawMessage(`{}`), nil
}
