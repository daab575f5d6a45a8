package template

import (
	"crypto/md5" //nolint:gosec // a provider's choice, see PayU EMEA
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// filter changes a text, which may be any bytes.
type filter func(string) string

var filters = map[string]filter{
	"lower":     strings.ToLower,
	"upper":     strings.ToUpper,
	"trim":      strings.TrimSpace,
	"hex":       func(s string) string { return hex.EncodeToString([]byte(s)) },
	"base64":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"escape":    url.QueryEscape,
	"unescape":  unescape,
	"ascii":     ascii,
	"crc32":     func(s string) string { return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(s))), 10) },
	"md5":       func(s string) string { h := md5.Sum([]byte(s)); return string(h[:]) },
	"sha1":      func(s string) string { h := sha1.Sum([]byte(s)); return string(h[:]) },
	"sha256":    func(s string) string { h := sha256.Sum256([]byte(s)); return string(h[:]) },
	"sha384":    func(s string) string { h := sha512.Sum384([]byte(s)); return string(h[:]) },
	"sha512":    func(s string) string { h := sha512.Sum512([]byte(s)); return string(h[:]) },
}

func filterNames() string { return strings.Join(slices.Sorted(maps.Keys(filters)), ", ") }

// unescape undoes percent-encoding; a text that is not encoded stays.
func unescape(s string) string {
	if out, err := url.PathUnescape(s); err == nil {
		return out
	}
	return s
}

// ascii writes what is not ASCII as \u and four hex digits in lower case, as Meta signs it.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			h := strconv.FormatUint(uint64(u), 16)
			b.WriteString(`\u` + strings.Repeat("0", 4-len(h)) + h)
		}
	}
	return b.String()
}
