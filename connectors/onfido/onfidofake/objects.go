package onfidofake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"parley/connectors/sdk/fake"
)

type object map[string]any

func (o object) text(field string) string { s, _ := o[field].(string); return s }

// texts is a list of texts.
func (o object) texts(field string) (out []string) {
	switch list := o[field].(type) {
	case []string:
		return list
	case []any:
		for _, v := range list {
			if s, ok := v.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// record is an object as it is kept.
type record struct {
	Owner  string    `json:"owner"`
	At     time.Time `json:"at"`
	Object object    `json:"object"`
}

// make keeps a new object and gives it its ID and time.
func (s *server) make(c call, bucket string, o object) object {
	now := s.env.Now().UTC()
	id := s.newID()
	o["id"], o["created_at"], o["href"] = id, now.Format(time.RFC3339), "/v3.6/"+bucket+"/"+id
	s.env.State().Put(bucket, id, record{Owner: c.owner, At: now, Object: o})
	return o
}

// newID is a UUID made of the sandbox's number.
func (s *server) newID() string {
	sum := sha256.Sum256([]byte(s.env.NextID("onfido")))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80 // version 4 (RFC 9562)
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (s *server) get(owner, bucket, id string) (object, bool) {
	var rec record
	if !s.env.State().Get(bucket, id, &rec) || rec.Owner != owner {
		return nil, false
	}
	return rec.Object, true
}

func (s *server) fetch(bucket string) endpoint {
	return func(c call) (any, *failure) {
		o, ok := s.get(c.owner, bucket, c.id())
		if !ok {
			return nil, missing()
		}
		return hidden(o), nil
	}
}

// change alters an object under the state's lock. It returns nil if there is none.
func (s *server) change(bucket, id string, alter func(object)) (owner string, o object) {
	s.env.State().Update(bucket, id, func(old json.RawMessage) any {
		var rec record
		if json.Unmarshal(old, &rec) != nil {
			return nil
		}
		alter(rec.Object)
		owner, o = rec.Owner, rec.Object
		return rec
	})
	return owner, o
}

// each visits the objects of an owner that a search sees, newest first.
func (s *server) each(c call, bucket string, visit func(object)) {
	lag, lags := s.env.Fault(fake.FaultSearchLag, operation(c.r.Method, c.r.URL.Path))
	var all []record
	s.env.State().Each(bucket, func(_ string, raw json.RawMessage) bool {
		var rec record
		if json.Unmarshal(raw, &rec) == nil && rec.Owner == c.owner && !(lags && s.env.Now().Sub(rec.At) < lag) {
			all = append(all, rec)
		}
		return true
	})
	slices.SortStableFunc(all, func(a, b record) int { return b.At.Compare(a.At) })
	for _, rec := range all {
		visit(rec.Object)
	}
}

// list answers with the objects that belong to another.
func (s *server) list(bucket, parent string) endpoint {
	return func(c call) (any, *failure) {
		id := c.r.URL.Query().Get(parent)
		if id == "" {
			return nil, invalid(parent, "can't be blank")
		}
		out := []object{}
		s.each(c, bucket, func(o object) {
			if o.text(parent) == id {
				out = append(out, hidden(o))
			}
		})
		return object{bucket: out}, nil
	}
}

// hidden takes away what Onfido does not show.
func hidden(o object) object {
	out := object{}
	for k, v := range o {
		out[k] = v
	}
	if out.text("kind") == "live_photo" {
		delete(out, "applicant_id")
	}
	for _, field := range []string{"kind", "consider", "completed_at"} {
		delete(out, field)
	}
	return out
}

// listRuns answers with a bare list, filtered by applicant and tags.
func (s *server) listRuns(c call) (any, *failure) {
	query := c.r.URL.Query()
	out := []object{}
	s.each(c, "workflow_runs", func(o object) {
		if id := query.Get("applicant_id"); id != "" && o.text("applicant_id") != id {
			return
		}
		for _, tag := range query["tags"] {
			if !slices.Contains(o.texts("tags"), tag) {
				return
			}
		}
		out = append(out, hidden(o))
	})
	return out, nil
}

func (s *server) listWebhooks(c call) (any, *failure) {
	out := []object{}
	for _, a := range s.env.Accounts() {
		if conf := accountOf(a); conf.APIToken == c.owner {
			sum := sha256.Sum256([]byte(a.Hook))
			h := hex.EncodeToString(sum[:16])
			out = append(out, object{"id": h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:], "url": a.Hook,
				"enabled": true, "token": firstSecret(conf.WebhookSecret), "environments": []string{"sandbox"}, "payload_version": 3})
		}
	}
	return object{"webhooks": out}, nil
}

func (s *server) token(c call) (any, *failure) {
	in, failed := c.body()
	if failed != nil {
		return nil, failed
	}
	if _, ok := s.get(c.owner, "applicants", in.text("applicant_id")); !ok {
		return nil, invalid("applicant_id", "is not valid")
	}
	if in.text("referrer") == "" && in.text("application_id") == "" {
		return nil, invalid("referrer", "can't be blank")
	}
	sum := sha256.Sum256([]byte(c.owner + in.text("applicant_id")))
	return object{"token": "eyJhbGciOiJFUzUxMiJ9." + hex.EncodeToString(sum[:]) + ".sandbox"}, nil
}
