package flow

import (
	"time"

	"parley/connectors/sdk"
)

// Message is something that a document says, for checks against a channel: what
// is worked out while the flow runs stands as x.
type Message struct {
	// Line and Col of its step.
	Line, Col int
	Content   sdk.Content
	// Silence is the longest that the customer can have been silent when it goes
	// out; more than a year means without bound.
	Silence time.Duration
}

// Messages lists what a document says, step by step. The document must have no
// problems of reading.
func (d *Document) Messages() []Message {
	if len(d.problems) > 0 || d.root == nil {
		return nil
	}
	r := mapRoutes(d)
	silence := r.silences()
	var out []Message
	for n, at := range r.nodes {
		if c, ok := sample(at.block.steps[at.step], d.voices.base()); ok {
			p := at.block.at[at.step]
			out = append(out, Message{p.line, p.col, c, silence[n]})
		}
	}
	return out
}

// silences works out how long the customer can have been silent before each step.
func (r *routeMap) silences() []time.Duration {
	out := make([]time.Duration, len(r.nodes))
	visits := make([]int, len(r.nodes))
	queue := make([]int, len(r.nodes))
	for i := range queue {
		queue[i] = i
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, e := range r.edges[n] {
			if e.node < 0 {
				continue
			}
			long := out[n] + e.silence
			if e.waits && e.silence == 0 {
				long = 0 // it was the customer who spoke
			}
			if long = min(long, forever); long > out[e.node] {
				if visits[e.node]++; visits[e.node] > 20 {
					long = forever // it grows with each round
				}
				out[e.node] = long
				queue = append(queue, e.node)
			}
		}
	}
	return out
}

// sample is what a step says, as far as the document tells.
func sample(s step, base string) (sdk.Content, bool) {
	word := func(p *phrase) string {
		if p == nil {
			return ""
		}
		out := ""
		for _, part := range p.first(base).parts {
			if out += part.literal; part.expr != nil {
				out += "x"
			}
		}
		return out
	}
	switch s := s.(type) {
	case *sayStep:
		return s.parts.sample(word(&s.Text), word), true
	case *askStep:
		c := s.parts.sample(word(&s.Ask), word)
		if s.Kind == "yesno" {
			c.Choices = []sdk.Choice{{ID: "yes", Label: "Yes"}, {ID: "no", Label: "No"}}
		}
		return c, true
	case *choicesStep:
		c := sdk.Content{Text: word(&s.Choices), Header: word(s.Header), Footer: word(s.Footer), ListButton: word(s.Button)}
		for _, o := range s.Options {
			c.Choices = append(c.Choices, sdk.Choice{ID: o.ID, Label: word(o.Label), Description: word(o.Description)})
		}
		return c, len(c.Choices) > 0
	case *bookStep:
		c := sdk.Content{Text: word(&s.Ask)}
		for range s.offer() {
			c.Choices = append(c.Choices, sdk.Choice{ID: "slot", Label: when("2026-11-24T09:30:00Z", base)})
		}
		return c, true
	case *formStep:
		return sdk.Content{Text: word(&s.Form)}, true
	case *signStep:
		return (&parts{Document: s.Document}).sample(word(&s.Sign), word), true
	}
	return sdk.Content{}, false
}

func (p *parts) sample(text string, word func(*phrase) string) sdk.Content {
	c := sdk.Content{Text: text, Header: word(p.Header), Footer: word(p.Footer)}
	for _, f := range p.files() {
		c.Media = &sdk.Media{Kind: f.kind, URL: "https://example.com/x"}
	}
	if p.Link != nil || p.Live != nil {
		c.Link = &sdk.Link{URL: "https://example.com/x", Label: word(p.Button)}
	}
	if p.Location != nil {
		c.Location = &sdk.Location{Name: word(p.Location.Name)}
	}
	if p.Contact != nil {
		c.Contact = &sdk.ContactCard{Name: "x"}
	}
	if p.Cards != nil {
		c.Cards = []sdk.Card{{Title: word(&p.Cards.Title), Subtitle: word(p.Cards.Subtitle)}}
	}
	if p.Template != nil {
		c.Template = &sdk.Template{Name: p.Template.Name, Language: "en"}
	}
	return c
}
