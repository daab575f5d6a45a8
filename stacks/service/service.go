// Package service is customer service: common questions, tickets that are opened and
// followed, people, and how satisfied the customer is, as a flow in English and Hindi.
package service

import _ "embed"

// Flow is the source of service.yaml.
//
//go:embed service.yaml
var Flow []byte

// Roles are those that a connection of the workspace must have taken on.
var Roles = []string{"helpdesk"}
