package bus

// Waiting is how many arrivals wait for a flush to begin.
func (in *Inbox) Waiting() int { return in.group.Waiting() }
