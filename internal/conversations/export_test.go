package conversations

// WaitingMarks is how many marks wait for a flush to begin.
func (c *Conversations) WaitingMarks() int { return c.marks.Waiting() }
