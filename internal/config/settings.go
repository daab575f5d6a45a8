package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"parley/internal/observe"
)

const prefix = "PARLEY_"

// setting is what a field's tags say.
type setting struct {
	Key, Env, Flag string
	Default, Doc   string
	needs          []string
	check          string
	index          int
	typ            reflect.Type
}

// settings in the order of the struct.
var settings = func() (out []setting) {
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		f := t.Field(i)
		key := f.Tag.Get("key")
		out = append(out, setting{
			Key: key, Env: prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_")),
			Flag:    strings.NewReplacer(".", "-", "_", "-").Replace(key),
			Default: f.Tag.Get("default"), Doc: f.Tag.Get("doc"),
			needs: strings.Fields(f.Tag.Get("need")), check: f.Tag.Get("check"), index: i, typ: f.Type,
		})
	}
	return out
}()

func (s setting) secret() bool { return s.typ == reflect.TypeFor[Secret]() }

// example words a default as advice.
func (s setting) example() string {
	if s.Default == "" {
		return ""
	}
	return "for example " + s.Default
}

// checks give why a value cannot be; they never repeat it.
var checks = map[string]func(v reflect.Value) string{
	"hostport": func(v reflect.Value) string {
		if _, port, err := net.SplitHostPort(v.String()); err != nil || port == "" {
			return "must be host:port"
		}
		return ""
	},
	"url": func(v reflect.Value) string {
		u, err := url.Parse(v.String())
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return "must be a URL that begins with http:// or https://"
		}
		if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return "must be a URL without user, query and fragment"
		}
		return ""
	},
	"postgres": func(v reflect.Value) string {
		u, err := url.Parse(v.String())
		if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			return "must be a URL of the form postgres://user:password@host:port/database"
		}
		return ""
	},
	"positive": func(v reflect.Value) string {
		if v.Int() <= 0 {
			return "must be greater than zero"
		}
		return ""
	},
	"ratio": func(v reflect.Value) string {
		if f := v.Float(); !(f > 0 && f <= 1) {
			return "must be above 0 and at most 1"
		}
		return ""
	},
	"level": func(v reflect.Value) string {
		if _, err := observe.ParseLevel(v.String()); err != nil {
			return "must be debug, info, warn or error"
		}
		return ""
	},
	"prefixes": func(v reflect.Value) string {
		for _, p := range v.Interface().([]string) {
			if _, err := netip.ParsePrefix(p); err != nil {
				return "must be networks such as 10.0.0.0/8"
			}
		}
		return ""
	},
}

func (s setting) validate(c *Config, role string) Problems {
	v := reflect.ValueOf(c).Elem().Field(s.index)
	// Numbers always have a default, so a zero was asked for.
	empty := v.IsZero() && (v.Kind() == reflect.String || v.Kind() == reflect.Slice)
	if empty {
		if slices.Contains(s.needs, role) {
			return Problems{{Key: s.Key, Why: "is not set, and " + role + " needs it", Do: "set " + s.Env + " or the key in the file"}}
		}
		return nil
	}
	if check := checks[s.check]; check != nil {
		if why := check(v); why != "" {
			return Problems{{Key: s.Key, Why: why, Do: s.example()}}
		}
	}
	return nil
}

// AddFlags adds a flag for every setting but secrets, to be given to [Load].
func AddFlags(fs *pflag.FlagSet) {
	for _, s := range settings {
		if s.secret() {
			continue
		}
		switch s.typ {
		case reflect.TypeFor[bool]():
			fs.Bool(s.Flag, s.Default == "true", s.Doc)
		default:
			f := fs.VarPF(&given{text: s.Default, kind: kindName(s.typ)}, s.Flag, "", s.Doc)
			f.DefValue = s.Default
		}
	}
}

// given is a flag's text; [Load] parses it with the other sources.
type given struct{ text, kind string }

func (g *given) String() string     { return g.text }
func (g *given) Set(s string) error { g.text = s; return nil }
func (g *given) Type() string       { return g.kind }

func kindName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Bytes]():
		return "size"
	case reflect.TypeFor[[]string]():
		return "list"
	case reflect.TypeFor[Secret]():
		return "text, secret"
	case reflect.TypeFor[string]():
		return "text"
	case reflect.TypeFor[bool]():
		return "true or false"
	}
	return "number"
}

// Docs is the table of all settings, in Markdown.
func Docs() string {
	var b strings.Builder
	b.WriteString("| key in the file | environment | flag | default | what it is |\n| --- | --- | --- | --- | --- |\n")
	for _, s := range settings {
		flag, def, doc := "`--"+s.Flag+"`", "", s.Doc
		if s.secret() {
			flag = "none: a secret"
		}
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		if len(s.needs) > 0 && s.Default == "" {
			doc += " Needed by " + strings.Join(s.needs, ", ") + "."
		}
		fmt.Fprintf(&b, "| `%s` (%s) | `%s` | %s | %s | %s |\n", s.Key, kindName(s.typ), s.Env, flag, def, doc)
	}
	return b.String()
}
