package nlu

import (
	"context"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"parley/internal/nlu/classify"
)

// Models keeps the models that were used last, by name. It is safe for concurrent
// use; a model that several ask for at once is loaded once.
type Models struct {
	fetch  func(ctx context.Context, name string) ([]byte, error)
	loaded *lru.Cache[string, *classify.Model]
	flight singleflight.Group
}

// NewModels keeps at most size models (a model of five intents has some tens of
// kilobytes, one of 150 has one or two megabytes and takes four times that in
// memory). Fetch gets the bytes of one.
func NewModels(size int, fetch func(ctx context.Context, name string) ([]byte, error)) (*Models, error) {
	cache, err := lru.New[string, *classify.Model](size)
	if err != nil {
		return nil, fmt.Errorf("nlu: %w", err)
	}
	return &Models{fetch: fetch, loaded: cache}, nil
}

// Get returns the model of that name. It fails if its bytes are not those that
// were named.
func (m *Models) Get(ctx context.Context, name string) (*classify.Model, error) {
	if model, ok := m.loaded.Get(name); ok {
		return model, nil
	}
	got, err, _ := m.flight.Do(name, func() (any, error) {
		// One who waits must not fail because another went away.
		raw, err := m.fetch(context.WithoutCancel(ctx), name)
		if err != nil {
			return nil, err
		}
		model, err := classify.Load(raw)
		if err != nil {
			return nil, err
		}
		if model.Name() != name {
			return nil, fmt.Errorf("nlu: the bytes of model %.12s… are another's", name)
		}
		m.loaded.Add(name, model)
		return model, nil
	})
	if err != nil {
		return nil, err
	}
	return got.(*classify.Model), nil
}
