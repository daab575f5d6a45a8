package shopifyfake

import (
	"encoding/json"
	"time"
)

// hold is stock that an open draft keeps until a time.
type hold struct {
	Until time.Time      `json:"until"`
	Lines map[string]int `json:"lines"`
}

// available is how many of a variant can still be sold: what is on the shelf
// without what open drafts hold.
func (s *shop) available(variantID string) int {
	_, v, ok := findVariant(variantID)
	if !ok {
		return 0
	}
	left := v.stock
	var sold int
	if s.env.State().Get("sold", variantID, &sold) {
		left -= sold
	}
	if v.stock == plenty {
		return max(left, 0) // so much that holds do not matter
	}
	s.env.State().Each("hold", func(id string, raw json.RawMessage) bool {
		var h hold
		if json.Unmarshal(raw, &h) == nil && h.Until.After(s.env.Now()) {
			left -= h.Lines[variantID]
		}
		return true
	})
	return max(left, 0)
}

// sell takes lines off the shelf; a negative sign puts them back.
func (s *shop) sell(lines []line, sign int) {
	for _, l := range lines {
		s.env.State().Update("sold", l.VariantID, func(old json.RawMessage) any {
			var sold int
			if old != nil && json.Unmarshal(old, &sold) != nil {
				sold = 0
			}
			return sold + sign*l.Quantity
		})
	}
}

// inStock tells whether lines can be sold as a whole.
func (s *shop) inStock(lines []line) bool {
	wanted := map[string]int{}
	for _, l := range lines {
		wanted[l.VariantID] += l.Quantity
	}
	for id, n := range wanted {
		if s.available(id) < n {
			return false
		}
	}
	return true
}
