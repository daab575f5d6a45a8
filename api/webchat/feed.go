package webchat

import (
	"context"
	"time"

	"parley/connectors/sdk"
)

const (
	// pageSize is how many messages are read at once, and how much history a
	// visitor sees after a reload.
	pageSize = 200
	// typingFor is how long an unanswered message shows that an answer is being
	// written. Longer silences are a person thinking, or nobody.
	typingFor = 20 * time.Second
)

// feed is one reader's way through a conversation. Sockets and polls read the
// same feed, so that they show the same.
type feed struct {
	history History
	conn    Connection
	visitor sdk.Address
	cursor  int64
}

// next returns the messages after the cursor, at most a page of them, and moves
// on. more tells that another page may follow.
func (f *feed) next(ctx context.Context) (entries []Entry, more bool, err error) {
	first := f.cursor == 0
	entries, err = f.history.Messages(ctx, f.conn, f.visitor, f.cursor, pageSize)
	if err != nil || len(entries) == 0 {
		return nil, false, err
	}
	f.cursor = entries[len(entries)-1].Cursor
	return entries, len(entries) == pageSize && !first, nil
}

// batch is the messages frame of a socket and the answer to a poll.
type batch struct {
	Type    string  `json:"type"`
	Entries []Entry `json:"entries"`
	// Cursor is where to go on.
	Cursor int64 `json:"cursor"`
	// TypingMS is for how many milliseconds the widget shows that an answer is
	// being written. It is said only together with entries; without them nothing
	// has changed.
	TypingMS int64 `json:"typing_ms"`
	// Token replaces the session's, when it is not empty.
	Token string `json:"token,omitempty"`
}

func (f *feed) batch(entries []Entry, now time.Time) batch {
	if entries == nil {
		entries = []Entry{}
	}
	return batch{Type: "messages", Entries: entries, Cursor: f.cursor, TypingMS: typing(entries, now).Milliseconds()}
}

// typing is how much longer an answer is expected: while the newest message is
// the customer's, and not for ever.
func typing(entries []Entry, now time.Time) time.Duration {
	if len(entries) == 0 {
		return 0
	}
	last := entries[len(entries)-1]
	if last.From != FromCustomer {
		return 0
	}
	return min(typingFor, max(0, typingFor-now.Sub(last.At)))
}
