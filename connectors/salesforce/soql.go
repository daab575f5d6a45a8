package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// quote writes a text as a literal of SOQL, so that nothing in it is read as SOQL
// ("Quoted String Escape Sequences").
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == '\u007f' || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// startsWith writes a pattern for LIKE that fits what begins with a text. What is a
// wild card in a pattern stands for itself.
func startsWith(text string) string {
	literal := quote(text)
	literal = strings.NewReplacer("%", `\%`, "_", `\_`).Replace(literal)
	return literal[:len(literal)-1] + "%'"
}

// moment writes a time as a literal of SOQL, which are not quoted.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// equals is a condition on a field.
func equals(field, text string) string { return field + " = " + quote(text) }

// anyOf joins conditions of which one is to hold. SOQL wants parentheses.
func anyOf(conditions ...string) string { return "(" + strings.Join(conditions, " OR ") + ")" }

// row is a record of an answer, with the fields that were asked for.
type row map[string]any

func (r row) text(field string) string {
	if parent, name, of := strings.Cut(field, "."); of {
		inner, _ := r[parent].(map[string]any)
		return row(inner).text(name)
	}
	text, _ := r[field].(string)
	return text
}

func (r row) flag(field string) bool {
	set, _ := r[field].(bool)
	return set
}

// time reads a time as Salesforce writes it; zero if it is none.
func (r row) time(field string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339} {
		if t, err := time.Parse(layout, r.text(field)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// page is one part of a query's answer.
type page struct {
	Records []row  `json:"records"`
	Done    bool   `json:"done"`
	Next    string `json:"nextRecordsUrl"`
}

// mostPages bounds how far a query's answer is followed: Salesforce may give as few as
// 200 records at once, and no query here asks for more than 500.
const mostPages = 10

// query runs SOQL and reads its whole answer.
func (c *connection) query(ctx context.Context, soql string) ([]row, error) {
	rows, _, err := c.queryAt(ctx, "query", soql)
	return rows, err
}

// queryAt is query, or queryAll, which has deleted records too. It also gives the time
// of Salesforce's clock when it answered, zero if that is not told.
func (c *connection) queryAt(ctx context.Context, resource, soql string) (rows []row, at time.Time, err error) {
	path, values := data+"/"+resource, url.Values{"q": {soql}}
	for range mostPages {
		var p page
		resp, err := c.call(ctx, http.MethodGet, path, values, nil)
		if err != nil {
			return nil, at, err
		}
		if json.Unmarshal(resp.Body, &p) != nil || p.Records == nil {
			return nil, at, unreadable()
		}
		if at.IsZero() {
			at, _ = http.ParseTime(resp.Header.Get("Date")) // stays zero
		}
		rows = append(rows, p.Records...)
		if p.Done || p.Next == "" {
			return rows, at, nil
		}
		if !strings.HasPrefix(p.Next, "/services/data/") {
			return nil, at, unreadable() // it is a path of the API's, never another address
		}
		path, values = p.Next, nil
	}
	return nil, at, &sdk.Error{Class: sdk.Unavailable, Message: "Salesforce gives the answer to a query in too many parts"}
}

// one gives the only record that a query finds.
func (c *connection) one(ctx context.Context, soql string) (row, error) {
	rows, err := c.query(ctx, soql)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, &sdk.Error{Class: sdk.NotFound, Code: "NOT_FOUND", Message: "Salesforce has no such record, or the app's user may not see it"}
	}
	return rows[0], nil
}
