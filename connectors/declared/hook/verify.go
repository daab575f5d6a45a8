package hook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // a provider's choice, see PayU EMEA
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/connectors/declared/template"
	"parley/connectors/sdk"
)

var (
	encodings = []string{"hex", "base64", "base64url", "text"}
	units     = []string{"s", "ms", "rfc3339"}
	digests   = map[string]func() hash.Hash{
		"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	}
)

func known(algorithm string) bool {
	_, digest := digests[strings.TrimPrefix(algorithm, "hmac-")]
	return digest && algorithm != "hmac-md5" || algorithm == "ed25519" || algorithm == "equal"
}

// Settings gives a setting of the connection, "" where it is not set.
type Settings func(name string) string

func refuse(why string) *sdk.Error {
	return &sdk.Error{Class: sdk.Auth, Code: "webhook_refused", Message: why}
}

// Verify checks the signature over the raw bytes, then that it is of now. It
// returns an *[sdk.Error] of class auth that says what does not fit.
func (h *Hook) Verify(req sdk.WebhookRequest, now time.Time, settings Settings) error {
	secrets, err := h.secrets(settings)
	if err != nil {
		return err
	}
	address, err := url.Parse(req.URL)
	if err != nil {
		return refuse("the address of the request cannot be read")
	}
	r := received{req: req, url: address}
	value, pairs, err := h.header(r)
	if err != nil {
		return err
	}
	at, err := h.timeText(r, pairs)
	if err != nil {
		return err
	}
	algorithm, err := h.algorithm(r, pairs)
	if err != nil {
		return err
	}
	genuine := false
	for _, secret := range secrets {
		message, ok := h.sign.Text(r.signed(at, secret))
		if !ok {
			return refuse("a part of what is signed is missing in the request")
		}
		for _, got := range value {
			genuine = matches(algorithm, secret, message, got) || genuine
		}
	}
	if !genuine {
		return refuse("no signature matches: the request was altered, or " + h.r.Signature.Secret.Setting + " is another endpoint's")
	}
	if err := h.bodyHash(r); err != nil {
		return err
	}
	return h.fresh(at, now)
}

// secrets are the current one and, separated by commas, others while it is changed.
func (h *Hook) secrets(settings Settings) ([][]byte, error) {
	how := h.r.Signature.Secret
	var out [][]byte
	for text := range strings.SplitSeq(settings(how.Setting), ",") {
		text = strings.TrimPrefix(strings.TrimSpace(text), how.Prefix)
		if text == "" {
			continue
		}
		secret, ok := decode(how.Encoding, text)
		if !ok {
			return nil, refuse(how.Setting + " must be " + how.Encoding)
		}
		out = append(out, secret)
	}
	if len(out) == 0 {
		return nil, refuse(how.Setting + " is not configured")
	}
	return out, nil
}

// header gives the decoded signatures of a request and the pairs beside them.
func (h *Hook) header(r received) (signatures [][]byte, pairs map[string]string, err error) {
	s := h.r.Signature
	text, where := r.req.Header.Get(s.Header), "header "+s.Header
	switch {
	case s.Query != "":
		text, where = r.url.Query().Get(s.Query), "query parameter "+s.Query
	case s.Field != "":
		where = "field " + s.Field
		if body, err := h.body(r.req); err == nil {
			if v, ok := template.Lookup(body, s.Field); ok {
				text = template.Text(v)
			}
		}
	}
	if text == "" {
		return nil, nil, refuse("the " + where + " is missing")
	}
	candidates := []string{text}
	if s.Pairs != nil {
		if candidates, pairs = s.Pairs.read(text); pairs == nil {
			return nil, nil, refuse("the " + where + " names the same thing twice")
		}
	} else if s.Separator != "" {
		candidates = strings.Split(text, s.Separator)
	}
	for _, c := range candidates {
		c, ok := strings.CutPrefix(strings.TrimSpace(c), s.Prefix)
		if !ok {
			continue
		}
		if sig, ok := decode(s.Encoding, c); ok && len(sig) > 0 {
			signatures = append(signatures, sig)
		}
	}
	if len(signatures) == 0 {
		return nil, nil, refuse("the " + where + " holds no signature of the expected form")
	}
	return signatures, pairs, nil
}

// read gives the values of the signature's key and of the other keys. A key other
// than the signature's must not stand twice: nil then.
func (p *Pairs) read(text string) (signatures []string, pairs map[string]string) {
	pairs = map[string]string{}
	for part := range strings.SplitSeq(text, p.Separator) {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if name == p.Signature {
			signatures = append(signatures, value)
			continue
		}
		if _, twice := pairs[name]; twice {
			return nil, nil
		}
		pairs[name] = value
	}
	return signatures, pairs
}

func (h *Hook) algorithm(r received, pairs map[string]string) (string, error) {
	from := h.r.Signature.AlgorithmFrom
	if from == nil {
		return h.r.Signature.Algorithm, nil
	}
	name := pairs[from.Pair]
	if from.Header != "" {
		name = r.req.Header.Get(from.Header)
	}
	if a, ok := from.Names[name]; ok {
		return a, nil
	}
	return "", refuse("the request names an algorithm that is not expected")
}

// matches compares in constant time.
func matches(algorithm string, secret []byte, message string, got []byte) bool {
	switch algorithm {
	case "equal":
		return hmac.Equal(digest(sha256.New, secret), digest(sha256.New, got))
	case "ed25519":
		return len(secret) == ed25519.PublicKeySize && ed25519.Verify(secret, []byte(message), got)
	}
	if name, ok := strings.CutPrefix(algorithm, "hmac-"); ok {
		mac := hmac.New(digests[name], secret)
		mac.Write([]byte(message))
		return hmac.Equal(mac.Sum(nil), got)
	}
	return hmac.Equal(digest(digests[algorithm], []byte(message)), got)
}

func digest(of func() hash.Hash, message []byte) []byte {
	d := of()
	d.Write(message)
	return d.Sum(nil)
}

func decode(encoding, text string) ([]byte, bool) {
	var out []byte
	var err error
	switch encoding {
	case "hex":
		out, err = hex.DecodeString(text)
	case "base64":
		if out, err = base64.StdEncoding.DecodeString(text); err != nil {
			out, err = base64.RawStdEncoding.DecodeString(text)
		}
	case "base64url":
		out, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	default:
		out = []byte(text)
	}
	return out, err == nil
}

// timeText is the signed time as the provider wrote it.
func (h *Hook) timeText(r received, pairs map[string]string) (string, error) {
	if h.r.Time == nil {
		return "", nil
	}
	var text string
	switch t := h.r.Time; {
	case t.Header != "":
		text = r.req.Header.Get(t.Header)
	case t.Query != "":
		text = r.url.Query().Get(t.Query)
	default:
		text = pairs[h.r.Signature.Pairs.Time]
	}
	if text == "" {
		return "", refuse("the time of the signature is missing")
	}
	return text, nil
}

func (h *Hook) fresh(text string, now time.Time) error {
	if h.r.Time == nil {
		return nil
	}
	at, ok := readTime(h.r.Time.Unit, text)
	if !ok {
		return refuse("the time of the signature cannot be read")
	}
	if age := now.Sub(at); age > h.window || age < -h.window {
		return refuse("the time of the signature is too far from now: a replay, or a wrong clock")
	}
	return nil
}

func readTime(unit, text string) (time.Time, bool) {
	if unit == "rfc3339" {
		at, err := time.Parse(time.RFC3339, text)
		return at, err == nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || n > 1e15 {
		return time.Time{}, false
	}
	if unit == "s" {
		n *= 1000
	}
	return time.UnixMilli(int64(n)), true
}

func (h *Hook) bodyHash(r received) error {
	how := h.r.BodyHash
	if how == nil {
		return nil
	}
	text := r.req.Header.Get(how.Header)
	if how.Query != "" {
		text = r.url.Query().Get(how.Query)
	}
	if text == "" {
		if isForm(r.req.Header) || len(r.req.Body) == 0 {
			return nil
		}
		return refuse("the digest of the body is missing, and the signature does not cover it")
	}
	want, ok := decode(how.Encoding, text)
	if !ok || subtle.ConstantTimeCompare(want, digest(digests[how.Algorithm], r.req.Body)) != 1 {
		return refuse("the digest of the body does not match")
	}
	return nil
}

// received is a request while it is looked at.
type received struct {
	req sdk.WebhookRequest
	url *url.URL
}

// signed gives the parts of a request that can be signed.
func (r received) signed(at string, secret []byte) template.Scope {
	return func(path string) (any, bool) {
		switch path {
		case "method":
			return r.req.Method, true
		case "url":
			return r.req.URL, true
		case "path":
			return r.url.EscapedPath(), true
		case "uri":
			return r.url.RequestURI(), true
		case "body":
			return r.req.Body, true
		case "time":
			return at, at != ""
		case "form":
			return sortedForm(r.req), true
		case "secret":
			return secret, true
		}
		return r.whole(path)
	}
}

// whole gives header.NAME and query.NAME.
func (r received) whole(path string) (any, bool) {
	kind, name, _ := strings.Cut(path, ".")
	switch kind {
	case "header":
		v := r.req.Header.Get(name)
		return v, v != ""
	case "query":
		if r.url == nil {
			return nil, false
		}
		q := r.url.Query()
		return q.Get(name), q.Has(name)
	}
	return nil, false
}

func isForm(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// sortedForm joins the names and values of a form, sorted by name; those of one
// name are sorted and stand once each, as Twilio's libraries do. A body that is
// no form has none.
func sortedForm(req sdk.WebhookRequest) string {
	if !isForm(req.Header) {
		return ""
	}
	form, err := url.ParseQuery(string(req.Body))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			b.WriteString(name + v)
		}
	}
	return b.String()
}

// Handshake gives back the challenge of a provider that proves to know the token.
func (h *Hook) Handshake(req sdk.WebhookRequest, settings Settings) (string, error) {
	how := h.r.Handshake
	if how == nil {
		return "", refuse("this webhook is not verified by a GET")
	}
	u, err := url.Parse(req.URL)
	if err != nil {
		return "", refuse("the address of the request cannot be read")
	}
	want, q := settings(how.Setting), u.Query()
	if want == "" {
		return "", refuse(how.Setting + " is not configured")
	}
	if !matches("equal", []byte(want), "", []byte(q.Get(how.Token))) {
		return "", refuse("the token is not the one of " + how.Setting)
	}
	return q.Get(how.Challenge), nil
}
