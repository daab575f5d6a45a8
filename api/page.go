package api

import (
	"context"
	"encoding/base64"
	"strings"

	"parley/api/problem"
)

// PageQuery is which part of a list is asked of a port.
type PageQuery struct {
	// After is the port's own cursor of the last item seen; empty for the first page.
	After string
	// Limit is how many items are wanted at most, 1 to 200.
	Limit int
}

// Page is one part of a list.
type Page[T any] struct {
	Items []T `json:"items" required:"true" nullable:"false"`
	// Next is given as after to get the next part; it is absent on the last one.
	Next string `json:"next,omitempty" description:"Give it as after to get the next part; absent on the last one."`
}

// Paging is embedded by the inputs of lists.
type Paging struct {
	After string `query:"after" json:"-" maxLength:"512" description:"The next of the previous page."`
	Limit int    `query:"limit" json:"-" default:"50" minimum:"1" maximum:"200" description:"Most items on the page."`
}

// page asks a port for a part of a list. Cursors are opaque outside and name their
// list, so that one of another list is refused.
func page[T any](ctx context.Context, list string, q Paging, fetch func(context.Context, PageQuery) ([]T, string, error)) (Page[T], error) {
	after, err := openCursor(list, q.After)
	if err != nil {
		return Page[T]{}, err
	}
	if q.Limit == 0 {
		q.Limit = 50
	}
	items, next, err := fetch(ctx, PageQuery{After: after, Limit: q.Limit})
	if items == nil {
		items = []T{}
	}
	return Page[T]{Items: items, Next: sealCursor(list, next)}, err
}

func sealCursor(list, cursor string) string {
	if cursor == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(list + ":" + cursor))
}

func openCursor(list, opaque string) (string, error) {
	if opaque == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(opaque)
	cursor, ok := strings.CutPrefix(string(raw), list+":")
	if err != nil || !ok || cursor == "" {
		return "", problem.BadCursor.New("Give as after only the next of a page of the same list, or leave it out.")
	}
	return cursor, nil
}
