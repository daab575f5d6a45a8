package roles

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"parley/api"
	"parley/api/problem"
	"parley/internal/connections"
	"parley/internal/outages"
)

// outageResource implements api.Outages.
type outageResource struct {
	connections *connections.Connections
	outages     *outages.Outages
}

func (r outageResource) find(ctx context.Context, ws uuid.UUID, name string) (connections.Connection, error) {
	got, err := r.connections.Describe(ctx, ws, connections.Filter{Name: name}, 1)
	if err == nil && len(got) == 0 {
		err = noConnection()
	}
	if err != nil {
		return connections.Connection{}, err
	}
	return got[0], nil
}

func (r outageResource) Pause(ctx context.Context, ws uuid.UUID, name, actor string) error {
	k, err := r.find(ctx, ws, name)
	if err != nil {
		return err
	}
	return r.outages.Begin(ctx, ws, k.ID, outages.Operator, outages.DefaultRate(k.Connector.Limits), actor)
}

func (r outageResource) Resume(ctx context.Context, ws uuid.UUID, name, actor string) error {
	k, err := r.find(ctx, ws, name)
	if err != nil {
		return err
	}
	err = r.outages.Resume(ctx, ws, k.ID, actor)
	if errors.Is(err, outages.ErrNone) {
		return problem.Conflict.New("The connection is not paused and its provider is not known to be out.")
	}
	return err
}

func (r outageResource) SetDrainRate(ctx context.Context, ws uuid.UUID, name string, perSecond float64, actor string) error {
	k, err := r.find(ctx, ws, name)
	if err != nil {
		return err
	}
	return r.outages.SetDrainRate(ctx, ws, k.ID, perSecond, actor)
}

func (r outageResource) List(ctx context.Context, ws uuid.UUID, name string, q api.PageQuery) ([]api.Outage, string, error) {
	micro, err := cursorNumber(q.After)
	if err != nil {
		return nil, "", err
	}
	var before time.Time
	if micro > 0 {
		before = time.UnixMicro(micro)
	}
	k, err := r.find(ctx, ws, name)
	if err != nil {
		return nil, "", err
	}
	got, err := r.outages.Reports(ctx, ws, k.ID, before, q.Limit+1)
	return part(got, q, showOutage, func(o outages.Report) string { return strconv.FormatInt(o.OpenedAt.UnixMicro(), 10) }, err)
}

func showOutage(o outages.Report) api.Outage {
	state := "over"
	switch {
	case o.Open():
		state = "open"
	case o.DrainedAt == nil:
		state = "draining"
	}
	return api.Outage{ID: o.ID, Cause: o.Cause, State: state, OpenedAt: o.OpenedAt, ResumedAt: o.ResumedAt, DrainedAt: o.DrainedAt, DrainRate: o.DrainRate,
		Parked: o.Parked, Done: o.Done, Failed: o.Failed, Uncertain: o.Uncertain, NotSent: o.NotSent, Waiting: o.Waiting}
}
