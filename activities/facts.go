package activities

import "parley/internal/conversations"

// Facts are what flows may read of a conversation's contact, as contact.NAME.
func Facts(s *conversations.Snapshot) map[string]any { return (&decision{s: s}).facts() }
