package oauth

import "time"

// SetNow replaces the clock.
func (k *Keeper) SetNow(now func() time.Time) { k.now = now }

// ParseState gives FuzzState the parser of states.
func ParseState(text string) bool { _, _, ok := parseState(text); return ok }
