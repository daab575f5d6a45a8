package salesforce

import (
	"context"
	"maps"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// unknown stands where Salesforce requires a name and there is none, as Salesforce's
// own forms write it.
const unknown = "[not provided]"

// ContactInput is a person as the workspace knows them.
type ContactInput struct {
	role.Person
	Owner string `json:"owner,omitempty" doc:"Salesforce's ID of the user who has the contact; see owner_find."`
}

// Validate holds what Salesforce would refuse.
func (in ContactInput) Validate() error { return checkPerson(in.Person, in.Owner) }

// LeadInput is somebody who may become a customer.
type LeadInput struct {
	role.Lead
	Owner string `json:"owner,omitempty" doc:"Salesforce's ID of the user who has the lead; see owner_find."`
}

// Validate holds what Salesforce would refuse.
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
	record := c.record(in.Person, in.Owner)
	if in.Company != "" {
		company, err := c.companyUpsert(ctx, call, CompanyInput{Name: in.Company})
		if err != nil {
			return role.Upserted{}, err
		}
		record["AccountId"] = company.ID
	}
	return c.keep(ctx, "Contact", in.Person, record, "LastName")
}

func (c *connection) leadUpsert(ctx context.Context, _ sdk.Call, in LeadInput) (role.Upserted, error) {
	record := c.record(in.Person, in.Owner)
	put(record, "Company", in.Company)
	put(record, "LeadSource", in.Source)
	put(record, "Status", in.Status)
	if in.Score != 0 {
		if c.Score == "" {
			return role.Upserted{}, sdk.Invalidf("a score is given, and the connection has no score_field to keep it in")
		}
		record[c.Score] = in.Score
	}
	return c.keep(ctx, "Lead", in.Person, record, "LastName", "Company")
}

// record is what Salesforce keeps of a person; what is not known is left out.
func (c *connection) record(in role.Person, owner string) map[string]any {
	r := map[string]any{}
	for field, value := range in.Properties {
		r[field] = value
	}
	name := strings.Fields(in.Name)
	if n := len(name); n > 0 {
		r["LastName"] = name[n-1]
		put(r, "FirstName", strings.Join(name[:n-1], " "))
	}
	put(r, "Email", in.Email)
	put(r, "Phone", in.Phone)
	put(r, "OwnerId", owner)
	if c.Language != "" {
		put(r, c.Language, in.Language)
	}
	return r
}

// keep changes the contact or lead who is meant, or makes one, for which the fields
// that Salesforce requires are filled.
func (c *connection) keep(ctx context.Context, kind string, in role.Person, record map[string]any, required ...string) (role.Upserted, error) {
	id, err := c.known(ctx, kind, in)
	if err != nil {
		return role.Upserted{}, err
	}
	if id != "" {
		put(record, c.ExternalID, in.ExternalID)
		return role.Upserted{ID: id}, c.update(ctx, kind, id, record)
	}
	for _, field := range required {
		if record[field] == nil {
			record[field] = unknown
		}
	}
	made, err := c.upsert(ctx, kind, c.ExternalID, identifiers(in)[0], record)
	return role.Upserted{ID: made.ID, Created: made.Created}, err
}

// identifiers by which a person is known in our field, the strongest first.
func identifiers(in role.Person) (list []string) {
	if in.ExternalID != "" {
		list = append(list, in.ExternalID)
	}
	if in.Email != "" {
		list = append(list, derived("email", in.Email))
	}
	if in.Phone != "" {
		list = append(list, derived("phone", in.Phone))
	}
	return list
}

// known finds who is meant, "" if nobody is: by our field, by the address, and by the
// number where there is no more. Of several the first that was made is taken.
func (c *connection) known(ctx context.Context, kind string, in role.Person) (string, error) {
	who := identifiers(in)
	var conditions []string
	for _, id := range who {
		conditions = append(conditions, equals(c.ExternalID, id))
	}
	if in.Email != "" {
		conditions = append(conditions, equals("Email", in.Email))
	}
	if in.Phone != "" && in.Email == "" && in.ExternalID == "" {
		conditions = append(conditions, equals("Phone", in.Phone), equals("MobilePhone", in.Phone))
	}
	where := anyOf(conditions...)
	if kind == "Lead" {
		where += " AND IsConverted = false"
	}
	rows, err := c.query(ctx, "SELECT Id, Email, "+c.ExternalID+" FROM "+kind+" WHERE "+where+" ORDER BY CreatedDate, Id LIMIT 100")
	if err != nil {
		return "", err
	}
	best, rank := "", 100
	for _, r := range rows {
		if n := c.rank(r, in, who); n < rank {
			best, rank = r.text("Id"), n
		}
	}
	if best != "" && !recordID.MatchString(best) {
		return "", unreadable()
	}
	return best, nil
}

// rank tells how surely a record is the person, 0 being the surest and 100 not at all.
// With an external ID of its own it is another person than one of another external ID,
// and with another address than one whose number it shares.
func (c *connection) rank(r row, in role.Person, who []string) int {
	has, email := r.text(c.ExternalID), r.text("Email")
	for i, id := range who {
		byPhone := in.Phone != "" && i == len(who)-1
		if strings.EqualFold(has, id) && !(byPhone && in.Email != "" && email != "" && !strings.EqualFold(email, in.Email)) {
			return i
		}
	}
	switch own := has != "" && !strings.HasPrefix(has, ours); {
	case own && in.ExternalID != "":
		return 100
	case in.Email != "" && strings.EqualFold(email, in.Email):
		return 10
	case in.Email == "" && in.ExternalID == "":
		return 20
	}
	return 100
}

// Contact is a contact as Salesforce has it.
type Contact struct {
	ID string `json:"id" doc:"Salesforce's ID of the contact."`
	role.Person
	Account string `json:"account,omitempty" doc:"Salesforce's ID of the account."`
	Owner   string `json:"owner,omitempty" doc:"Salesforce's ID of the user who has the contact."`
}

// contacts begins a query for contacts.
func (c *connection) contacts() string {
	fields := "Id, Name, Email, Phone, MobilePhone, AccountId, Account.Name, OwnerId, " + c.ExternalID
	if c.Language != "" {
		fields += ", " + c.Language
	}
	return "SELECT " + fields + " FROM Contact WHERE "
}

func (c *connection) contact(r row) Contact {
	out := Contact{ID: r.text("Id"), Account: r.text("AccountId"), Owner: r.text("OwnerId"),
		Person: role.Person{Name: r.text("Name"), Email: r.text("Email"), Phone: r.text("Phone"), Company: r.text("Account.Name")}}
	if out.Phone == "" {
		out.Phone = r.text("MobilePhone")
	}
	if id := r.text(c.ExternalID); !strings.HasPrefix(id, ours) {
		out.ExternalID = id
	}
	if c.Language != "" {
		out.Language = r.text(c.Language)
	}
	return out
}

func (c *connection) contactGet(ctx context.Context, _ sdk.Call, in IDInput) (Contact, error) {
	r, err := c.one(ctx, c.contacts()+equals("Id", in.ID))
	if err != nil {
		return Contact{}, err
	}
	return c.contact(r), nil
}

// SearchInput says whom to look for. What is given must all hold.
type SearchInput struct {
	Email string `json:"email,omitempty" doc:"Exact e-mail address."`
	Phone string `json:"phone,omitempty" doc:"Exact phone number in E.164 form."`
	Name  string `json:"name,omitempty" doc:"The beginning of the full name."`
	Limit int    `json:"limit,omitempty" doc:"At most how many, 1 to 100; 10 unless given."`
}

// Validate wants something to look for.
func (in SearchInput) Validate() error {
	switch {
	case in.Email == "" && in.Phone == "" && strings.TrimSpace(in.Name) == "":
		return sdk.Invalidf("one of email, phone and name is needed")
	case in.Limit < 0 || in.Limit > 100:
		return sdk.Invalidf("limit must be from 1 to 100")
	case in.Email != "" && checkEmail(in.Email) != nil:
		return checkEmail(in.Email)
	case in.Phone != "" && !phone.MatchString(in.Phone):
		return sdk.Invalidf("phone must be in E.164 form: + and 7 to 15 digits")
	}
	return checkLine("name", in.Name, 120)
}

// Found are contacts, the newest first.
type Found struct {
	Contacts []Contact `json:"contacts" doc:"The newest first."`
}

func (c *connection) contactSearch(ctx context.Context, _ sdk.Call, in SearchInput) (Found, error) {
	var all []string
	if in.Email != "" {
		all = append(all, equals("Email", in.Email))
	}
	if in.Phone != "" {
		all = append(all, anyOf(equals("Phone", in.Phone), equals("MobilePhone", in.Phone)))
	}
	if in.Name != "" {
		all = append(all, "Name LIKE "+startsWith(in.Name))
	}
	if in.Limit == 0 {
		in.Limit = 10
	}
	rows, err := c.query(ctx, c.contacts()+strings.Join(all, " AND ")+" ORDER BY CreatedDate DESC"+limit(in.Limit))
	out := Found{Contacts: []Contact{}}
	for _, r := range rows {
		out.Contacts = append(out.Contacts, c.contact(r))
	}
	return out, err
}

// CompanyInput is a company by name.
type CompanyInput struct {
	Name       string            `json:"name" doc:"Its name."`
	Website    string            `json:"website,omitempty" doc:"Address of its web site."`
	Owner      string            `json:"owner,omitempty" doc:"Salesforce's ID of the user who has it."`
	Properties map[string]string `json:"properties,omitempty" doc:"Further fields, by their API names; values as texts."`
}

// Validate holds what Salesforce would refuse.
func (in CompanyInput) Validate() error {
	if strings.TrimSpace(in.Name) == "" {
		return sdk.Invalidf("name must not be empty")
	}
	for _, err := range []error{checkLine("name", in.Name, 255), checkLine("website", in.Website, 255), checkOptional("owner", in.Owner),
		checkProperties(in.Properties, "Id", "Name", "Website", "OwnerId")} {
		if err != nil {
			return err
		}
	}
	return nil
}

// companyUpsert finds the account of a name, whoever made it; of several the first. One
// that we make has a key made of its name, so that two requests at once make one.
func (c *connection) companyUpsert(ctx context.Context, _ sdk.Call, in CompanyInput) (role.Upserted, error) {
	name := strings.Join(strings.Fields(in.Name), " ")
	key := derived("company", name)
	record := map[string]any{}
	for field, value := range in.Properties {
		record[field] = value
	}
	put(record, "Website", in.Website)
	put(record, "OwnerId", in.Owner)
	rows, err := c.query(ctx, "SELECT Id FROM Account WHERE "+anyOf(equals(c.Key, key), equals("Name", name))+" ORDER BY CreatedDate, Id LIMIT 1")
	if err != nil {
		return role.Upserted{}, err
	}
	if len(rows) == 0 {
		full := map[string]any{"Name": name}
		maps.Copy(full, record)
		made, err := c.upsert(ctx, "Account", c.Key, key, full)
		return role.Upserted{ID: made.ID, Created: made.Created}, err
	}
	id := rows[0].text("Id")
	switch {
	case !recordID.MatchString(id):
		return role.Upserted{}, unreadable()
	case len(record) == 0:
		return role.Upserted{ID: id}, nil // there is nothing to change
	}
	return role.Upserted{ID: id}, c.update(ctx, "Account", id, record)
}
