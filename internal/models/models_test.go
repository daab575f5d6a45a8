package models_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"parley/internal/models"
	"parley/internal/nlu/classify"
	"parley/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

var examples = []classify.Example{
	{Text: "where is my order", Label: "track"}, {Text: "track my parcel", Label: "track"},
	{Text: "money back", Label: "refund"}, {Text: "refund please", Label: "refund"},
}

func TestAModelIsTrainedOnceAndSurvivesTheProcess(t *testing.T) {
	db, _, ws := storetest.Open(t)
	first, err := models.New(db, models.Options{}).Train(t.Context(), ws, examples)
	require.NoError(t, err)
	// Were it trained anew, the marked row would not be what is given.
	require.NoError(t, db.InWorkspace(t.Context(), ws, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE nlu_models SET train_ms = 4711`)
		return err
	}))
	another := models.New(db, models.Options{})
	got, err := another.Get(t.Context(), ws, []classify.Example{examples[3], examples[0], examples[2], examples[1]})
	require.NoError(t, err)
	require.Equal(t, first.Name(), got.Name())
	again, err := models.New(db, models.Options{Limit: time.Nanosecond}).Train(t.Context(), ws, examples)
	require.NoError(t, err, "it is not trained twice")
	require.Equal(t, first.Bytes(), again.Bytes())
	var rows, ms int
	require.NoError(t, db.InWorkspace(t.Context(), ws, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*), max(train_ms) FROM nlu_models`).Scan(&rows, &ms)
	}))
	require.Equal(t, []int{1, 4711}, []int{rows, ms})

	// Once loaded, the database is not asked again.
	var wait sync.WaitGroup
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 4 {
		wait.Go(func() {
			if same, err := another.Get(gone, ws, examples); err != nil || same != got {
				t.Errorf("%v", err)
			}
		})
	}
	wait.Wait()
}

func TestAWorkspaceSeesItsOwnModels(t *testing.T) {
	db, _, ws := storetest.Open(t)
	_, err := models.New(db, models.Options{}).Train(t.Context(), ws, examples)
	require.NoError(t, err)
	_, err = models.New(db, models.Options{}).Get(t.Context(), storetest.Workspace(t, db, "other"), examples)
	require.ErrorIs(t, err, models.ErrTraining)
}

func TestWhatIsMissingIsTrainedBeside(t *testing.T) {
	db, _, ws := storetest.Open(t)
	m := models.New(db, models.Options{})
	_, err := m.Get(t.Context(), ws, examples)
	require.ErrorIs(t, err, models.ErrTraining)
	require.Eventually(t, func() bool {
		model, err := m.Get(t.Context(), ws, examples)
		return err == nil && model.Classify("track it").Intent == "track"
	}, 10*time.Second, 10*time.Millisecond)
}

func TestWhatCannotBeLearntIsRefused(t *testing.T) {
	db, _, ws := storetest.Open(t)
	var many []classify.Example
	for i := range models.MostExamples + 1 {
		many = append(many, classify.Example{Text: fmt.Sprint("number ", i), Label: "a"})
	}
	for name, c := range map[string]struct {
		limit    time.Duration
		examples []classify.Example
		want     string
	}{
		"too many": {0, many, "there are 20001 examples; at most 20000 can be learnt from"},
		"too slow": {time.Nanosecond, examples, "4 examples cannot be learnt within 1ns"},
		"no words": {0, append([]classify.Example{{Text: "?!", Label: "x"}}, examples...), `an example of "x" has no words`},
	} {
		_, err := models.New(db, models.Options{Limit: c.limit}).Train(t.Context(), ws, c.examples)
		var refused *models.Refusal
		require.ErrorAs(t, err, &refused, name)
		require.Contains(t, refused.Why, c.want, name)
	}
	m := models.New(db, models.Options{Limit: time.Nanosecond})
	for range 2 { // what takes too long is not begun again at once
		_, err := m.Train(t.Context(), ws, examples)
		require.ErrorAs(t, err, new(*models.Refusal))
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := models.New(db, models.Options{}).Train(gone, ws, examples)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorAs(t, err, new(*models.Refusal))
}

// TestWhatTakesLongerGoesOn: who publishes does not wait for ever, and finds the
// model when they come again.
func TestWhatTakesLongerGoesOn(t *testing.T) {
	db, _, ws := storetest.Open(t)
	var many []classify.Example
	for i := range 200 {
		many = append(many, classify.Example{Text: fmt.Sprint("this is number ", i), Label: fmt.Sprint("label ", i%20)})
	}
	m := models.New(db, models.Options{Wait: time.Nanosecond})
	_, err := m.Train(t.Context(), ws, many)
	require.ErrorIs(t, err, models.ErrTraining)
	require.Eventually(t, func() bool {
		model, err := m.Train(t.Context(), ws, many)
		return err == nil && len(model.Labels()) == 20
	}, 20*time.Second, 10*time.Millisecond)
}
