// Package replay keeps histories of workflows that ran on a real Temporal server.
// Its test replays them against the code of today, so that a change which running
// workflows could not follow is caught before it is deployed.
//
// Histories are recorded by
//
//	go run ./workflows/replay/record
//
// They hold invented data only and are not encrypted, so that anybody can replay
// them. A history is never recorded anew because it does not replay any more: the
// change must be made behind workflow.GetVersion, and a new history added.
package replay

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"

	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"parley/workflows/conversation"
	"parley/workflows/order"
)

// suffix of a stored history's file name; what is before it is its scenario.
const suffix = ".json.gz"

// Register registers all workflows, as workers do.
func Register(r worker.WorkflowRegistry) {
	r.RegisterWorkflowWithOptions(conversation.Workflow, workflow.RegisterOptions{Name: conversation.WorkflowType})
	r.RegisterWorkflowWithOptions(order.Workflow, workflow.RegisterOptions{Name: order.WorkflowType})
}

// Read returns a stored history.
func Read(path string) (*history.History, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("replay: %s: %w", path, err)
	}
	h, err := client.HistoryFromJSON(z, client.HistoryJSONOptions{})
	if err != nil {
		return nil, fmt.Errorf("replay: %s: %w", path, err)
	}
	return h, nil
}

// Write stores the history of a scenario in dir.
func Write(dir, scenario string, h *history.History) (err error) {
	raw, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(h)
	if err != nil {
		return fmt.Errorf("replay: %s: %w", scenario, err)
	}
	f, err := os.Create(filepath.Join(dir, scenario+suffix))
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(raw)
	}
	if err == nil {
		err = z.Close()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("replay: %s: %w", scenario, err)
	}
	return nil
}
