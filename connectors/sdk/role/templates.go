package role

// Statuses of a template.
const (
	TemplatePending  = "pending"  // the provider looks at it
	TemplateApproved = "approved" // may be sent
	TemplateRejected = "rejected"
	TemplatePaused   = "paused"   // customers did not like it; for a time
	TemplateDisabled = "disabled" // for good
	TemplateDeleted  = "deleted"
)

// Categories of a template.
const (
	CategoryMarketing      = "marketing"
	CategoryUtility        = "utility"
	CategoryAuthentication = "authentication"
)

// TemplateName names a template. A name has one version for each language.
type TemplateName struct {
	Name     string `json:"name" doc:"The template's name: small letters, digits and _."`
	Language string `json:"language" doc:"Its language, such as en_US."`
}

// TemplateDraft is a template that the provider is asked to approve. Placeholders
// are written {{1}}, {{2}} and so on.
type TemplateDraft struct {
	Name     string           `json:"name" doc:"The template's name: small letters, digits and _."`
	Language string           `json:"language" doc:"Its language, such as en_US."`
	Category string           `json:"category" doc:"marketing, utility or authentication."`
	Header   string           `json:"header,omitempty" doc:"A line above the text."`
	Body     string           `json:"body" doc:"The text, with placeholders {{1}}, {{2}} …"`
	Footer   string           `json:"footer,omitempty" doc:"A line below it."`
	Examples []string         `json:"examples,omitempty" doc:"An example for each placeholder of the text, in order. Nothing personal."`
	Buttons  []TemplateButton `json:"buttons,omitempty" doc:"Buttons below it."`
}

// TemplateButton is an answer to tap, or a link if it has an address.
type TemplateButton struct {
	Label string `json:"label" doc:"What is written on it."`
	URL   string `json:"url,omitempty" doc:"Where it leads."`
}

// TemplateState is a template as the provider has it.
type TemplateState struct {
	ID       string `json:"id" doc:"The provider's ID of it."`
	Name     string `json:"name" doc:"The template's name."`
	Language string `json:"language" doc:"Its language."`
	Category string `json:"category,omitempty" doc:"marketing, utility or authentication, as the provider now sees it."`
	Status   string `json:"status,omitempty" doc:"pending, approved, rejected, paused, disabled or deleted."`
	Reason   string `json:"reason,omitempty" doc:"Why, in a word of the provider's."`
}

// TemplatesAfter asks for a page of templates.
type TemplatesAfter struct {
	After string `json:"after,omitempty" doc:"Where the page begins: next of the page before; the first page unless given."`
}

// TemplatePage is a page of templates.
type TemplatePage struct {
	Templates []TemplateState `json:"templates" doc:"At most 100."`
	Next      string          `json:"next,omitempty" doc:"Where the next page begins; none if empty."`
}
