package hubspot

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// byPhone begins the identifier of a contact of whom no more than a phone number is
// known: HubSpot does not keep phone numbers unique.
const byPhone = "tel:"

// ContactInput is a person as the workspace knows them.
type ContactInput struct {
	role.Person
	Owner string `json:"owner,omitempty" doc:"HubSpot's ID of the person of your staff who has the contact; see owner_find."`
}

// Validate holds what HubSpot would refuse.
func (in ContactInput) Validate() error { return checkPerson(in.Person, in.Owner) }

// LeadInput is somebody who may become a customer.
type LeadInput struct {
	role.Lead
	Owner string `json:"owner,omitempty" doc:"HubSpot's ID of the person of your staff who has the lead; see owner_find."`
}

// Validate holds what HubSpot would refuse.
func (in LeadInput) Validate() error {
	if in.Score < 0 || in.Score > 100 {
		return sdk.Invalidf("score must be from 0 to 100")
	}
	for field, text := range map[string]string{"source": in.Source, "status": in.Status} {
		if err := checkLine(field, text, 200); err != nil {
			return err
		}
	}
	return checkPerson(in.Person, in.Owner)
}

func (c *connection) contactUpsert(ctx context.Context, call sdk.Call, in ContactInput) (role.Upserted, error) {
	return c.keep(ctx, call, in.Person, c.properties(in.Person, in.Owner), false)
}

func (c *connection) leadUpsert(ctx context.Context, call sdk.Call, in LeadInput) (role.Upserted, error) {
	p := c.properties(in.Person, in.Owner)
	put(p, c.Source, in.Source)
	put(p, "hs_lead_status", in.Status)
	if in.Score != 0 {
		p[c.Score] = strconv.FormatFloat(in.Score, 'f', -1, 64)
	}
	return c.keep(ctx, call, in.Person, p, true)
}

// properties are what HubSpot keeps of a person; what is not known is left out.
func (c *connection) properties(in role.Person, owner string) map[string]string {
	p := map[string]string{}
	maps.Copy(p, in.Properties)
	first, last, _ := strings.Cut(strings.TrimSpace(in.Name), " ")
	put(p, "firstname", first)
	put(p, "lastname", strings.TrimSpace(last))
	put(p, c.ExternalID, in.ExternalID)
	put(p, "email", strings.ToLower(in.Email))
	put(p, "phone", in.Phone)
	put(p, "company", in.Company)
	put(p, "hs_language", strings.ToLower(in.Language))
	put(p, "hubspot_owner_id", owner)
	return p
}

// keep changes the contact who is meant, or makes one, and joins it to its company.
func (c *connection) keep(ctx context.Context, call sdk.Call, in role.Person, p map[string]string, lead bool) (role.Upserted, error) {
	company := ""
	if in.Company != "" {
		made, err := c.companyUpsert(ctx, call, CompanyInput{Name: in.Company})
		if err != nil {
			return role.Upserted{}, err
		}
		company = made.ID
	}
	out, err := c.write(ctx, in, p, lead)
	if err != nil || company == "" {
		return out, err
	}
	return out, c.join(ctx, out.ID, company)
}

func (c *connection) write(ctx context.Context, in role.Person, p map[string]string, lead bool) (role.Upserted, error) {
	who := c.identifiers(in)
	old, found, err := c.known(ctx, in, who)
	if err != nil {
		return role.Upserted{}, err
	}
	// A lifecycle stage moves forward only: nobody who is further on becomes a lead.
	if stage := old.Properties["lifecyclestage"]; lead && (stage == "" || stage == "subscriber") {
		p["lifecyclestage"] = "lead"
	}
	if found {
		_, err := c.update(ctx, contacts, old.ID, p)
		return role.Upserted{ID: old.ID}, err
	}
	if who[0].property == c.ExternalID {
		p[c.ExternalID] = who[0].value
	}
	made, err := c.upsert(ctx, contacts, who[0].property, who[0].value, p)
	return role.Upserted{ID: made.ID, Created: made.New}, err
}

// identifier is a unique property and its value.
type identifier struct{ property, value string }

// identifiers by which a person is known, the strongest first. A contact that is
// known by a weaker one takes on the stronger.
func (c *connection) identifiers(in role.Person) (list []identifier) {
	if in.ExternalID != "" {
		list = append(list, identifier{c.ExternalID, in.ExternalID})
	}
	if in.Email != "" {
		list = append(list, identifier{"email", strings.ToLower(in.Email)})
	}
	if in.Phone != "" {
		list = append(list, identifier{c.ExternalID, byPhone + in.Phone})
	}
	return list
}

// known finds the contact by its identifiers, and by a search for one that people
// made and of whom there is no more than a phone number. Somebody who shares only
// the phone number is another person.
func (c *connection) known(ctx context.Context, in role.Person, who []identifier) (object, bool, error) {
	for _, id := range who {
		o, found, err := c.identified(ctx, contacts, id.property, id.value, "lifecyclestage", "email", c.ExternalID)
		switch has := o.Properties; {
		case err != nil:
			return object{}, false, err
		case !found, strings.HasPrefix(id.value, byPhone) && in.Email != "" && has["email"] != "" && has["email"] != strings.ToLower(in.Email):
			continue
		case id.property == "email" && in.ExternalID != "" && another(has[c.ExternalID], in.ExternalID):
			return object{}, false, &sdk.Error{Class: sdk.Rejected, Code: "OTHER_IDENTIFIER",
				Message: "the contact with this e-mail address has another external_id; HubSpot keeps one contact for an address"}
		}
		return o, true, nil
	}
	if in.ExternalID != "" || in.Email != "" {
		return object{}, false, nil
	}
	found, err := c.search(ctx, contacts, "", []group{equal("phone", in.Phone), equal("mobilephone", in.Phone)}, "createdate", 1, "lifecyclestage")
	if err != nil || len(found) == 0 {
		return object{}, false, err
	}
	return found[0], true, nil
}

// another tells whether a contact has an external ID that is not the one given: one of
// the workspace's own, not of a phone number. A twin of the request may just have set it.
func another(has, given string) bool {
	return has != "" && !strings.HasPrefix(has, byPhone) && !strings.EqualFold(has, given)
}

// join associates a contact with a company. To say it again changes nothing.
func (c *connection) join(ctx context.Context, contact, company string) error {
	return c.call(ctx, http.MethodPut, "/crm/v4/objects/contacts/"+contact+"/associations/default/companies/"+company, nil, nil, nil)
}

// Contact is a contact as HubSpot has it.
type Contact struct {
	ID string `json:"id" doc:"HubSpot's ID of the contact."`
	role.Person
	Stage string `json:"stage,omitempty" doc:"The lifecycle stage, such as lead or customer."`
	Owner string `json:"owner,omitempty" doc:"HubSpot's ID of the person of your staff who has the contact."`
}

func (c *connection) fields() []string {
	return []string{c.ExternalID, "firstname", "lastname", "email", "phone", "company", "hs_language", "lifecyclestage", "hubspot_owner_id"}
}

func (c *connection) contact(o object) Contact {
	p := o.Properties
	out := Contact{ID: o.ID, Stage: p["lifecyclestage"], Owner: p["hubspot_owner_id"], Person: role.Person{
		Name: strings.TrimSpace(p["firstname"] + " " + p["lastname"]), Email: p["email"], Phone: p["phone"], Company: p["company"], Language: p["hs_language"]}}
	if id := p[c.ExternalID]; !strings.HasPrefix(id, byPhone) {
		out.ExternalID = id
	}
	return out
}

func (c *connection) contactGet(ctx context.Context, _ sdk.Call, in IDInput) (Contact, error) {
	var o object
	if err := c.get(ctx, objects(contacts)+"/"+in.ID, url.Values{"properties": {strings.Join(c.fields(), ",")}}, &o); err != nil {
		return Contact{}, err
	}
	return c.contact(o), o.needID()
}

// SearchInput says whom to look for. What is given must all hold.
type SearchInput struct {
	Email string `json:"email,omitempty" doc:"Exact e-mail address."`
	Phone string `json:"phone,omitempty" doc:"Exact phone number in E.164 form."`
	Words string `json:"words,omitempty" doc:"Words of a name, address or phone number."`
	Limit int    `json:"limit,omitempty" doc:"At most how many, 1 to 100; 10 unless given."`
}

// Validate wants something to look for.
func (in SearchInput) Validate() error {
	switch {
	case in.Email == "" && in.Phone == "" && strings.TrimSpace(in.Words) == "":
		return sdk.Invalidf("one of email, phone and words is needed")
	case in.Limit < 0 || in.Limit > 100:
		return sdk.Invalidf("limit must be from 1 to 100")
	case in.Email != "" && checkEmail(in.Email) != nil:
		return checkEmail(in.Email)
	case in.Phone != "" && !phone.MatchString(in.Phone):
		return sdk.Invalidf("phone must be in E.164 form: + and 7 to 15 digits")
	}
	return checkLine("words", in.Words, 200)
}

// Found are contacts, the newest first.
type Found struct {
	Contacts []Contact `json:"contacts" doc:"The newest first."`
}

func (c *connection) contactSearch(ctx context.Context, _ sdk.Call, in SearchInput) (Found, error) {
	var all []filter
	if in.Email != "" {
		all = append(all, filter{"email", "EQ", strings.ToLower(in.Email)})
	}
	if in.Phone != "" {
		all = append(all, filter{"phone", "EQ", in.Phone})
	}
	var groups []group
	if len(all) > 0 {
		groups = []group{{all}}
	}
	if in.Limit == 0 {
		in.Limit = 10
	}
	found, err := c.search(ctx, contacts, in.Words, groups, "-createdate", in.Limit, c.fields()...)
	out := Found{Contacts: []Contact{}}
	for _, o := range found {
		out.Contacts = append(out.Contacts, c.contact(o))
	}
	return out, err
}
