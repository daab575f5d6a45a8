package fake

import (
	"encoding/json"
	"fmt"

	"parley/connectors/sdk"
)

// Phones keeps what customers' devices show, for fakes of channels.
type Phones struct{ Env Env }

// Show puts a message on a device, as its newest, and gives it its number and time.
func (p Phones) Show(from string, m Shown) {
	p.Env.State().Update("count", "shown", func(old json.RawMessage) any {
		_ = json.Unmarshal(old, &m.Seq) // none yet
		m.Seq++
		return m.Seq
	})
	m.At = p.Env.Now()
	p.Env.State().Put("phone/"+from, fmt.Sprintf("%016d", m.Seq), m)
}

// Shown is what a device shows, oldest first.
func (p Phones) Shown(from string) []Shown {
	out := []Shown{}
	p.Env.State().Each("phone/"+from, func(_ string, raw json.RawMessage) bool {
		var m Shown
		if json.Unmarshal(raw, &m) == nil {
			out = append(out, m)
		}
		return true
	})
	return out
}

// Offer finds the newest message of the business that offers a choice, below its
// text or on one of its cards.
func (p Phones) Offer(from, choice string) (m Shown, c sdk.Choice, found bool) {
	for _, shown := range p.Shown(from) {
		if shown.From != "business" {
			continue
		}
		offers := shown.Choices
		for _, card := range shown.Cards {
			offers = append(offers, card.Choices...)
		}
		for _, o := range offers {
			if o.ID == choice {
				m, c, found = shown, o, true
			}
		}
	}
	return m, c, found
}
