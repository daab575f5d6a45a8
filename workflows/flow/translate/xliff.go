package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The shape of XLIFF 1.2 (OASIS, February 2008), as far as it is used here.
// Expressions are ph elements, which translation tools keep from translators.
type (
	xliff struct {
		XMLName xml.Name  `xml:"urn:oasis:names:tc:xliff:document:1.2 xliff"`
		Version string    `xml:"version,attr"`
		File    xliffFile `xml:"file"`
	}
	xliffFile struct {
		Original string      `xml:"original,attr"`
		From     string      `xml:"source-language,attr"`
		To       string      `xml:"target-language,attr"`
		Type     string      `xml:"datatype,attr"`
		Units    []xliffUnit `xml:"body>trans-unit"`
	}
	xliffUnit struct {
		ID     string       `xml:"id,attr"`
		Space  string       `xml:"http://www.w3.org/XML/1998/namespace space,attr"`
		Source xliffText    `xml:"source"`
		Target *xliffTarget `xml:"target"`
		Notes  []string     `xml:"note,omitempty"`
	}
	xliffText struct {
		Inner string `xml:",innerxml"`
	}
	xliffTarget struct {
		State string `xml:"state,attr,omitempty"`
		Inner string `xml:",innerxml"`
	}
)

// States of a target (XLIFF 1.2, section 2.5).
const (
	stateDone  = "translated"
	stateNew   = "needs-translation"
	stateFuzzy = "needs-review-translation"
)

// XLIFF writes entries as an XLIFF 1.2 file.
func XLIFF(name, from, to string, entries []Entry) ([]byte, error) {
	f := xliff{Version: "1.2", File: xliffFile{Original: name + ".yaml", From: from, To: to, Type: "plaintext"}}
	for _, e := range entries {
		u := xliffUnit{ID: unitID(e.Source), Space: "preserve", Source: xliffText{inline(e.Source)}, Target: &xliffTarget{State: stateDone, Inner: inline(e.Target)}}
		switch {
		case e.Fuzzy:
			u.Target.State = stateFuzzy
			u.Notes = append(u.Notes, "The text was: "+e.Previous)
		case e.Target == "":
			u.Target.State = stateNew
		}
		if e.Block != "" {
			u.Notes = append(u.Notes, "Block "+e.Block+", line "+strconv.Itoa(e.Line))
		}
		f.File.Units = append(f.File.Units, u)
	}
	raw, err := xml.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("a text cannot be written as XML: %w", err)
	}
	return append([]byte(xml.Header), append(raw, '\n')...), nil
}

func unitID(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "t" + hex.EncodeToString(sum[:8])
}

// inline writes a text with its expressions as placeholders.
func inline(text string) string {
	var b bytes.Buffer
	rest, n := text, 0
	for rest != "" {
		at := expression.FindStringIndex(rest)
		if at == nil {
			break
		}
		n++
		escape(&b, rest[:at[0]])
		fmt.Fprintf(&b, `<ph id="%d">`, n)
		escape(&b, rest[at[0]:at[1]])
		b.WriteString("</ph>")
		rest = rest[at[1]:]
	}
	escape(&b, rest)
	return b.String()
}

func escape(b *bytes.Buffer, s string) {
	_ = xml.EscapeText(b, []byte(s)) // a buffer takes everything
}

// ParseXLIFF reads an XLIFF 1.2 file. Of an entry, Source, Target and Fuzzy come
// back.
func ParseXLIFF(src []byte) ([]Entry, error) {
	var f xliff
	if err := xml.Unmarshal(src, &f); err != nil {
		return nil, errors.New("this cannot be read as XLIFF 1.2")
	}
	var out []Entry
	for _, u := range f.File.Units {
		e := Entry{}
		var err error
		if e.Source, err = plain(u.Source.Inner); err != nil {
			return nil, err
		}
		if u.Target != nil {
			if e.Target, err = plain(u.Target.Inner); err != nil {
				return nil, err
			}
			e.Fuzzy = e.Target != "" && (strings.HasPrefix(u.Target.State, "needs-") || u.Target.State == "new")
		}
		out = append(out, e)
	}
	return out, nil
}

// plain gives the text of what is within an element, whatever elements are in it.
func plain(inner string) (string, error) {
	d := xml.NewDecoder(strings.NewReader("<t>" + inner + "</t>"))
	var b strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return "", errors.New("a text of the XLIFF file cannot be read")
		}
		if text, ok := token.(xml.CharData); ok {
			b.Write(text)
		}
	}
}
