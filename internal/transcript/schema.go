package transcript

import (
	"encoding/json"
	"strings"
)

// Schema gives the JSON Schema (draft 2020-12) of files of transcripts. It is made
// of the tables by which they are read.
func Schema() []byte {
	lines := []any{}
	defs := map[string]any{
		"match": map[string]any{
			"description": "what a text must be: the text, a list of which one must fit, or a mapping",
			"anyOf": []any{map[string]any{"type": []any{"string", "number"}},
				map[string]any{"type": "array", "minItems": 1, "items": ref("match")}, record(matchKeys)},
		},
		"replies": map[string]any{"type": "object", "additionalProperties": map[string]any{
			"anyOf": []any{ref("reply"), map[string]any{"type": "array", "items": ref("reply")}}}},
		"reply":      record(replyKeys),
		"place":      record(placeKeys, "latitude", "longitude"),
		"stands":     record(stateKeys),
		"lines":      map[string]any{"type": "array", "minItems": 1, "items": ref("line")},
		"transcript": map[string]any{"anyOf": []any{ref("lines"), record(transcriptKeys, "lines")}},
	}
	var alone []any
	for _, v := range verbs {
		defs["line_"+v.name()] = record(v.keys, v.name())
		lines = append(lines, ref("line_"+v.name()))
		if v.optional {
			alone = append(alone, v.name())
		}
	}
	defs["line"] = map[string]any{"anyOf": append(lines, map[string]any{"enum": alone})}
	root := record(fileKeys, "transcripts")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Transcripts of a Parley flow"
	root["$defs"] = defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("transcript: the schema cannot be written: " + err.Error()) // it is made of plain values
	}
	return append(out, '\n')
}

func ref(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }

// named are keys whose values have a shape of their own, by name.
var named = map[string]string{"replies": "replies", "lines": "lines", "state": "stands"}

func record(keys []key, required ...string) map[string]any {
	properties := map[string]any{}
	for i, k := range keys {
		one := shapeOf(k)
		if verb, ok := findVerb(k.name); ok && i == 0 && verb.optional && len(required) > 0 {
			one = map[string]any{"anyOf": []any{map[string]any{"type": "null"}, one}}
		}
		one["description"] = k.doc
		properties[k.name] = one
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func shapeOf(k key) map[string]any {
	if k.name == "transcripts" {
		return map[string]any{"type": "object", "minProperties": 1, "additionalProperties": ref("transcript")}
	}
	if def, ok := named[k.name]; ok && k.shape == shapeObject {
		return ref(def)
	}
	switch k.shape {
	case shapeTexts:
		return map[string]any{"type": []any{"string", "number", "array"}, "items": map[string]any{"type": []any{"string", "number"}}}
	case shapeMatch:
		return ref("match")
	case shapeMatches:
		return map[string]any{"type": "array", "items": ref("match")}
	case shapeValue:
		return map[string]any{}
	case shapeObject:
		return map[string]any{"type": "object"}
	case shapeBool:
		return map[string]any{"type": "boolean"}
	case shapeCount:
		return map[string]any{"type": "integer", "minimum": 1}
	case shapeShare:
		return map[string]any{"type": "number", "minimum": 0, "maximum": 1}
	case shapeDegrees:
		return map[string]any{"type": "number", "minimum": -180, "maximum": 180}
	case shapeClass:
		return map[string]any{"enum": classes}
	case shapeMedia:
		return map[string]any{"enum": mediaKinds}
	case shapeAgent:
		return map[string]any{"enum": []any{"takes", "returns"}}
	case shapePlace:
		return ref("place")
	case shapeNone:
		return map[string]any{"type": "null"}
	}
	return map[string]any{"type": []any{"string", "number"}}
}

// Reference writes the lines of transcripts as Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("### The file\n\n")
	table(&b, fileKeys)
	b.WriteString("A transcript is a list of lines, or a mapping with `lines` and any of the settings above, which then hold for it alone.\n\n")
	for _, part := range []struct {
		title string
		acts  bool
	}{{"### What is done", true}, {"### What is expected", false}} {
		b.WriteString(part.title + "\n\n")
		for _, v := range verbs {
			if v.acts == part.acts {
				b.WriteString("#### `" + v.name() + "`\n\n")
				table(&b, v.keys)
			}
		}
	}
	b.WriteString("### Parts\n\n")
	for _, part := range []struct {
		title string
		keys  []key
	}{{"what a text must be", matchKeys}, {"an entry of `replies`", replyKeys}, {"`state`", stateKeys}, {"`location`, as the customer sends it", placeKeys}} {
		b.WriteString("#### " + part.title + "\n\n")
		table(&b, part.keys)
	}
	return b.String()
}

func table(b *strings.Builder, keys []key) {
	b.WriteString("| Key | Meaning |\n| --- | --- |\n")
	for _, k := range keys {
		b.WriteString("| `" + k.name + "` | " + k.doc + " |\n")
	}
	b.WriteString("\n")
}
