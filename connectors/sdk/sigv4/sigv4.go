// Package sigv4 signs requests for services of AWS with Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html),
// for connectors whose provider asks for it. It signs headers, not addresses, and
// paths as all services but S3 want them, which is encoded twice.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"parley/connectors/sdk"
)

// Credentials are those of an IAM user, or temporary ones with a session token.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
}

const (
	algorithm = "AWS4-HMAC-SHA256"
	timeForm  = "20060102T150405Z"
)

// Sign adds X-Amz-Date, X-Amz-Security-Token if there is a token, and Authorization
// to the request's header; all headers that are there already are signed with them.
// A request is good for some minutes from now. Its URL must be absolute.
func Sign(r *sdk.Request, c Credentials, region, service string, now time.Time) error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" {
		return sdk.Invalidf("the address of the AWS service is not valid")
	}
	at := now.UTC().Format(timeForm)
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Date", at)
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	headers, signed := canonicalHeaders(r.Header, u.Host)
	request := strings.Join([]string{r.Method, canonicalPath(u), canonicalQuery(u), headers, signed, hash(r.Body)}, "\n")
	scope := strings.Join([]string{at[:8], region, service, "aws4_request"}, "/")
	toSign := strings.Join([]string{algorithm, at, scope, hash([]byte(request))}, "\n")
	key := []byte("AWS4" + c.SecretAccessKey)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(mac(key, toSign)))
	return nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonicalHeaders are the headers in lower case and order, each on a line, and their
// names.
func canonicalHeaders(h http.Header, host string) (lines, names string) {
	all := map[string]string{"host": host}
	for name, values := range h {
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		all[strings.ToLower(name)] = strings.Join(trimmed, ",")
	}
	sorted := make([]string, 0, len(all))
	for name := range all {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	for _, name := range sorted {
		lines += name + ":" + all[name] + "\n"
	}
	return lines, strings.Join(sorted, ";")
}

// canonicalPath is the path as it is sent, each part encoded once more.
func canonicalPath(u *url.URL) string {
	if u.Path == "" {
		return "/"
	}
	parts := strings.Split(u.EscapedPath(), "/")
	for i, p := range parts {
		parts[i] = escape(p)
	}
	return strings.Join(parts, "/")
}

func canonicalQuery(u *url.URL) string {
	var pairs []string
	for name, values := range u.Query() {
		for _, v := range values {
			pairs = append(pairs, escape(name)+"="+escape(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape encodes all but unreserved characters (RFC 3986, section 2.3).
func escape(s string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			out.WriteByte(c)
			continue
		}
		out.WriteByte('%')
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}
