// Package needle finds planted texts in raw bytes, in any of the forms in which
// programs write text down.
package needle

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Needle is one planted text in one form.
type Needle struct {
	// What names the text, Form how it is written. Neither is the text.
	What, Form string
	bytes      []byte
}

// Forms gives a planted text in every form, each once. Texts shorter than 8 bytes
// would be found by accident and panic.
func Forms(what, text string) []Needle {
	if len(text) < 8 {
		panic("needle: the text is too short to be told from chance")
	}
	var out []Needle
	seen := map[string]bool{}
	add := func(form string, b []byte) {
		if !seen[string(b)] {
			seen[string(b)] = true
			out = append(out, Needle{what, form, b})
		}
	}
	add("plain", []byte(text))
	add("UTF-16LE", utf16le(text))
	for shift := range 3 {
		add(fmt.Sprintf("base64, alignment %d", shift), base64Of(base64.StdEncoding, text, shift))
		add(fmt.Sprintf("base64url, alignment %d", shift), base64Of(base64.URLEncoding, text, shift))
	}
	add("hex", []byte(hex.EncodeToString([]byte(text))))
	add("HEX", []byte(strings.ToUpper(hex.EncodeToString([]byte(text)))))
	add("URL query", []byte(url.QueryEscape(text)))
	add("URL path", []byte(url.PathEscape(text)))
	add("JSON", jsonInner(text))
	add("JSON, ASCII only", []byte(ascii(text)))
	return out
}

func utf16le(text string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// base64Of is the part of the encoding that does not depend on what stands
// before and after the text, which begins at an offset of shift modulo 3.
func base64Of(e *base64.Encoding, text string, shift int) []byte {
	padded := append(make([]byte, shift), text...)
	whole := len(padded) / 3 * 3 // what follows shares a group with other bytes
	out := []byte(e.EncodeToString(padded[:whole]))
	if shift > 0 {
		out = out[4:] // and so does the beginning
	}
	return out
}

func jsonInner(text string) []byte {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string
	}
	return raw[1 : len(raw)-1]
}

func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}

// Find gives the needles that data holds.
func Find(data []byte, needles []Needle) (found []Needle) {
	for _, n := range needles {
		if bytes.Contains(data, n.bytes) {
			found = append(found, n)
		}
	}
	return found
}

// Hit is a needle in a place.
type Hit struct {
	Where string
	Needle
}

func (h Hit) String() string { return fmt.Sprintf("%s, %s, in %s", h.What, h.Form, h.Where) }

// Tree searches every file beneath a folder. It returns how many bytes it read.
func Tree(dir string, needles []Needle) (hits []Hit, size int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // gone since its folder was listed
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		size += int64(len(data))
		for _, n := range Find(data, needles) {
			hits = append(hits, Hit{path, n})
		}
		return nil
	})
	return hits, size, err
}
