// Package leads is lead generation: questions that qualify, a score, the CRM, and an
// appointment with those who are promising, as a flow in English and Hindi.
package leads

import _ "embed"

// Flow is the source of leads.yaml.
//
//go:embed leads.yaml
var Flow []byte

// Roles are those that a connection of the workspace must have taken on.
var Roles = []string{"crm"}

// Calendar is the name of the calendar in which appointments are made.
const Calendar = "sales"
