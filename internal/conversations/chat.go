package conversations

import "encoding/json"

// Chat is a live chat at a provider that has a conversation. It holds names only.
type Chat struct {
	// Key of the effect that began the chat, and the name by which its outcome and
	// its news come. The chat's ID is in the effect's outcome.
	Key string `json:"key"`
	Ref string `json:"ref"`
	// Connector of the provider.
	Connector string `json:"connector"`
	// Queue is where the conversation waits if nobody is there.
	Queue string `json:"queue,omitempty"`
	// Branch tells that the flow knows how to go on if nobody is there.
	Branch bool `json:"branch,omitempty"`
	// Ticket tells that nobody was there and that a ticket is being opened.
	Ticket bool `json:"ticket,omitempty"`
}

// Handoff says to whom a conversation is given.
type Handoff struct {
	// Queue of agents; those of a live chat are asked first if LiveChat is set, of
	// the Group with that ID of the live chat's own if there is one.
	Queue    string `json:"queue,omitempty"`
	LiveChat bool   `json:"live_chat,omitempty"`
	Group    string `json:"group,omitempty"`
}

func (c *Chat) json() *string {
	if c == nil {
		return nil
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil // cannot be: texts and booleans
	}
	s := string(raw)
	return &s
}
