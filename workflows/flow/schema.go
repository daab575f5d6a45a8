package flow

import (
	"encoding/json"
	"reflect"
	"strings"

	"parley/connectors/sdk/role"
)

// Schema gives the JSON Schema (draft 2020-12) of flow documents. It is made of
// the structs that read them, so that editors know what the language knows.
func Schema() []byte {
	s := &schemaMaker{defs: map[string]any{}}
	root := s.record(reflect.TypeFor[head]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "A Parley flow"
	var steps []any
	for _, name := range verbNames() {
		one := s.record(reflect.TypeOf(verbs[name]()).Elem())
		one["required"] = with(one["required"], name)
		s.defs["step_"+name] = one
		steps = append(steps, map[string]any{"$ref": "#/$defs/step_" + name})
	}
	s.defs["step"] = map[string]any{"anyOf": append(steps, map[string]any{"enum": alone})}
	root["$defs"] = s.defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("flow: the schema cannot be written: " + err.Error()) // it is made of plain values
	}
	return append(out, '\n')
}

// schemaMaker turns records into schemas, each once.
type schemaMaker struct{ defs map[string]any }

// shapes are the schemas of types that read themselves.
var shapes = map[reflect.Type]string{
	reflect.TypeFor[phrase]():        `{"$ref":"#/$defs/text"}`,
	reflect.TypeFor[fill]():          `{"$ref":"#/$defs/text"}`,
	reflect.TypeFor[retries]():       `{"$ref":"#/$defs/text"}`,
	reflect.TypeFor[expr]():          `{"type":["string","number","boolean"],"description":"an expression"}`,
	reflect.TypeFor[condition]():     `{"type":["string","number","boolean"],"description":"an expression that is true or false"}`,
	reflect.TypeFor[template]():      `{"description":"a value; a text that begins with = is an expression"}`,
	reflect.TypeFor[arguments]():     `{"type":"object","description":"values; a text that begins with = is an expression"}`,
	reflect.TypeFor[assignments]():   `{"type":"object","description":"variables and their values; a text that begins with = is an expression"}`,
	reflect.TypeFor[target]():        `{"$ref":"#/$defs/target"}`,
	reflect.TypeFor[variable]():      `{"type":"string","pattern":"^[a-z][a-zA-Z0-9_]{0,39}$","description":"the name of a variable"}`,
	reflect.TypeFor[kept]():          `{"type":"string","description":"the name of a variable"}`,
	reflect.TypeFor[span]():          `{"type":"string","description":"a time span: 30s, 15m, 2h, 1d, 2w"}`,
	reflect.TypeFor[optionalSpan]():  `{"type":["string","null"],"description":"a time span: 30s, 15m, 2h, 1d, 2w"}`,
	reflect.TypeFor[optionalText]():  `{"type":["string","null"]}`,
	reflect.TypeFor[fileSize]():      `{"type":"string","pattern":"^[0-9]{1,4} ?[KMGkmg][Bb]$"}`,
	reflect.TypeFor[pattern]():       `{"type":"string","format":"regex"}`,
	reflect.TypeFor[operation]():     `{"type":"string","pattern":"^[a-z][a-z0-9]*\\.[a-z][a-z0-9_]*$"}`,
	reflect.TypeFor[connectorName](): `{"type":"string"}`,
	reflect.TypeFor[optionalExpr]():  `{"type":["string","null"],"description":"an expression"}`,
	reflect.TypeFor[ticketAction]():  `{"enum":["comment","get","open","update"]}`,
	reflect.TypeFor[crmAction]():     `{"enum":["contact","deal","get","lead","note","update_deal"]}`,
	reflect.TypeFor[errorJumps]():    `{"anyOf":[{"$ref":"#/$defs/target"},{"type":"object","propertyNames":{"enum":["invalid","auth","not_found","rejected","throttled","unavailable","uncertain","default"]},"additionalProperties":{"$ref":"#/$defs/target"}}]}`,
	reflect.TypeFor[handoffPlace]():  `{"enum":["livechat","queue"]}`,
	reflect.TypeFor[nothing]():       `{"type":"null"}`,
	reflect.TypeFor[number01]():      `{"type":"number","minimum":0,"maximum":1}`,
	reflect.TypeFor[zoneName]():      `{"type":"string"}`,
	reflect.TypeFor[dayAt]():         `{"type":"string","format":"date"}`,
	reflect.TypeFor[week]():          `{"type":"object","additionalProperties":{"type":"string"}}`,
	reflect.TypeFor[days]():          `{"type":"object","additionalProperties":{"type":"string"}}`,
	reflect.TypeFor[shares]():        `{"type":"object","additionalProperties":{"type":"integer","minimum":1}}`,
	reflect.TypeFor[routes]():        `{"type":"object","additionalProperties":{"$ref":"#/$defs/target"}}`,
	reflect.TypeFor[entries]():       `{"type":"object","additionalProperties":{"type":"string"}}`,
	reflect.TypeFor[aliases]():       `{"type":"object","additionalProperties":{"type":"string"}}`,
	reflect.TypeFor[personas]():      `{"type":"object","additionalProperties":{"type":"string"}}`,
	reflect.TypeFor[keywords]():      `{"type":"object","additionalProperties":{"description":"a word, or a list of words; {say, language, channel} for one that holds there only"}}`,
	reflect.TypeFor[globalWord]():    `{"anyOf":[{"type":["string","array"]},{"type":"object","properties":{"say":{"type":["string","array"]},"go":{"type":"string"}},"additionalProperties":false}]}`,
	reflect.TypeFor[translations]():  `{"type":"object","additionalProperties":{"type":"object"}}`,
	reflect.TypeFor[wordings]():      `{"type":["array","object"]}`,
	reflect.TypeFor[values]():        `{"type":"object","additionalProperties":{"type":["string","number","array"]}}`,
	reflect.TypeFor[finder]():        `{"type":"string","format":"regex"}`,
	reflect.TypeFor[patterns]():      `{"type":["string","array"]}`,
	reflect.TypeFor[blockList]():     `{"type":"object","additionalProperties":{"$ref":"#/$defs/steps"}}`,
	reflect.TypeFor[stepList]():      `{"$ref":"#/$defs/steps"}`,
	reflect.TypeFor[menu]():          `{"$ref":"#/$defs/step_choices"}`,
}

// mappings are types that map names to records.
var mappings = map[reflect.Type]reflect.Type{
	reflect.TypeFor[intents]():   reflect.TypeFor[intent](),
	reflect.TypeFor[desk]():      reflect.TypeFor[information](),
	reflect.TypeFor[subList]():   reflect.TypeFor[subflow](),
	reflect.TypeFor[calendars](): reflect.TypeFor[calendar](),
	reflect.TypeFor[fields]():    reflect.TypeFor[formField](),
}

// value is the schema of a field's type.
func (s *schemaMaker) value(t reflect.Type) map[string]any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if shape, ok := shapes[t]; ok {
		var out map[string]any
		if err := json.Unmarshal([]byte(shape), &out); err != nil {
			panic("flow: the shape of " + t.Name() + " is no JSON")
		}
		return out
	}
	if entry, ok := mappings[t]; ok {
		return map[string]any{"type": "object", "additionalProperties": s.named(entry)}
	}
	if t == reflect.TypeFor[options]() {
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "object", "additionalProperties": map[string]any{"$ref": "#/$defs/target"}},
			map[string]any{"type": "array", "items": map[string]any{"anyOf": []any{map[string]any{"type": []any{"string", "number"}}, s.named(reflect.TypeFor[option]())}}},
		}}
	}
	if t == reflect.TypeFor[engines]() {
		return map[string]any{"type": "array", "minItems": 1, "items": map[string]any{"anyOf": []any{map[string]any{"type": "string"}, s.named(reflect.TypeFor[engine]())}}}
	}
	if t == reflect.TypeFor[entities]() {
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"anyOf": []any{map[string]any{"type": "string"}, s.named(reflect.TypeFor[ownKind]())}}}
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": []any{"string", "number"}}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.value(t.Elem())}
	case reflect.Struct:
		return s.named(t)
	}
	panic("flow: the schema has no shape for " + t.Name())
}

// named is a reference to a record's schema.
func (s *schemaMaker) named(t reflect.Type) map[string]any {
	if _, done := s.defs[t.Name()]; !done {
		s.defs[t.Name()] = nil // a record may hold itself
		s.defs[t.Name()] = s.record(t)
	}
	return map[string]any{"$ref": "#/$defs/" + t.Name()}
}

func (s *schemaMaker) record(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []any{}
	for _, k := range keysOf(t) {
		f := t.FieldByIndex(k.index)
		one := s.value(f.Type)
		if doc := f.Tag.Get("doc"); doc != "" {
			one["description"] = doc
		}
		properties[k.name] = one
		if k.required {
			required = append(required, k.name)
		}
	}
	s.common()
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// common are the shapes that many keys share.
func (s *schemaMaker) common() {
	s.defs["text"] = map[string]any{
		"description": "a text that may hold {{ expressions }}; a mapping by language or persona; a list of variants",
		"type":        []any{"string", "number", "object", "array"},
	}
	s.defs["steps"] = map[string]any{"type": "array", "minItems": 1, "items": map[string]any{"$ref": "#/$defs/step"}}
	s.defs["target"] = map[string]any{"description": "the name of a block, or a list of steps",
		"anyOf": []any{map[string]any{"type": "string"}, map[string]any{"$ref": "#/$defs/steps"}}}
}

// with adds a name to those that are required, if it is not among them.
func with(required any, name string) []any {
	list, _ := required.([]any)
	for _, one := range list {
		if one == name {
			return list
		}
	}
	return append(list, name)
}

// Reference writes the keys of the language as Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("### The document\n\n")
	table(&b, reflect.TypeFor[head]())
	b.WriteString("### Steps\n")
	for _, name := range verbNames() {
		b.WriteString("\n#### `" + name + "`\n\n")
		table(&b, reflect.TypeOf(verbs[name]()).Elem())
	}
	b.WriteString("### Parts\n")
	for _, part := range []struct {
		title string
		t     reflect.Type
	}{
		{"`bot`", reflect.TypeFor[bot]()}, {"`words`", reflect.TypeFor[globalWords]()}, {"`texts`", reflect.TypeFor[texts]()},
		{"`understand`", reflect.TypeFor[understand]()}, {"an engine of `understand`", reflect.TypeFor[engine]()},
		{"an intent", reflect.TypeFor[intent]()}, {"a kind of your own", reflect.TypeFor[ownKind]()}, {"an entry of `answers`", reflect.TypeFor[information]()}, {"a sub-flow", reflect.TypeFor[subflow]()},
		{"a calendar of `hours`", reflect.TypeFor[calendar]()}, {"an option of `choices`", reflect.TypeFor[option]()},
		{"`many`", reflect.TypeFor[many]()}, {"a field of `form`", reflect.TypeFor[formField]()}, {"an entry of `branch`", reflect.TypeFor[arm]()},
		{"`timeout`", reflect.TypeFor[timeout]()}, {"`location`", reflect.TypeFor[spot]()}, {"`contact`", reflect.TypeFor[card]()},
		{"`cards`", reflect.TypeFor[cards]()}, {"`template`", reflect.TypeFor[approved]()},
	} {
		b.WriteString("\n#### " + part.title + "\n\n")
		table(&b, part.t)
	}
	b.WriteString("### Roles\n\nWhat `with` holds, whichever provider has the role.\n")
	for _, verb := range []struct {
		name    string
		by      role.Name
		actions map[string]action
	}{{"ticket", role.Helpdesk, ticketActions}, {"crm", role.CRM, crmActions}} {
		for _, word := range sortedKeys(verb.actions) {
			b.WriteString("\n#### `" + verb.name + ": " + word + "`\n\n| Field | Meaning |\n| --- | --- |\n")
			for _, f := range fieldsOf(inputOf(verb.by, verb.actions[word].operation)) {
				fieldRow(&b, "", f)
			}
		}
	}
	b.WriteString("\n### Kinds of answers\n\n| Kind | What is understood and kept |\n| --- | --- |\n")
	for _, name := range kindNames() {
		b.WriteString("| `" + name + "` | " + kinds[name].doc + " |\n")
	}
	b.WriteString("\n### Global words\n\n| Language |")
	all := (&globalWords{}).all()
	for _, w := range all {
		b.WriteString(" " + w.name + " |")
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(all)) + "\n")
	for _, language := range sortedKeys(globalWordsIn) {
		b.WriteString("| " + nameOf(language) + " |")
		for _, w := range all {
			b.WriteString(" " + strings.Join(globalWordsIn[language][w.name], ", ") + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func fieldRow(b *strings.Builder, within string, f roleField) {
	b.WriteString("| `" + within + f.name + "` | " + f.doc + " |\n")
	for _, inner := range f.fields {
		fieldRow(b, within+f.name+".", inner)
	}
}

func table(b *strings.Builder, t reflect.Type) {
	b.WriteString("| Key | Meaning |\n| --- | --- |\n")
	for _, k := range keysOf(t) {
		b.WriteString("| `" + k.name + "`")
		if k.required {
			b.WriteString(" (needed)")
		}
		b.WriteString(" | " + t.FieldByIndex(k.index).Tag.Get("doc") + " |\n")
	}
	b.WriteString("\n")
}
