package roles

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/connectors/sdk"
	"parley/internal/checkup"
	"parley/internal/connections"
	"parley/internal/oauth"
)

func (r connectionResource) tokenFor(ctx context.Context, ws uuid.UUID, name string) (connections.TokenFor, error) {
	f, err := r.e.Connections.TokenFor(ctx, ws, name, uuid.Nil)
	if errors.Is(err, connections.ErrNotFound) {
		err = noConnection()
	}
	return f, err
}

// Authorize begins an authorisation by OAuth.
func (r connectionResource) Authorize(ctx context.Context, ws uuid.UUID, name, actor string) (api.Consent, error) {
	f, err := r.tokenFor(ctx, ws, name)
	if err != nil {
		return api.Consent{}, err
	}
	if r.e.PublicURL == "" {
		return api.Consent{}, sdk.Invalidf("public_url is not set: the provider could not send the person back")
	}
	url, until, err := r.e.OAuth.Begin(ctx, f, actor)
	return api.Consent{URL: url, ExpiresAt: until}, err
}

// Check tries the connection, and adds what is known of its authorisation and chores.
func (r connectionResource) Check(ctx context.Context, ws uuid.UUID, name string) (api.Checkup, error) {
	f, err := r.tokenFor(ctx, ws, name)
	if err != nil {
		return api.Checkup{}, err
	}
	k, err := r.e.Connections.ByName(ctx, ws, name)
	if refused, ok := errors.AsType[*sdk.Error](err); ok { // a newer program is stricter
		return showCheckup([]checkup.Finding{checkup.OfError(checkup.Configuration, refused)}), nil
	}
	if err != nil {
		return api.Checkup{}, err
	}
	found := checkup.Of(ctx, f.Config, k.Conn)
	shown, err := r.Get(ctx, ws, name)
	if err != nil {
		return api.Checkup{}, err
	}
	if a := shown.Authorization; a != nil {
		finding := checkup.Finding{What: checkup.Authorization, State: checkup.OK}
		if a.State != "authorized" {
			finding = checkup.Finding{What: checkup.Authorization, State: checkup.Missing, Code: a.Code,
				Detail: "authorise the connection (POST /v1/connections/{name}/authorize), or correct its client credentials"}
		}
		found = append(found, finding)
	}
	found = append(found, ofChore(checkup.Subscription, shown.Subscription)...)
	return showCheckup(append(found, ofChore(checkup.Poll, shown.Poll)...)), nil
}

// ofChore finds nothing for a connection without the chore.
func ofChore(what string, c *api.Chore) []checkup.Finding {
	switch {
	case c == nil:
		return nil
	case c.State == "waiting":
		return []checkup.Finding{{What: what, State: checkup.Unknown, Detail: "it was not tried yet; a worker does that within seconds"}}
	case c.State == "failing":
		return []checkup.Finding{checkup.OfError(what, &sdk.Error{Class: sdk.Class(c.ErrorClass), Code: c.ErrorCode, Message: c.Error})}
	}
	return []checkup.Finding{{What: what, State: checkup.OK}}
}

func showCheckup(found []checkup.Finding) api.Checkup {
	out := api.Checkup{OK: checkup.Sound(found), Findings: make([]api.Finding, len(found))}
	for i, f := range found {
		out.Findings[i] = api.Finding(f)
	}
	return out
}

// consentResource implements api.Consents.
type consentResource struct{ e *Engine }

func (r consentResource) Finish(ctx context.Context, state, code string) error {
	c, err := r.e.OAuth.Take(ctx, state)
	if errors.Is(err, oauth.ErrState) {
		return problem.Forbidden.New("This authorisation is not known, took too long, or was finished before. Begin it again.")
	}
	if err != nil {
		return err
	}
	if code == "" {
		return problem.Forbidden.New("The provider gave no authorisation: it was declined, or the app lacks a right. Begin it again.")
	}
	f, err := r.e.Connections.TokenFor(ctx, c.Workspace, "", c.Connection)
	if errors.Is(err, connections.ErrNotFound) {
		return noConnection()
	}
	if err != nil {
		return err
	}
	return r.e.OAuth.Finish(ctx, f, c, code)
}
