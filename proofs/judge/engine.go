package judge

import (
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// turnsSQL gives each turn with how many messages of the customer it answers and
// the indexes of what it sent.
const turnsSQL = `SELECT t.conversation_id::text, t.first_number, t.last_number,
		(SELECT count(*) FROM inbox i WHERE i.subject_id = t.conversation_id AND i.kind = 'message' AND i.number BETWEEN t.first_number AND t.last_number),
		ARRAY(SELECT e.idx FROM effects e WHERE e.subject_id = t.conversation_id AND e.turn = t.first_number AND e.operation = 'send' ORDER BY e.idx),
		ARRAY(SELECT e.key || ': ' || e.state FROM effects e WHERE e.subject_id = t.conversation_id AND e.turn = t.first_number AND e.operation = 'send' AND e.state <> 'done')
	FROM turns t ORDER BY t.conversation_id, t.first_number`

type turn struct {
	Conversation string
	First, Last  int
	Messages     int
	Sends        []int
	Unsent       []string
}

// conversations holds the engine's turns against the phones: every event is in
// one turn, every turn with a message of the customer has an answer, and exactly
// the turns' messages are on the phones.
func (tr *trial) conversations(phones map[string][]key, said int) {
	tr.t.Helper()
	rows, err := tr.db.Query(tr.ctx, turnsSQL)
	require.NoError(tr.t, err)
	turns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[turn])
	require.NoError(tr.t, err)
	sent, last, messages := map[string][]key{}, map[string]int{}, 0
	for _, t := range turns {
		if t.First != last[t.Conversation]+1 {
			tr.wrong("conversation %s: the turn that begins with %d follows one that ends with %d", t.Conversation, t.First, last[t.Conversation])
		}
		last[t.Conversation] = t.Last
		messages += t.Messages
		if t.Messages > 0 && len(t.Sends) == 0 && !tr.patient(t) {
			tr.wrong("conversation %s: turn %d-%d has %d messages and no answer", t.Conversation, t.First, t.Last, t.Messages)
		}
		for _, u := range t.Unsent {
			tr.wrong("not sent: %s", u)
		}
		for _, i := range t.Sends {
			sent[t.Conversation] = append(sent[t.Conversation], key{t.Conversation, t.First, i})
		}
	}
	tr.Count("turns", len(turns))
	if messages != said {
		tr.wrong("customers said %d messages and turns have taken %d", said, messages)
	}
	for id, want := range sent {
		if !slices.Equal(want, phones[id]) {
			tr.wrong("conversation %s: the turns sent %d messages, the phone shows %d or others", id, len(want), len(phones[id]))
		}
	}
	tr.contiguous(last)
}

// patient tells whether a turn met a flow that was waiting for a call, and whose
// customer had been asked for patience already: the call's result answers.
func (tr *trial) patient(t turn) bool {
	var later int
	err := tr.db.QueryRow(tr.ctx, `SELECT count(*) FROM inbox WHERE subject_id = $1 AND number > $2 AND kind = 'call_result'`, t.Conversation, t.Last).Scan(&later)
	require.NoError(tr.t, err)
	return later > 0
}

// contiguous checks that no number of an inbox is missing or beyond the turns.
func (tr *trial) contiguous(last map[string]int) {
	tr.t.Helper()
	rows, err := tr.db.Query(tr.ctx, `SELECT v.id::text, v.last_number, (SELECT count(*) FROM inbox i WHERE i.subject_id = v.id) FROM conversations v`)
	require.NoError(tr.t, err)
	type inbox struct {
		ID          string
		Last, Count int
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[inbox])
	require.NoError(tr.t, err)
	for _, i := range all {
		if i.Last != i.Count || i.Last != last[i.ID] {
			tr.wrong("conversation %s: numbered up to %d, has %d events, its turns end with %d", i.ID, i.Last, i.Count, last[i.ID])
		}
	}
	tr.Count("conversations", len(all))
}

// uncertainSQL gives what the engine was not sure of. A message is settled when
// the echo of its first attempt has come or, in its place, the second one was
// answered; one whose second attempt was cut off too was uncertain twice, and the
// time counts from the last.
const uncertainSQL = `SELECT operation, attempt,
		extract(epoch FROM settled_at - CASE WHEN attempt <= 2 THEN first_attempt_at ELSE attempted_at END)::float8
	FROM effects WHERE was_uncertain`

// uncertain counts what the engine was not sure of.
func (tr *trial) uncertain() {
	tr.t.Helper()
	rows, err := tr.db.Query(tr.ctx, uncertainSQL)
	require.NoError(tr.t, err)
	type effect struct {
		Operation string
		Attempt   int
		Took      float64
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[effect])
	require.NoError(tr.t, err)
	resent := 0
	others := map[string]int{}
	for _, e := range all {
		if e.Operation != "send" {
			others[e.Operation]++
			continue
		}
		tr.Uncertain++
		if e.Attempt > 1 {
			resent++
		}
		tr.SlowestSettled = max(tr.SlowestSettled, time.Duration(e.Took*float64(time.Second)))
	}
	tr.Count("messages uncertain for a while", tr.Uncertain)
	tr.Count("  of these proved not sent, and sent", resent)
	tr.Count("  the slowest was settled after", tr.SlowestSettled.Round(time.Millisecond))
	if len(others) > 0 {
		tr.Count("other effects uncertain for a while", fmt.Sprint(others))
	}
}
