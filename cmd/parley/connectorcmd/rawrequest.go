package connectorcmd

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"parley/connectors/sdk"
)

// parseRequest reads a raw HTTP/1.1 request (RFC 9112, section 2.1). A signature
// covers the body's bytes, so the body is whatever stands after the blank line,
// whatever Content-Length says; lines may end in LF alone. The URL is made from
// Host and the request line.
func parseRequest(raw []byte) (sdk.WebhookRequest, error) {
	line, rest := cutLine(raw)
	method, target, ok := requestLine(line)
	if !ok {
		return sdk.WebhookRequest{}, errors.New(`the first line must be like "POST /hooks/stripe/demo HTTP/1.1"`)
	}
	req := sdk.WebhookRequest{Method: method, Header: http.Header{}}
	last := ""
	for n := 2; len(rest) > 0; n++ {
		line, rest = cutLine(rest)
		if line == "" {
			break
		}
		if last != "" && (line[0] == ' ' || line[0] == '\t') { // obsolete folding, section 5.2
			values := req.Header[last]
			values[len(values)-1] += " " + strings.TrimSpace(line)
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return sdk.WebhookRequest{}, fmt.Errorf(`line %d is no header like "Name: value", nor the blank line before the body`, n)
		}
		last = http.CanonicalHeaderKey(name)
		req.Header.Add(last, strings.TrimSpace(value))
	}
	req.Body = bytes.Clone(rest)
	req.URL = target
	if strings.HasPrefix(target, "/") {
		req.URL = "https://" + req.Header.Get("Host") + target
	}
	return req, nil
}

// cutLine takes the first line off, without its end.
func cutLine(raw []byte) (string, []byte) {
	line, rest, _ := bytes.Cut(raw, []byte("\n"))
	return string(bytes.TrimSuffix(line, []byte("\r"))), rest
}

func requestLine(line string) (method, target string, ok bool) {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !strings.HasPrefix(parts[2], "HTTP/") || parts[0] == "" || parts[1] == "" {
		return "", "", false
	}
	return parts[0], parts[1], true
}
