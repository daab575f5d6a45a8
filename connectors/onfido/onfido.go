// Package onfido is the connector for Onfido (Entrust Identity Verification):
// applicants, their documents and photos, Studio workflow runs, checks and their
// reports.
//
// Requests and answers are those of Onfido's OpenAPI document of its API v3.6
// (onfido-openapi-spec 6.2.0). Onfido knows no idempotency keys: what carries a tag
// or a file name of ours is searched for by it, and applicants carry neither.
package onfido

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"parley/connectors/sdk"
)

// settle is how long a search may lag behind what it looks for. Onfido promises
// nothing about that; a minute is caution, not measurement.
const settle = time.Minute

var read = sdk.Effect{Kind: sdk.Read}

// Connector is the manifest. The limit is the one of live accounts ("Rate limits",
// https://documentation.onfido.com/api/latest): 400 requests a minute.
var Connector = sdk.Connector{
	Name:       "onfido",
	Title:      "Onfido",
	Docs:       "https://documentation.onfido.com/api/latest",
	Config:     &Config{},
	Operations: operations,
	Triggers:   triggers,
	Limits:     sdk.Limits{PerSecond: 6.6, Burst: 20},
	Open:       open,
}

var operations = []sdk.Operation{
	sdk.Op("applicant_create", "Makes an applicant: a person to verify. Onfido can neither recognise a repeat nor search for one.",
		sdk.Effect{Kind: sdk.Once}, (*connection).createApplicant).
		Sample(`{"first_name":"Ines","last_name":"Moreau","dob":"1990-04-17","address":{"country":"FRA","postcode":"69001","town":"Lyon"}}`),
	sdk.Op("applicant_get", "Tells what is known of an applicant.", read, (*connection).getApplicant).
		Sample(`{"id":"{{applicant_create.id}}"}`),
	sdk.LookupOp("applicant_update", "Changes the given details of an applicant. A repeat is noticed by looking whether they are as asked.",
		settle, (*connection).updateApplicant, (*connection).findUpdate).
		Sample(`{"id":"{{applicant_create.id}}","last_name":"Moreau-Petit","email":"ines@example.com"}`),
	sdk.LookupOp("document_upload", "Uploads a picture or PDF of an applicant's document.",
		settle, (*connection).uploadDocument, (*connection).findDocument).
		Sample(`{"applicant_id":"{{applicant_create.id}}","type":"passport","issuing_country":"FRA","file":"` + samplePNG + `"}`),
	sdk.LookupOp("live_photo_upload", "Uploads a photo of an applicant's face.",
		settle, (*connection).uploadPhoto, (*connection).findPhoto).
		Sample(`{"applicant_id":"{{applicant_create.id}}","file":"` + samplePNG + `"}`),
	sdk.Op("sdk_token_create", "Makes a token with which Onfido's web or mobile SDK collects an applicant's documents and photos, for 90 minutes.",
		read, (*connection).createToken).
		Sample(`{"applicant_id":"{{applicant_create.id}}","referrer":"https://*.example.com/*"}`),
	sdk.LookupOp("workflow_run_create", "Starts a Studio workflow for an applicant. Its link is a page on which they can go through it; workflow_run.completed tells how it ended.",
		settle, (*connection).createRun, (*connection).findRun).
		Sample(`{"applicant_id":"{{applicant_create.id}}","workflow_id":"11111111-1111-4111-8111-111111111111","link":{"language":"fr_FR"}}`),
	sdk.Op("workflow_run_get", "Tells how far a workflow run is, and what came of it.", read, (*connection).getRun).
		Sample(`{"id":"{{workflow_run_create.id}}"}`),
	sdk.LookupOp("check_create", "Starts a check: reports on what an applicant has uploaded. check.completed tells when they are there.",
		settle, (*connection).createCheck, (*connection).findCheck).
		Sample(`{"applicant_id":"{{document_upload.applicant_id}}","report_names":["document"]}`),
	sdk.Op("check_get", "Tells the state and result of a check.", read, (*connection).getCheck).
		Sample(`{"id":"{{check_create.id}}"}`),
	sdk.Op("report_list", "Lists the reports of a check with their results.", read, (*connection).listReports).
		Sample(`{"check_id":"{{check_create.id}}"}`),
	sdk.Op("report_get", "Tells a report's result, its breakdown and what was read from the document.", read, (*connection).getReport).
		Sample(`{"id":"{{check_create.report_ids.0}}"}`),
}

// samplePNG is a picture of one pixel.
const samplePNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// connection is one Onfido account. It is immutable and safe for concurrent use.
type connection struct {
	settings
	hook string
	http *http.Client
}

func open(raw json.RawMessage, host sdk.Host) (any, error) {
	s, err := readConfig(raw)
	if err != nil {
		return nil, err
	}
	client := host.HTTP
	if client == nil {
		client = sdk.NewHTTPClient(sdk.HTTPOptions{AllowHost: s.allowHost})
	}
	return &connection{settings: s, hook: host.Hook, http: client}, nil
}

// Check reads the account's webhooks, which hold nothing of anybody, and tells
// whether one of them is this connection's.
func (c *connection) Check(ctx context.Context) error {
	var list struct {
		Webhooks []struct {
			URL     string `json:"url"`
			Enabled *bool  `json:"enabled"`
			Token   string `json:"token"`
		} `json:"webhooks"`
	}
	if err := c.get(ctx, "check", "/webhooks", nil, &list); err != nil {
		return err
	}
	if list.Webhooks == nil {
		return unreadable(nil)
	}
	if len(c.secrets) == 0 {
		return sdk.Invalidf("webhook_secret is missing: without it no result is ever noticed")
	}
	if c.hook == "" {
		return nil
	}
	for _, w := range list.Webhooks {
		if w.URL != c.hook || w.Enabled != nil && !*w.Enabled {
			continue
		}
		if w.Token != "" && !c.knows(w.Token) {
			return sdk.Invalidf("webhook_secret is not the token of the webhook that Onfido has for this connection")
		}
		return nil
	}
	return sdk.Invalidf("Onfido has no enabled webhook with this connection's address: add it in the dashboard, and its token as webhook_secret")
}
