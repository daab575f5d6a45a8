// Package hook verifies and reads webhooks by a recipe: data that says where a
// provider puts its signature, what it signs, and which events a body holds.
//
// A recipe is compiled once ([Compile]); a [Hook] is immutable and safe for
// concurrent use. Signatures are computed over the raw bytes and compared in
// constant time. No error quotes a secret, a signature or content.
package hook

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"parley/connectors/declared/template"
)

// Recipe is the webhook section of a connector.yaml.
type Recipe struct {
	Signature Signature  `yaml:"signature"`
	Time      *Time      `yaml:"time,omitempty"`
	BodyHash  *BodyHash  `yaml:"body_hash,omitempty"`
	Handshake *Handshake `yaml:"handshake,omitempty"`
	Events    Events     `yaml:"events"`
}

// Signature says where the signature is and how it is made.
type Signature struct {
	// Header, Query or Field is where it is: a header, a query parameter, or a
	// dotted path in the body. One of them.
	Header string `yaml:"header,omitempty"`
	Query  string `yaml:"query,omitempty"`
	Field  string `yaml:"field,omitempty"`
	// Pairs reads the value as a list of key=value, as in Stripe's t=…,v1=….
	Pairs *Pairs `yaml:"pairs,omitempty"`
	// Separator splits several signatures, one of which must be right.
	Separator string `yaml:"separator,omitempty"`
	// Prefix stands before a signature ("sha256=", "v1,"); one without it is no
	// signature.
	Prefix string `yaml:"prefix,omitempty"`
	// Encoding is hex (the default), base64, base64url or text.
	Encoding string `yaml:"encoding,omitempty"`
	// Algorithm is hmac-sha1, hmac-sha256 (the default), hmac-sha384, hmac-sha512;
	// md5, sha1, sha256, sha384, sha512 of a text that names {secret}; ed25519
	// (the secret is the public key); or equal (the value is the secret).
	Algorithm     string         `yaml:"algorithm,omitempty"`
	AlgorithmFrom *AlgorithmFrom `yaml:"algorithm_from,omitempty"`
	// Sign is the text that is signed, {body} unless given. It may name method,
	// url, path, uri (path and query), body, time, form (the parameters of a form
	// sorted by name, name and value joined), header.NAME, query.NAME and secret.
	Sign   string `yaml:"sign,omitempty"`
	Secret Secret `yaml:"secret,omitempty"`
}

// Pairs are the keys of a list of key=value.
type Pairs struct {
	// Separator between pairs, a comma unless given.
	Separator string `yaml:"separator,omitempty"`
	Signature string `yaml:"signature"`
	Time      string `yaml:"time,omitempty"`
}

// AlgorithmFrom lets a request name its algorithm, out of those listed.
type AlgorithmFrom struct {
	Header string `yaml:"header,omitempty"`
	Pair   string `yaml:"pair,omitempty"`
	// Names maps the provider's names to algorithms of this package.
	Names map[string]string `yaml:"names"`
}

// Secret says how the secret is written in the configuration.
type Secret struct {
	// Setting is webhook_secret unless given. It may hold several, separated by
	// commas, while a secret is changed.
	Setting string `yaml:"setting,omitempty"`
	// Prefix is taken off first ("whsec_").
	Prefix string `yaml:"prefix,omitempty"`
	// Encoding is text (the default), hex or base64.
	Encoding string `yaml:"encoding,omitempty"`
}

// Time says when a request was signed, so that an old one is refused.
type Time struct {
	// Header or Query is where it is, unless Signature.Pairs has it.
	Header string `yaml:"header,omitempty"`
	Query  string `yaml:"query,omitempty"`
	// Unit is s (the default), ms or rfc3339.
	Unit string `yaml:"unit,omitempty"`
	// Window is how far from now it may be, either way: "5m" unless given.
	Window string `yaml:"window,omitempty"`
}

// BodyHash is a digest of the body beside a signature that leaves the body out, as
// Twilio's bodySHA256. A request without it is taken only if the body is a form,
// which the signature covers.
type BodyHash struct {
	Header string `yaml:"header,omitempty"`
	Query  string `yaml:"query,omitempty"`
	// Algorithm is sha256 unless given, Encoding hex.
	Algorithm string `yaml:"algorithm,omitempty"`
	Encoding  string `yaml:"encoding,omitempty"`
}

// Handshake answers a GET by which a provider verifies the address.
type Handshake struct {
	// Challenge is the query parameter that is given back.
	Challenge string `yaml:"challenge"`
	// Token is the query parameter that must equal Setting.
	Token   string `yaml:"token"`
	Setting string `yaml:"setting"`
}

// Events says what a verified body tells. Texts are templates over one event;
// $body.PATH, $header.NAME and $query.NAME are of the whole request, $index
// counts from 0.
type Events struct {
	// Format of the body: json (the default) or form.
	Format string `yaml:"format,omitempty"`
	// At is the path of the list of events; the body itself unless given. A body
	// that is a list holds several events.
	At string `yaml:"at,omitempty"`
	// ID is the same in every delivery of an event. Without it a digest of the
	// body is taken.
	ID string `yaml:"id,omitempty"`
	// Type is the provider's name of the event.
	Type string `yaml:"type,omitempty"`
	// Time of the event, TimeUnit as Time.Unit.
	Time     string `yaml:"time,omitempty"`
	TimeUnit string `yaml:"time_unit,omitempty"`
	Account  string `yaml:"account,omitempty"`
	// Key is where our own key comes back.
	Key string `yaml:"key,omitempty"`
	// Refs are the provider's IDs of the objects concerned, most specific first.
	Refs []string `yaml:"refs,omitempty"`
	// Data is a tree of templates: what a flow or case may see. Nothing unless given.
	Data any `yaml:"data,omitempty"`
}

// Hook is a compiled recipe.
type Hook struct {
	r         Recipe
	sign      template.Template
	window    time.Duration
	id, typ   template.Template
	at        template.Template
	account   template.Template
	key       template.Template
	refs      []template.Template
	data      template.Tree
	hasData   bool
	triggerOf map[string]string
}

// Compile checks a recipe. triggers maps the provider's types of event to the
// names of triggers; "*" stands for all others.
func Compile(r Recipe, triggers map[string]string) (*Hook, error) {
	defaults(&r)
	if err := r.check(); err != nil {
		return nil, err
	}
	h := &Hook{r: r, window: 5 * time.Minute, triggerOf: triggers}
	if r.Time != nil && r.Time.Window != "" {
		d, err := time.ParseDuration(r.Time.Window)
		if err != nil || d <= 0 {
			return nil, errors.New(`time.window: must be a duration such as "5m"`)
		}
		h.window = d
	}
	for _, f := range []struct {
		name, text string
		into       *template.Template
	}{
		{"signature.sign", r.Signature.Sign, &h.sign}, {"events.id", r.Events.ID, &h.id}, {"events.type", r.Events.Type, &h.typ},
		{"events.time", r.Events.Time, &h.at}, {"events.account", r.Events.Account, &h.account}, {"events.key", r.Events.Key, &h.key},
	} {
		t, err := template.Parse(f.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		*f.into = t
	}
	for _, text := range r.Events.Refs {
		t, err := template.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("events.refs: %w", err)
		}
		h.refs = append(h.refs, t)
	}
	var err error
	if h.hasData = r.Events.Data != nil; h.hasData {
		if h.data, err = template.ParseTree(r.Events.Data); err != nil {
			return nil, fmt.Errorf("events.data: %w", err)
		}
	}
	return h, nil
}

func defaults(r *Recipe) {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&r.Signature.Encoding, "hex")
	set(&r.Signature.Algorithm, "hmac-sha256")
	set(&r.Signature.Sign, "{body}")
	set(&r.Signature.Secret.Setting, "webhook_secret")
	set(&r.Signature.Secret.Encoding, "text")
	set(&r.Events.Format, "json")
	set(&r.Events.TimeUnit, "s")
	if r.Signature.Pairs != nil {
		pairs := *r.Signature.Pairs
		set(&pairs.Separator, ",")
		r.Signature.Pairs = &pairs
	}
	if r.Time != nil {
		at := *r.Time
		set(&at.Unit, "s")
		r.Time = &at
	}
	if r.BodyHash != nil {
		hash := *r.BodyHash
		set(&hash.Algorithm, "sha256")
		set(&hash.Encoding, "hex")
		r.BodyHash = &hash
	}
}

// check finds what contradicts itself.
func (r *Recipe) check() error {
	s := r.Signature
	places := 0
	for _, p := range []string{s.Header, s.Query, s.Field} {
		if p != "" {
			places++
		}
	}
	switch {
	case places != 1:
		return errors.New("signature: say where it is by one of header, query and field")
	case !slices.Contains(encodings, s.Encoding):
		return fmt.Errorf("signature.encoding: must be one of %v", encodings)
	case !slices.Contains(encodings[:3], s.Secret.Encoding) && s.Secret.Encoding != "text":
		return fmt.Errorf("signature.secret.encoding: must be one of %v", encodings)
	case r.Time != nil && !slices.Contains(units, r.Time.Unit):
		return fmt.Errorf("time.unit: must be one of %v", units)
	case !slices.Contains(units, r.Events.TimeUnit):
		return fmt.Errorf("events.time_unit: must be one of %v", units)
	case r.Events.Format != "json" && r.Events.Format != "form":
		return errors.New("events.format: must be json or form")
	case r.Time != nil && r.Time.Header == "" && r.Time.Query == "" && (s.Pairs == nil || s.Pairs.Time == ""):
		return errors.New("time: say where it is by header, query or signature.pairs.time")
	case s.Pairs != nil && s.Pairs.Signature == "":
		return errors.New("signature.pairs.signature: which key has the signature?")
	case r.Handshake != nil && (r.Handshake.Challenge == "" || r.Handshake.Token == "" || r.Handshake.Setting == ""):
		return errors.New("handshake: challenge, token and setting are all needed")
	}
	if r.BodyHash != nil {
		if _, ok := digests[r.BodyHash.Algorithm]; !ok || r.BodyHash.Header == "" && r.BodyHash.Query == "" {
			return errors.New("body_hash: a digest's name and a header or query are needed")
		}
	}
	return s.checkAlgorithms()
}

func (s Signature) checkAlgorithms() error {
	names := []string{s.Algorithm}
	if from := s.AlgorithmFrom; from != nil {
		if (from.Header == "") == (from.Pair == "") || len(from.Names) == 0 {
			return errors.New("signature.algorithm_from: a header or a pair, and names, are needed")
		}
		names = names[:0]
		for _, n := range from.Names {
			names = append(names, n)
		}
	}
	sign, err := template.Parse(s.Sign)
	if err != nil {
		return fmt.Errorf("signature.sign: %w", err)
	}
	for _, n := range names {
		if !known(n) {
			return fmt.Errorf("signature.algorithm: there is no %q", n)
		}
		if _, plain := digests[n]; plain && !slices.Contains(sign.Paths(), "secret") {
			return fmt.Errorf("signature.sign: a plain %s must have {secret} in what is signed, else anyone can make it", n)
		}
		if names := sign.Paths(); n != "equal" && !slices.Contains(names, "body") && !slices.Contains(names, "form") {
			return errors.New("signature.sign: must name {body} or {form}, else the content is not signed")
		}
	}
	return nil
}
