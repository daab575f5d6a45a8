package connectioncmd

import (
	"context"
	"net/http"
	"net/url"

	"parley/api"
	"parley/cmd/parley/apiclient"
)

// pages returns all items of a list.
func pages[T any](ctx context.Context, c *apiclient.Client, path string) ([]T, error) {
	all := []T{}
	for after := ""; ; {
		var p api.Page[T]
		if err := c.Do(ctx, http.MethodGet, path+page(after), nil, &p); err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		if p.Next == "" {
			return all, nil
		}
		after = p.Next
	}
}

func page(after string) string {
	q := url.Values{"limit": {"200"}}
	if after != "" {
		q.Set("after", after)
	}
	return "?" + q.Encode()
}
