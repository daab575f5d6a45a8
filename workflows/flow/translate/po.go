package translate

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/chai2010/gettext-go/po"
)

// fuzzyFlag marks translations that a translator must look at (GNU gettext manual,
// "The Format of PO Files").
const fuzzyFlag = "fuzzy"

// PO writes entries as a PO file for a language.
func PO(name, language string, entries []Entry) []byte {
	header := po.Header{ProjectIdVersion: name, Language: language, MimeVersion: "1.0",
		ContentType: "text/plain; charset=UTF-8", ContentTransferEncoding: "8bit"}
	var b bytes.Buffer
	b.WriteString(header.String() + "\n") // entry by entry: a whole file would be sorted
	for _, e := range entries {
		m := po.Message{MsgId: e.Source, MsgStr: e.Target}
		m.ReferenceFile, m.ReferenceLine = []string{name + ".yaml"}, []int{e.Line}
		if e.Block != "" {
			m.ExtractedComment = "block " + e.Block
		}
		if len(expressions(e.Source)) > 0 {
			m.ExtractedComment = paragraph(m.ExtractedComment, "leave what stands in {{ }} as it is")
		}
		if e.Fuzzy {
			m.Flags = []string{fuzzyFlag}
			m.ExtractedComment = paragraph(m.ExtractedComment, fmt.Sprintf("the text was: %q", e.Previous))
		}
		b.WriteString(m.String() + "\n")
	}
	return b.Bytes()
}

func paragraph(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

// ParsePO reads a PO file. Of an entry, Source, Target and Fuzzy come back.
func ParsePO(src []byte) ([]Entry, error) {
	f, err := po.Load(src)
	if err != nil {
		return nil, fmt.Errorf("this cannot be read as a PO file: %w", err)
	}
	var out []Entry
	for _, m := range f.Messages {
		if m.MsgIdPlural != "" || len(m.MsgStrPlural) > 0 {
			return nil, errors.New("flows have no plural forms: write msgid and msgstr only")
		}
		out = append(out, Entry{Source: m.MsgId, Target: m.MsgStr, Fuzzy: slices.Contains(m.Flags, fuzzyFlag)})
	}
	return out, nil
}
