package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
)

// walk notes what differs between two values, as deep as they are alike.
func walk(out *[]Change, path []string, a, b any) {
	if equal(a, b) {
		return
	}
	am, aMap := a.(yaml.MapSlice)
	bm, bMap := b.(yaml.MapSlice)
	if aMap && bMap {
		maps(out, path, am, bm)
		return
	}
	al, aList := a.([]any)
	bl, bList := b.([]any)
	if aList && bList {
		lists(out, path, al, bl)
		return
	}
	*out = append(*out, Change{Changed, strings.Join(path, " / "), brief(a), brief(b)})
}

func maps(out *[]Change, path []string, a, b yaml.MapSlice) {
	for _, item := range a {
		if after, there := get(b, item.Key); there {
			walk(out, under(path, key(item.Key)), item.Value, after)
		} else {
			add(out, Removed, under(path, key(item.Key)), item.Value)
		}
	}
	for _, item := range b {
		if _, there := get(a, item.Key); !there {
			add(out, Added, under(path, key(item.Key)), item.Value)
		}
	}
}

// lists keeps what is equal in both, in order, and pairs off what lies between.
// Places are those in the new list, or in the old one for what is gone.
func lists(out *[]Change, path []string, a, b []any) {
	i, j := 0, 0
	for _, m := range append(common(a, b), [2]int{len(a), len(b)}) {
		for i < m[0] || j < m[1] {
			switch {
			case i < m[0] && j < m[1] && alike(a[i], b[j]):
				walk(out, under(path, place(path, j)), a[i], b[j])
				i, j = i+1, j+1
			case i < m[0] && (j >= m[1] || m[0]-i >= m[1]-j):
				add(out, Removed, under(path, place(path, i)), a[i])
				i++
			default:
				add(out, Added, under(path, place(path, j)), b[j])
				j++
			}
		}
		i, j = m[0]+1, m[1]+1
	}
}

// place names an entry of a list: lists of mappings are steps at the top.
func place(path []string, i int) string {
	if len(path) == 0 {
		return "step " + strconv.Itoa(i+1)
	}
	return strconv.Itoa(i + 1)
}

// alike tells that two entries can be the same one, changed: mappings whose first
// keys, a step's verb, agree, or values that are no mappings.
func alike(a, b any) bool {
	am, aMap := a.(yaml.MapSlice)
	bm, bMap := b.(yaml.MapSlice)
	if !aMap || !bMap {
		return aMap == bMap
	}
	return len(am) > 0 && len(bm) > 0 && am[0].Key == bm[0].Key
}

// common gives the places of a longest common subsequence.
func common(a, b []any) [][2]int {
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	left, right := written(a), written(b)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if left[i] == right[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case left[i] == right[j]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

func written(list []any) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = canonical(v)
	}
	return out
}

func add(out *[]Change, kind string, path []string, v any) {
	c := Change{Kind: kind, Path: strings.Join(path, " / ")}
	if kind == Removed {
		c.Before = brief(v)
	} else {
		c.After = brief(v)
	}
	*out = append(*out, c)
}

func under(path []string, name string) []string { return append(slices.Clip(path), name) }

func get(m yaml.MapSlice, k any) (any, bool) {
	i := slices.IndexFunc(m, func(item yaml.MapItem) bool { return item.Key == k })
	if i < 0 {
		return nil, false
	}
	return m[i].Value, true
}

func key(k any) string { return fmt.Sprint(k) }

// equal compares values; the order of a mapping's keys does not count.
func equal(a, b any) bool { return canonical(a) == canonical(b) }

// canonical writes a value as JSON with sorted keys, so that equal values are
// written the same.
func canonical(v any) string {
	m, ok := v.(yaml.MapSlice)
	if !ok {
		list, ok := v.([]any)
		if !ok {
			return quote(v)
		}
		return "[" + strings.Join(written(list), ",") + "]"
	}
	items := make([]string, len(m))
	for i, item := range m {
		items[i] = quote(key(item.Key)) + ":" + canonical(item.Value)
	}
	slices.Sort(items)
	return "{" + strings.Join(items, ",") + "}"
}

func quote(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v) // a number that JSON does not have
	}
	return strings.TrimRight(b.String(), "\n")
}

// maxBrief bounds a value as it is shown, in bytes.
const maxBrief = 300

// brief writes a value on one line, keys in their order.
func brief(v any) string {
	s := brevity(v)
	if len(s) <= maxBrief {
		return s
	}
	n := maxBrief
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

func brevity(v any) string {
	switch v := v.(type) {
	case yaml.MapSlice:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = key(item.Key) + ": " + brevity(item.Value)
		}
		return "{" + strings.Join(items, ", ") + "}"
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = brevity(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return quote(v)
}
