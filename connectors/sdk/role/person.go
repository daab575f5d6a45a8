package role

import (
	"regexp"
	"strings"
)

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Problem says what keeps a provider from finding or making the person, in words that
// quote nothing; "" if nothing does.
func (p Person) Problem() string {
	switch {
	case p.ExternalID+p.Email+p.Phone == "":
		return "one of external_id, email and phone is needed"
	case len(p.ExternalID) > 255 || len(p.Name) > 255 || len(p.Company) > 255 || len(p.Email) > 255:
		return "external_id, name, company and email have at most 255 bytes"
	case p.Email != "" && (!strings.Contains(p.Email, "@") || strings.ContainsAny(p.Email, " \t\r\n")):
		return "email is no e-mail address"
	case p.Phone != "" && !e164.MatchString(p.Phone):
		return "phone must be in E.164 form, with +"
	}
	return ""
}
