package contacts

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
)

// PurposeMemory is the consent without which nothing is remembered of a person
// beyond the conversation, and nothing that was is read.
const PurposeMemory = "memory"

// Bounds of what is remembered of a person: how many things, and the JSON of all of
// them in bytes. To make room the oldest are forgotten.
const (
	MaxMemories = 50
	MaxMemory   = 16 << 10
)

var (
	// ErrNoConsent tells that a person has not agreed to being remembered.
	ErrNoConsent = errors.New("contacts: the contact has not agreed to being remembered")
	// ErrTooLarge tells that one value is larger than all memory may be.
	ErrTooLarge = errors.New("contacts: the value is too large to be remembered")
)

// Memory is one thing that an earlier conversation taught: a JSON value, and since
// when. A value of nil was forgotten then.
type Memory struct {
	Value any       `json:"v,omitempty"`
	At    time.Time `json:"at"`
}

// Remember keeps values by their names, as of a time; a value of nil forgets. What
// was remembered later stays. consented tells that the person has agreed by then,
// although that may not be recorded yet; what was recorded since then counts more.
func (c *Contacts) Remember(ctx context.Context, ws, id uuid.UUID, values map[string]any, consented bool, at time.Time) error {
	return c.change(ctx, ws, id, func(p *Profile) error {
		consent, known := p.Consents[PurposeMemory]
		withdrawn := known && !consent.Granted && (!consented || consent.At.After(at))
		if withdrawn || !known && !consented {
			return ErrNoConsent
		}
		if p.Memory == nil {
			p.Memory = map[string]Memory{}
		}
		for name, v := range values {
			if before, there := p.Memory[name]; !there || !before.At.After(at) {
				p.Memory[name] = Memory{v, at.UTC()}
			}
		}
		return p.makeRoom()
	})
}

// makeRoom forgets until the rest is within the bounds: first what was forgotten
// already, then the oldest.
func (p *Profile) makeRoom() error {
	for {
		size := 0
		oldest := ""
		for name, m := range p.Memory {
			js, err := json.Marshal(m.Value)
			if err != nil {
				return err
			}
			if len(js)+len(name) > MaxMemory {
				return ErrTooLarge
			}
			size += len(js) + len(name)
			if oldest == "" || p.Memory[oldest].outlives(m, oldest, name) {
				oldest = name
			}
		}
		if size <= MaxMemory && len(p.Memory) <= MaxMemories {
			return nil
		}
		delete(p.Memory, oldest)
	}
}

// outlives tells whether m goes after other when room is made.
func (m Memory) outlives(other Memory, name, otherName string) bool {
	if (m.Value == nil) != (other.Value == nil) {
		return other.Value == nil
	}
	if !m.At.Equal(other.At) {
		return m.At.After(other.At)
	}
	return name > otherName
}

// Remembered is what may be read of a person's memory: nothing without consent.
func (p *Profile) Remembered() map[string]any {
	if !p.Consents[PurposeMemory].Granted || len(p.Memory) == 0 {
		return nil
	}
	out := make(map[string]any, len(p.Memory))
	for name, m := range p.Memory {
		if m.Value != nil {
			out[name] = m.Value
		}
	}
	return out
}
