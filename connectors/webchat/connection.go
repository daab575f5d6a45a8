package webchat

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/connectors/sdk"
)

// Connection is one widget: settings, keys and allowed origins. It is immutable
// and safe for concurrent use.
type Connection struct {
	settings Settings
	keys     [][]byte
	origins  []string
	anyone   bool
	host     string
}

// Settings are what the widget shows. They are public.
type Settings struct {
	Title       string   `json:"title"`
	Color       string   `json:"color"`
	Greeting    string   `json:"greeting"`
	Placeholder string   `json:"placeholder"`
	Suggestions []string `json:"suggestions"`
}

// minSecret is the least length of a signing secret in bytes: a key for HS256
// must be as long as the hash's output (RFC 7518, section 3.2).
const minSecret = 32

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func open(raw json.RawMessage) (*Connection, error) {
	var cfg Config
	if err := sdk.DecodeStrict(raw, &cfg); err != nil {
		return nil, err
	}
	c := &Connection{settings: Settings{
		Title:       or(cfg.Title, "Chat with us"),
		Color:       or(cfg.Color, "#0f6e56"),
		Greeting:    or(cfg.Greeting, "Hello! Send us a message and the answer comes right here."),
		Placeholder: or(cfg.Placeholder, "Write a message…"),
		Suggestions: append([]string{}, cfg.Suggestions...),
	}}
	if err := c.checkSettings(); err != nil {
		return nil, err
	}
	if err := c.takeSecrets(cfg.WebhookSecret); err != nil {
		return nil, err
	}
	if err := c.takeOrigins(cfg.AllowedOrigins); err != nil {
		return nil, err
	}
	if cfg.BaseURL != "" {
		u, err := url.Parse(cfg.BaseURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return nil, sdk.Invalidf("base_url must be an address like https://chat.example")
		}
		c.host = strings.ToLower(u.Host)
	}
	return c, nil
}

func or(v, fallback string) string {
	if v == "" {
		return fallback
	}
	return v
}

func (c *Connection) checkSettings() error {
	s := c.settings
	for _, limit := range []struct {
		name, value string
		most        int
	}{{"title", s.Title, 60}, {"greeting", s.Greeting, 300}, {"greeting_placeholder", s.Placeholder, 80}} {
		if utf8.RuneCountInString(limit.value) > limit.most {
			return sdk.Invalidf("%s is longer than %d characters", limit.name, limit.most)
		}
	}
	if !hexColor.MatchString(s.Color) {
		return sdk.Invalidf("color must be written as #rrggbb")
	}
	if len(s.Suggestions) > 4 {
		return sdk.Invalidf("suggestions has more than 4 entries")
	}
	for i, text := range s.Suggestions {
		if n := utf8.RuneCountInString(text); n == 0 || n > 60 {
			return sdk.Invalidf("suggestions[%d] must have 1 to 60 characters", i)
		}
	}
	return nil
}

func (c *Connection) takeSecrets(secrets string) error {
	if strings.TrimSpace(secrets) == "" {
		return sdk.Invalidf("webhook_secret is missing; it signs the visitors' sessions and needs at least %d characters", minSecret)
	}
	for i, s := range strings.Split(secrets, ",") {
		s = strings.TrimSpace(s)
		if len(s) < minSecret {
			return sdk.Invalidf("webhook_secret: secret %d of those that commas separate is shorter than %d characters", i+1, minSecret)
		}
		c.keys = append(c.keys, []byte(s))
	}
	return nil
}

func (c *Connection) takeOrigins(origins []string) error {
	for i, o := range origins {
		if o == "*" {
			c.anyone = true
			continue
		}
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
			(u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
			strings.Contains(strings.TrimPrefix(u.Host, "*."), "*") {
			return sdk.Invalidf("allowed_origins[%d] must be \"*\" or an origin like https://shop.example, without a path", i)
		}
		c.origins = append(c.origins, strings.ToLower(u.Scheme+"://"+u.Host))
	}
	return nil
}

// Settings returns what the widget shows. The caller must not change it.
func (c *Connection) Settings() Settings { return c.settings }

// SigningKeys returns the keys of the visitors' sessions, at least one: the
// first signs, all verify. The caller must not change them.
func (c *Connection) SigningKeys() [][]byte { return c.keys }

// Allows tells whether a page of this origin (the Origin header) may use the
// chat that was called under host (the Host header). No origin is allowed:
// browsers leave it out of requests to a page's own server, and other programs
// hold no one else's token.
func (c *Connection) Allows(origin, host string) bool {
	if origin == "" || c.anyone {
		return true
	}
	o := strings.ToLower(origin)
	if slices.Contains(c.origins, o) {
		return true
	}
	scheme, name, ok := strings.Cut(o, "://")
	if !ok || name == "" {
		return false
	}
	if name == strings.ToLower(host) || (c.host != "" && name == c.host) {
		return true
	}
	return slices.ContainsFunc(c.origins, func(allowed string) bool {
		suffix, ok := strings.CutPrefix(allowed, scheme+"://*")
		return ok && strings.HasSuffix(name, suffix) && len(name) > len(suffix)
	})
}
