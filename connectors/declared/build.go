package declared

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"parley/connectors/declared/hook"
	"parley/connectors/declared/template"
	"parley/connectors/sdk"
)

var (
	connectorName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	operationName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	triggerName   = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
)

// connector is a definition made ready. It is immutable.
type connector struct {
	d          Definition
	headers    map[string]template.Template
	base       template.Template
	operations map[string]*operation
	hook       *hook.Hook
	config     *Check
}

// Build makes a connector of a definition. fsys holds the files that it names and
// may be nil.
func Build(d Definition, fsys fs.FS) (sdk.Connector, error) {
	c := &connector{d: d, headers: map[string]template.Template{}, operations: map[string]*operation{}}
	switch {
	case !connectorName.MatchString(d.Name):
		return sdk.Connector{}, errors.New("name: must be lower case letters and digits, beginning with a letter")
	case d.Title == "":
		return sdk.Connector{}, errors.New("title: is missing: the provider's own name, for people")
	}
	var err error
	if c.base, err = template.Parse(d.BaseURL); err != nil {
		return sdk.Connector{}, fmt.Errorf("base_url: %w", err)
	}
	for name, text := range d.Headers {
		if c.headers[name], err = template.Parse(text); err != nil {
			return sdk.Connector{}, fmt.Errorf("headers.%s: %w", name, err)
		}
	}
	if err := c.checkAuth(); err != nil {
		return sdk.Connector{}, err
	}
	if err := checkRules(d.Errors.Rules); err != nil {
		return sdk.Connector{}, fmt.Errorf("errors: %w", err)
	}
	schema := c.configSchema()
	c.config = NewCheck(schema)
	out := sdk.Connector{Name: d.Name, Title: d.Title, Docs: d.Docs, ConfigSchema: schema, OAuth: c.oauth(), Open: c.open,
		Limits: sdk.Limits{PerSecond: d.Limits.PerSecond, Burst: d.Limits.Burst, Concurrent: d.Limits.Concurrent}}
	from := &files{fsys: fsys, read: map[string]map[string]any{}}
	for _, name := range slices.Sorted(maps.Keys(d.Operations)) {
		op, err := c.operation(name, d.Operations[name], from)
		if err != nil {
			return sdk.Connector{}, fmt.Errorf("operations.%s: %w", name, err)
		}
		out.Operations = append(out.Operations, op)
	}
	if d.Check != "" && (c.operations[d.Check] == nil || c.operations[d.Check].d.Effect.Kind != sdk.Read) {
		return sdk.Connector{}, errors.New("check: must name an operation of kind read that works with an empty input")
	}
	if out.Triggers, err = c.triggers(); err != nil {
		return sdk.Connector{}, err
	}
	return out, nil
}

func (c *connector) triggers() (out []sdk.Trigger, err error) {
	of := map[string]string{}
	for _, t := range c.d.Triggers {
		if !triggerName.MatchString(t.Name) || len(t.From) == 0 {
			return nil, fmt.Errorf("triggers: %q: a name such as order.created and the provider's types in \"from\" are needed", t.Name)
		}
		for _, from := range t.From {
			if of[from] != "" {
				return nil, fmt.Errorf("triggers: %s and %s are both from %q", of[from], t.Name, from)
			}
			of[from] = t.Name
		}
		out = append(out, sdk.Trigger{Name: t.Name, Summary: t.Summary, Source: t.From})
	}
	if c.d.Webhook == nil {
		if len(out) > 0 {
			return nil, errors.New("triggers: without a webhook section nothing gives them")
		}
		return nil, nil
	}
	if c.hook, err = hook.Compile(*c.d.Webhook, of); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return out, nil
}

// configSchema describes the settings that the definition asks for.
func (c *connector) configSchema() json.RawMessage {
	properties, required := map[string]any{}, []string{}
	add := func(name, doc string, secret, must bool) {
		if _, ok := properties[name]; ok || name == "" {
			return
		}
		p := map[string]any{"type": "string", "description": doc}
		if secret {
			p["writeOnly"], p["format"] = true, "password"
		}
		if must {
			p["minLength"] = 1
			required = append(required, name)
		}
		properties[name] = p
	}
	for name, s := range c.d.Settings {
		add(name, s.Doc, s.Secret, s.Required)
	}
	doc := "The provider's address."
	if c.d.BaseURL != "" {
		doc = "The provider's address, " + c.d.BaseURL + " unless given."
	}
	add("base_url", doc, false, c.d.BaseURL == "")
	for _, a := range c.d.Auth {
		switch a.Type {
		case "basic":
			add(a.User, "User name or account ID that calls are made with.", false, !a.Optional)
			add(a.Password, "The password or token that goes with "+a.User+".", true, false)
		case "oauth2":
			add("client_id", "OAuth 2.0 client ID.", false, false)
			add("client_secret", "OAuth 2.0 client secret.", true, false)
			add("access_token", "An access token to be used as it is, instead of one that the engine obtains.", true, false)
		default:
			add(a.Setting, "The credential that calls are made with.", true, !a.Optional)
		}
	}
	if w := c.d.Webhook; w != nil {
		name := w.Signature.Secret.Setting
		if name == "" {
			name = "webhook_secret"
		}
		add(name, "The secret that verifies webhooks; several separated by commas while it is changed.", true, false)
		if w.Handshake != nil {
			add(w.Handshake.Setting, "The token by which the provider verifies the webhook's address.", true, false)
		}
	}
	slices.Sort(required)
	return sdk.JSONBody(map[string]any{"$schema": dialect, "type": "object", "additionalProperties": false, "properties": properties, "required": required})
}

// operation makes one operation ready.
func (c *connector) operation(name string, d Operation, from *files) (sdk.Operation, error) {
	none := sdk.Operation{}
	effect, err := d.Effect.seam()
	switch {
	case err != nil:
		return none, err
	case !operationName.MatchString(name):
		return none, errors.New("the name must be lower case letters, digits and _")
	case d.Summary == "":
		return none, errors.New("summary: is missing")
	}
	o, err := compile(name, d)
	if err != nil {
		return none, err
	}
	input, err := from.schema(d.Input)
	if err != nil {
		return none, fmt.Errorf("input: %w", err)
	}
	if d.Pages != nil {
		input = withMaxItems(input)
	}
	output, err := from.schema(d.Output)
	if err != nil {
		return none, fmt.Errorf("output: %w", err)
	}
	samples, _, err := from.resolve(d.Samples)
	if err != nil {
		return none, fmt.Errorf("samples: %w", err)
	}
	out := sdk.Operation{Name: name, Summary: d.Summary, Effect: effect, InputSchema: sdk.JSONBody(input), OutputSchema: sdk.JSONBody(output)}
	if list, ok := samples.([]any); ok {
		for _, s := range list {
			out.Samples = append(out.Samples, sdk.JSONBody(s))
		}
	}
	o.check = NewCheck(out.InputSchema)
	c.operations[name] = o
	do := func(conn owner, ctx context.Context, call sdk.Call, raw json.RawMessage) (json.RawMessage, error) {
		return conn.connection().Run(ctx, name, call, raw)
	}
	if o.find == nil {
		return sdk.SchemaOp(out, do, nil), nil
	}
	return sdk.SchemaOp(out, do, func(conn owner, ctx context.Context, call sdk.Call, raw json.RawMessage) (json.RawMessage, bool, error) {
		return conn.connection().find(ctx, o, call, raw)
	}), nil
}

// maxItems is the field that asks for several pages, most how many it may ask for.
const (
	maxItems = "max_items"
	most     = 1000
)

func withMaxItems(schema map[string]any) map[string]any {
	old, _ := schema["properties"].(map[string]any)
	properties := maps.Clone(old)
	if properties == nil {
		properties = map[string]any{}
	}
	properties[maxItems] = map[string]any{"type": "integer", "minimum": 1, "maximum": most,
		"description": "Reads on, page by page, until there are this many; one page unless given."}
	out := maps.Clone(schema)
	out["properties"] = properties
	return out
}

// operation is a compiled [Operation].
type operation struct {
	name    string
	d       Operation
	path    template.Template
	query   []param
	headers []param
	body    template.Tree
	// used are the fields of the input that the request names.
	used    map[string]bool
	mapping template.Tree
	find    *finder
	check   *Check
}

type param struct {
	name  string
	value template.Template
	style string
}

type finder struct {
	path  template.Template
	query []param
}

var (
	methods    = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
	styles     = []string{"", "repeat", "comma", "space", "pipe", "deep", "brackets", "json"}
	bodyTypes  = []string{"json", "form", "multipart", "text", "binary"}
	pageKinds  = []string{"cursor", "page", "offset", "link", "url"}
	idempotent = []string{"PUT", "DELETE"}
)

func compile(name string, d Operation) (*operation, error) {
	o := &operation{name: name, d: d, used: map[string]bool{maxItems: d.Pages != nil}}
	var err error
	if !slices.Contains(methods, d.Method) {
		return nil, fmt.Errorf("method: must be one of %s", strings.Join(methods, ", "))
	}
	if !strings.HasPrefix(d.Path, "/") && d.Path != "" {
		return nil, errors.New("path: must begin with /")
	}
	if o.path, err = template.Parse(d.Path); err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	o.use(o.path.Paths())
	if o.query, err = o.params(d.Query); err != nil {
		return nil, fmt.Errorf("query.%w", err)
	}
	if o.headers, err = o.params(d.Headers); err != nil {
		return nil, fmt.Errorf("headers.%w", err)
	}
	if err := o.compileBody(); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	if d.Response.Map != nil {
		if o.mapping, err = template.ParseTree(d.Response.Map); err != nil {
			return nil, fmt.Errorf("response.map: %w", err)
		}
	}
	for _, r := range d.Response.Require {
		if r.Class != "" && !knownClass(r.Class) {
			return nil, errors.New("response.require: class: there is no such class of errors")
		}
	}
	if err := checkRules(d.Errors); err != nil {
		return nil, fmt.Errorf("errors: %w", err)
	}
	if p := d.Pages; p != nil {
		switch {
		case !slices.Contains(pageKinds, p.Kind):
			return nil, fmt.Errorf("pages.kind: must be one of %s", strings.Join(pageKinds, ", "))
		case p.Param == "" && (p.Kind == "cursor" || p.Kind == "page" || p.Kind == "offset"):
			return nil, errors.New("pages.param: which query parameter goes on?")
		case p.Next == "" && p.LastID == "" && (p.Kind == "cursor" || p.Kind == "url"):
			return nil, errors.New("pages.next: where is the next one in the answer?")
		case d.Effect.Kind != sdk.Read:
			return nil, errors.New("pages: belong to operations of kind read")
		}
	}
	return o, o.compileEffect()
}

func (o *operation) compileBody() (err error) {
	b := o.d.Body
	if b == nil {
		return nil
	}
	if !slices.Contains(bodyTypes, b.Type) {
		return fmt.Errorf("type: must be one of %s", strings.Join(bodyTypes, ", "))
	}
	if (b.Value == nil) == !b.Rest {
		return errors.New("either a value or rest: true is needed")
	}
	if b.Value != nil {
		if o.body, err = template.ParseTree(b.Value); err != nil {
			return err
		}
		o.use(o.body.Paths())
	}
	return nil
}

// compileEffect holds a keyed operation to carrying the key, and a lookup to its search.
func (o *operation) compileEffect() (err error) {
	e, f := o.d.Effect, o.d.Find
	if e.Kind == sdk.Keyed && e.KeyHeader == "" && !o.used["$key"] && !slices.Contains(idempotent, o.d.Method) {
		return errors.New("effect: a keyed operation needs key_header, or {$key} in its request")
	}
	if (e.Kind == sdk.Lookup) != (f != nil) {
		return errors.New("find: a lookup has one, and no other operation")
	}
	if f == nil {
		return nil
	}
	if f.Match == "" || !o.used["$key"] {
		return errors.New("find.match: {$key} must stand in the request and match must name the field where it comes back")
	}
	o.find = &finder{}
	if o.find.path, err = template.Parse(f.Path); err != nil {
		return fmt.Errorf("find.path: %w", err)
	}
	if o.find.query, err = o.params(f.Query); err != nil {
		return fmt.Errorf("find.query.%w", err)
	}
	return nil
}

func (o *operation) params(values map[string]Value) (out []param, err error) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		t, err := template.Parse(v.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if !slices.Contains(styles, v.Style) {
			return nil, fmt.Errorf("%s: style must be one of%s", name, strings.Join(styles, ", "))
		}
		o.use(t.Paths())
		out = append(out, param{name, t, v.Style})
	}
	return out, nil
}

// use remembers which fields of the input have their place.
func (o *operation) use(paths []string) {
	for _, p := range paths {
		o.used[p] = true
		if first, _, dotted := strings.Cut(p, "."); dotted {
			o.used[first] = true
		}
	}
}

func knownClass(c sdk.Class) bool {
	return slices.Contains([]sdk.Class{sdk.Invalid, sdk.Auth, sdk.NotFound, sdk.Rejected, sdk.Throttled, sdk.Unavailable, sdk.Uncertain}, c)
}

func checkRules(rules []ErrorRule) error {
	for i, r := range rules {
		if !knownClass(r.Class) || r.Status == 0 && r.Code == "" {
			return fmt.Errorf("rule %d: a status or code, and one of the classes of errors, are needed", i+1)
		}
	}
	return nil
}
