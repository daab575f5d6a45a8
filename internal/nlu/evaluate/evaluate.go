// Package evaluate judges a classifier by utterances that it was not trained on.
package evaluate

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"parley/connectors/sdk"
	"parley/internal/nlu/classify"
)

// Report is how a model did. Shares are from 0 to 1.
type Report struct {
	// Accuracy is over all utterances; what is out of scope is right when refused.
	Accuracy float64 `json:"accuracy"`
	// InScopeAccuracy is over those with an intent: a refusal is a mistake.
	InScopeAccuracy float64 `json:"in_scope_accuracy"`
	// OOSRecall is the share of what is out of scope that was refused; null if the
	// test has none.
	OOSRecall *float64 `json:"oos_recall"`
	// MacroF1 is the mean of the labels' F1, those that only the verdicts have too.
	MacroF1 float64 `json:"macro_f1"`
	// TrainSeconds is how long training took, by the wall's clock.
	TrainSeconds float64 `json:"train_s"`
	// Microseconds that one utterance took.
	ClassifyP50 float64 `json:"classify_p50_us"`
	ClassifyP99 float64 `json:"classify_p99_us"`
}

// ReadCSV reads examples: a header with the columns text and label, in any order
// and beside others, then one example a row. Errors name the line.
func ReadCSV(r io.Reader) ([]classify.Example, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("line 1: the file is empty; it must begin with the header text,label")
	}
	if err != nil {
		return nil, lineError(err)
	}
	header[0] = trimMark(header[0])
	text, label := slices.Index(header, "text"), slices.Index(header, "label")
	if text < 0 || label < 0 {
		return nil, errors.New("line 1: the header must be text,label")
	}
	var out []classify.Example
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, lineError(err)
		}
		line, _ := rows.FieldPos(0)
		switch {
		case row[label] == "":
			return nil, fmt.Errorf("line %d: the label is missing", line)
		case !classify.Readable(row[text]):
			return nil, fmt.Errorf("line %d: the text has no words", line)
		}
		out = append(out, classify.Example{Text: row[text], Label: row[label]})
	}
	if len(out) == 0 {
		return nil, errors.New("line 2: there are no examples after the header")
	}
	return out, nil
}

// trimMark takes the byte order mark off, which spreadsheets write.
func trimMark(s string) string {
	const mark = "\ufeff"
	if len(s) >= len(mark) && s[:len(mark)] == mark {
		return s[len(mark):]
	}
	return s
}

func lineError(err error) error {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("line %d: %w", e.Line, e.Err)
	}
	return err
}

// Run trains on one set and judges on the other.
func Run(ctx context.Context, train, test []classify.Example) (Report, *classify.Model, error) {
	began := time.Now()
	model, err := classify.Train(ctx, train)
	if err != nil {
		return Report{}, nil, err
	}
	took := time.Since(began)
	r := Judge(model, test)
	r.TrainSeconds = took.Seconds()
	return r, model, nil
}

// Judge asks a model about each utterance, one after the other.
func Judge(model *classify.Model, test []classify.Example) Report {
	var took []time.Duration
	tally := tally{}
	for _, e := range test {
		began := time.Now()
		verdict := model.Classify(e.Text)
		took = append(took, time.Since(began))
		tally.add(e.Label, verdict.Intent)
	}
	slices.Sort(took)
	r := tally.report()
	r.ClassifyP50, r.ClassifyP99 = quantile(took, 0.50), quantile(took, 0.99)
	return r
}

func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[at].Nanoseconds()) / 1e3
}

// tally counts, by label.
type tally map[string]*counts

type counts struct{ is, said, right int }

func (t tally) of(label string) *counts {
	if t[label] == nil {
		t[label] = &counts{}
	}
	return t[label]
}

func (t tally) add(label, said string) {
	t.of(label).is++
	t.of(said).said++
	if label == said {
		t.of(label).right++
	}
}

func (t tally) report() Report {
	var r Report
	var all, in counts
	// In order, since the sum of floats depends on it.
	for _, label := range slices.Sorted(maps.Keys(t)) {
		c := t[label]
		all.is, all.right = all.is+c.is, all.right+c.right
		if label != sdk.OutOfScope {
			in.is, in.right = in.is+c.is, in.right+c.right
		} else if c.is > 0 {
			recall := share(c.right, c.is)
			r.OOSRecall = &recall
		}
		r.MacroF1 += share(2*c.right, c.is+c.said)
	}
	r.MacroF1 /= max(float64(len(t)), 1)
	r.Accuracy, r.InScopeAccuracy = share(all.right, all.is), share(in.right, in.is)
	return r
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
