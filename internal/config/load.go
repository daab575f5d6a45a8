package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	koanfyaml "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Options say where to load from.
type Options struct {
	// File is a YAML file; empty means none.
	File string
	// Flags are those that [AddFlags] added, parsed; nil means none. Only flags
	// that were given count.
	Flags *pflag.FlagSet
	// Environ replaces the process's environment in tests.
	Environ func() []string
}

// source is one place that settings come from, read.
type source struct {
	values *koanf.Koanf
	where  func(setting) string
}

// Load reads the configuration, fills in defaults, and refuses unknown keys and
// values of the wrong form as [Problems]. Call [Config.Validate] for what a role
// needs.
func Load(o Options) (*Config, error) {
	sources, problems, err := read(o)
	if err != nil {
		return nil, err
	}
	cfg := &Config{}
	target := reflect.ValueOf(cfg).Elem()
	for _, s := range settings {
		value, where := any(s.Default), "default"
		for _, src := range sources {
			if src.values.Exists(s.Key) {
				value, where = src.values.Get(s.Key), src.where(s)
				break
			}
		}
		if value == "" || value == nil {
			continue
		}
		if why := set(target.Field(s.index), value); why != "" {
			problems = append(problems, Problem{Where: where, Key: s.Key, Why: why, Do: s.example()})
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return cfg, nil
}

// read opens the sources, the strongest first.
func read(o Options) (sources []source, problems Problems, err error) {
	if o.Flags != nil {
		k := koanf.New(".")
		if err := k.Load(posflag.ProviderWithFlag(o.Flags, ".", nil, func(f *pflag.Flag) (string, any) {
			return keyOf(f.Name, func(s setting) string { return s.Flag }), f.Value.String()
		}), nil); err != nil {
			return nil, nil, fmt.Errorf("config: flags: %w", err)
		}
		sources = append(sources, source{k, func(s setting) string { return "--" + s.Flag }})
	}
	k := koanf.New(".")
	if err := k.Load(env.Provider(".", env.Opt{Prefix: prefix, EnvironFunc: o.Environ, TransformFunc: func(name, v string) (string, any) {
		if v == "" {
			return "", nil // as if it were not set
		}
		return keyOf(name, func(s setting) string { return s.Env }), v
	}}), nil); err != nil {
		return nil, nil, fmt.Errorf("config: environment: %w", err)
	}
	sources = append(sources, source{k, func(s setting) string { return s.Env }})
	if o.File == "" {
		return sources, nil, nil
	}
	text, err := os.ReadFile(o.File)
	if err != nil {
		return nil, nil, fmt.Errorf("config: the file cannot be read: %w", err)
	}
	lines, problems := checkFile(o.File, text)
	if len(problems) > 0 {
		return sources, problems, nil
	}
	k = koanf.New(".")
	if err := k.Load(file.Provider(o.File), koanfyaml.Parser()); err != nil {
		return nil, nil, fmt.Errorf("config: %s is not valid YAML", o.File) // the parser's words may quote a value
	}
	where := func(s setting) string { return fmt.Sprintf("%s:%d", o.File, lines[s.Key]) }
	return append(sources, source{k, where}), nil, nil
}

func keyOf(name string, by func(setting) string) string {
	if i := slices.IndexFunc(settings, func(s setting) bool { return by(s) == name }); i >= 0 {
		return settings[i].Key
	}
	return ""
}

// set stores v, a YAML scalar, list or string, and returns why it cannot.
func set(field reflect.Value, v any) (why string) {
	if field.Kind() == reflect.Slice {
		items, err := list(v)
		if err != nil {
			return err.Error()
		}
		field.Set(reflect.ValueOf(items))
		return ""
	}
	switch v.(type) {
	case string, bool, int, int64, uint64, float64:
	default:
		return "must be a single value"
	}
	text := strings.TrimSpace(fmt.Sprint(v))
	switch field.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return "must be a duration with a unit"
		}
		field.SetInt(int64(d))
	case Bytes:
		n, ok := parseBytes(text)
		if !ok {
			return "must be a size in bytes, with or without a unit"
		}
		field.SetInt(n)
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return "must be true or false"
		}
		field.SetBool(b)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return "must be a whole number"
		}
		field.SetInt(int64(n))
	case float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return "must be a number"
		}
		field.SetFloat(f)
	default:
		field.SetString(text)
	}
	return ""
}

func list(v any) ([]string, error) {
	var out []string
	switch v := v.(type) {
	case string:
		for item := range strings.SplitSeq(v, ",") {
			if item = strings.TrimSpace(item); item != "" {
				out = append(out, item)
			}
		}
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("must be a list of texts")
			}
			out = append(out, s)
		}
	default:
		return nil, fmt.Errorf("must be a list")
	}
	return out, nil
}

var units = []struct {
	suffix string
	factor int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"b", 1}, {"", 1},
}

func parseBytes(text string) (int64, bool) {
	lower := strings.ToLower(text)
	for _, u := range units {
		if number, ok := strings.CutSuffix(lower, u.suffix); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil || n < 0 || n > (1<<62)/u.factor {
				return 0, false
			}
			return n * u.factor, true
		}
	}
	return 0, false
}
