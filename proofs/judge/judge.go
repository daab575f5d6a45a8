// Package judge says whether a run of the system kept its promises. The witness
// is the sandbox: what was sent to it, what its phones show, what was paid and
// ordered there. The engine's own tables only say which message belongs to which
// turn, and what the engine itself thought uncertain.
package judge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"parley/proofs/shopper"
	"parley/proofs/stack"
)

// Report is what was counted and what was found wrong.
type Report struct {
	rows     [][2]string
	Problems []string

	// Uncertain counts the messages that the engine was not sure of for a while,
	// SlowestSettled is how long the longest of them took from its first attempt.
	Uncertain      int
	SlowestSettled time.Duration
}

// Count adds a line to the table.
func (r *Report) Count(what string, n any) { r.rows = append(r.rows, [2]string{what, fmt.Sprint(n)}) }

func (r *Report) wrong(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// String is the table.
func (r *Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range r.rows {
		fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}

// Check prints the table and fails the test if anything was wrong.
func (r *Report) Check(t testing.TB) {
	t.Helper()
	t.Log("\n" + r.String())
	for _, p := range r.Problems[:min(len(r.Problems), 30)] {
		t.Error(p)
	}
	if n := len(r.Problems); n > 30 {
		t.Errorf("and %d more problems", n-30)
	}
}

// trial is one judgement.
type trial struct {
	*Report
	t        testing.TB
	ctx      context.Context
	s        *stack.System
	db       *pgxpool.Pool
	shoppers []*shopper.Shopper
}

// Judge waits until the system has come to rest and judges what its customers
// were given.
func Judge(t testing.TB, s *stack.System, shoppers []*shopper.Shopper) *Report {
	t.Helper()
	tr := &trial{Report: &Report{}, t: t, ctx: t.Context(), s: s, db: s.Database(), shoppers: shoppers}
	tr.rest()
	said := 0
	for _, c := range shoppers {
		said += c.Said
	}
	tr.Count("customers", len(shoppers))
	tr.Count("messages said", said)
	tr.deliveries()
	tr.conversations(tr.phones(), said)
	tr.money()
	tr.uncertain()
	return tr.Report
}

const restLimit = 3 * time.Minute

// open says what is still under way.
const open = `SELECT
	(SELECT count(*) FROM conversations WHERE last_number > cursor),
	(SELECT count(*) FROM conversations WHERE pending_turn IS NOT NULL),
	(SELECT count(*) FROM cases WHERE last_number > dispatched),
	ARRAY(SELECT concat_ws(' ', connector, operation, state, key) FROM effects WHERE state NOT IN ('done', 'failed'))`

// rest waits until all webhooks are delivered and nothing is under way.
func (tr *trial) rest() {
	tr.t.Helper()
	calm := 0
	tr.s.Eventually("the system comes to rest", restLimit, func() error {
		counts, err := tr.s.Sandbox().Deliveries(tr.ctx)
		if err != nil {
			return err
		}
		pending := 0
		for _, c := range counts {
			pending += c.Pending
		}
		var behind, unsettled, untold int
		var effects []string
		if err := tr.db.QueryRow(tr.ctx, open).Scan(&behind, &unsettled, &untold, &effects); err != nil {
			return err
		}
		if pending+behind+unsettled+untold+len(effects) > 0 {
			calm = 0
			return fmt.Errorf("%d webhooks pending, %d conversations behind, %d with unsettled messages, %d cases not told, %d effects open: %.300s",
				pending, behind, unsettled, untold, len(effects), effects)
		}
		if calm++; calm < 20 {
			return fmt.Errorf("it has only just come to rest")
		}
		return nil
	})
}

func (tr *trial) deliveries() {
	counts, err := tr.s.Sandbox().Deliveries(tr.ctx)
	require.NoError(tr.t, err)
	done, attempts, refused := 0, 0, 0
	for connector, c := range counts {
		done += c.Done
		for status, n := range c.Attempts {
			attempts += n
			if status[0] == '4' {
				refused += n
			}
		}
		if c.GivenUp > 0 {
			tr.wrong("%d webhooks of %s were given up", c.GivenUp, connector)
		}
	}
	if refused > 0 {
		tr.wrong("%d webhooks were refused with a status of 4xx", refused)
	}
	tr.Count("webhooks acknowledged", done)
	tr.Count("attempts to deliver them", attempts)
}

// key is a send's key, {conversation}-{number of the turn's first event}-{index}.
type key struct {
	conversation string
	first, index int
}

const uuidLength = 36

func parseKey(text string) (key, error) {
	k := key{}
	if len(text) < uuidLength+4 {
		return k, fmt.Errorf("%q is not a key", text)
	}
	k.conversation = text[:uuidLength]
	_, err := fmt.Sscanf(text[uuidLength:], "-%d-%d", &k.first, &k.index)
	return k, err
}

func (k key) compare(other key) int {
	return slices.Compare([]int{k.first, k.index}, []int{other.first, other.index})
}

// phones checks each phone by itself and gives the keys that they show, by
// conversation and in the order in which they are shown.
func (tr *trial) phones() map[string][]key {
	tr.t.Helper()
	keys, replies, confirmed := map[string][]key{}, 0, 0
	for _, c := range tr.shoppers {
		shown, err := c.Sandbox.Phone(tr.ctx, "whatsapp", c.From)
		require.NoError(tr.t, err)
		said, answered, confirmations := 0, true, 0
		var last key
		seen := map[string]bool{}
		for _, m := range shown {
			if m.From == "customer" {
				said, answered = said+1, false
				continue
			}
			replies, answered = replies+1, true
			if strings.Contains(m.Text, " is confirmed (") {
				confirmations++
			}
			k, err := parseKey(m.Key)
			if err != nil {
				tr.wrong("customer %s: a message without a key: %v", c.From, err)
				continue
			}
			switch {
			case seen[m.Key]:
				tr.wrong("customer %s was sent %s twice", c.From, m.Key)
			case last.conversation != "" && k.conversation != last.conversation:
				tr.wrong("customer %s has two conversations", c.From)
			case k.compare(last) <= 0:
				tr.wrong("customer %s: message %d-%d is shown after %d-%d", c.From, k.first, k.index, last.first, last.index)
			}
			seen[m.Key], last = true, k
			keys[k.conversation] = append(keys[k.conversation], k)
		}
		if said != c.Said {
			tr.wrong("customer %s said %d messages and the phone shows %d", c.From, c.Said, said)
		}
		if said > 0 && !answered {
			tr.wrong("customer %s: the last message was not answered", c.From)
		}
		if confirmations != len(c.Paid) {
			tr.wrong("customer %s paid %d orders and had %d confirmed", c.From, len(c.Paid), confirmations)
		}
		confirmed += confirmations
	}
	tr.Count("replies on the phones", replies)
	tr.Count("orders confirmed on the phones", confirmed)
	return keys
}
