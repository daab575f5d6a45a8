package zendeskfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Two of the staff: Parley's own user, and the one who answers on the page.
const (
	ownUser   = 1001
	staffUser = 1002
)

// user is somebody: one of the staff, or a customer.
type user struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	Phone      string `json:"phone"`
	ExternalID string `json:"external_id"`
	Role       string `json:"role"`
	Created    string `json:"created_at"`
	Updated    string `json:"updated_at"`
}

func (s *server) user(id int64) (user, bool) {
	switch id {
	case ownUser:
		return user{ID: ownUser, Name: "Parley", Role: "admin"}, true
	case staffUser:
		return user{ID: staffUser, Name: "Asha Rao", Role: "agent"}, true
	}
	var u user
	return u, s.env.State().Get("users", key(id), &u)
}

func (s *server) me(*call) (any, *problem) {
	u, _ := s.user(ownUser)
	return object{"user": u}, nil
}

// say keeps a comment with its audit, and tells of it.
func (s *server) say(t ticket, n newComment, metadata object, by int64) audit {
	if n.Author == 0 {
		n.Author = by
	}
	files := []object{}
	for _, token := range n.Uploads {
		var f object
		if s.env.State().Get("uploads", token, &f) {
			files = append(files, f)
			s.env.State().Delete("uploads", token) // a token is used once
		}
	}
	said := object{"id": s.next(), "type": "Comment", "body": n.Body, "public": n.public(), "author_id": n.Author, "attachments": files}
	a := audit{ID: s.next(), Ticket: t.ID, Author: by, Created: s.env.Now().UTC(),
		Metadata: object{"system": object{}, "custom": metadata}, Events: []object{said}}
	s.env.State().Put("audits/"+key(t.ID), fmt.Sprintf("%012d", a.ID), a)
	s.tellComment(t, said, by)
	return a
}

func (s *server) audits(ticket int64) []audit {
	found := []audit{}
	lag, lags := s.env.Fault("search_lag", "ticket_comment")
	s.env.State().Each("audits/"+key(ticket), func(_ string, raw json.RawMessage) bool {
		var a audit
		if json.Unmarshal(raw, &a) == nil && !(lags && s.env.Now().Sub(a.Created) < lag) {
			found = append(found, a)
		}
		return true
	})
	return found
}

func (s *server) listAudits(c *call) (any, *problem) {
	t, err := s.ticket(c.id())
	if err != nil {
		return nil, err
	}
	return object{"audits": s.audits(t.ID), "meta": object{"has_more": false, "after_cursor": nil}}, nil
}

func (s *server) listComments(c *call) (any, *problem) {
	t, err := s.ticket(c.id())
	if err != nil {
		return nil, err
	}
	comments, users := []object{}, []user{}
	for _, a := range s.audits(t.ID) {
		for _, e := range a.Events {
			e["created_at"] = a.Created
			comments = append(comments, e)
			author, _ := e["author_id"].(float64)
			if u, ok := s.user(int64(author)); ok && !slices.Contains(users, u) {
				users = append(users, u)
			}
		}
	}
	if c.r.URL.Query().Get("sort") == "-created_at" {
		slices.Reverse(comments)
	}
	return object{"comments": comments, "users": users, "meta": object{"has_more": false, "after_cursor": nil}}, nil
}

func (s *server) upload(c *call) (any, *problem) {
	name := c.r.URL.Query().Get("filename")
	if name == "" || len(c.raw) == 0 {
		return nil, &problem{status: http.StatusBadRequest, Error: "AttachmentUnprocessable", Description: "filename is missing"}
	}
	token := s.env.NextID("upload")
	file := object{"id": s.next(), "file_name": name, "content_type": c.r.Header.Get("Content-Type"), "size": len(c.raw)}
	s.env.State().Put("uploads", token, file)
	c.status = http.StatusCreated
	return object{"upload": object{"token": token, "attachment": file, "attachments": []object{file}}}, nil
}
