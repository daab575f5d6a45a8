package hubspot

import (
	"context"
	"regexp"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/role"
)

// CompanyInput is a company by name, and by domain where that is known.
type CompanyInput struct {
	Name       string            `json:"name" doc:"Its name."`
	Domain     string            `json:"domain,omitempty" doc:"Domain of its web site, which tells it from others of the name."`
	Owner      string            `json:"owner,omitempty" doc:"HubSpot's ID of the person of your staff who has it."`
	Properties map[string]string `json:"properties,omitempty" doc:"Further properties, by HubSpot's names."`
}

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)

// Validate holds what HubSpot would refuse.
func (in CompanyInput) Validate() error {
	if strings.TrimSpace(in.Name) == "" {
		return sdk.Invalidf("name must not be empty")
	}
	if err := checkLine("name", in.Name, 200); err != nil {
		return err
	}
	if in.Domain != "" && (len(in.Domain) > 253 || !domainName.MatchString(strings.ToLower(in.Domain))) {
		return sdk.Invalidf("domain must be a domain such as example.com")
	}
	if err := checkOptional("owner", in.Owner); err != nil {
		return err
	}
	return checkProperties(in.Properties, "name", "domain", "hubspot_owner_id")
}

// companyUpsert finds a company that people or others made by HubSpot's search. One
// of our own has an identifier made of its domain or name, so that two requests at
// once, or one before the search has seen the other, make one company.
func (c *connection) companyUpsert(ctx context.Context, _ sdk.Call, in CompanyInput) (role.Upserted, error) {
	p := map[string]string{}
	for k, v := range in.Properties {
		p[k] = v
	}
	put(p, "domain", strings.ToLower(in.Domain))
	put(p, "hubspot_owner_id", in.Owner)
	key, sought := companyKey(in)
	old, ours, err := c.identified(ctx, companies, c.Key, key, "name")
	if err != nil {
		return role.Upserted{}, err
	}
	if !ours {
		found, err := c.search(ctx, companies, "", []group{sought}, "createdate", 1, "name")
		if err != nil {
			return role.Upserted{}, err
		}
		if len(found) == 0 {
			p["name"] = strings.TrimSpace(in.Name)
			p[c.Key] = key
			made, err := c.upsert(ctx, companies, c.Key, key, p)
			return role.Upserted{ID: made.ID, Created: made.New}, err
		}
		old = found[0]
	}
	if len(p) == 0 {
		return role.Upserted{ID: old.ID}, nil // there is nothing to change
	}
	_, err = c.update(ctx, companies, old.ID, p)
	return role.Upserted{ID: old.ID}, err
}

// companyKey is the identifier of a company that we make, and what a search for
// another asks.
func companyKey(in CompanyInput) (key string, sought group) {
	if in.Domain != "" {
		domain := strings.ToLower(in.Domain)
		return "domain:" + domain, equal("domain", domain)
	}
	folded := strings.Join(strings.Fields(strings.ToLower(in.Name)), " ")
	return "name:" + folded, equal("name", strings.TrimSpace(in.Name))
}
