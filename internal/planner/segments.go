package planner

import (
	"strings"
	"unicode/utf16"
)

// The default alphabet of short messages and its extension, whose characters
// count twice: 3GPP TS 23.038, section 6.2.1.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmTwice = "\f^{}\\[~]|€"
)

// Segments counts the short messages that a text becomes on an SMS channel. A text
// of the default alphabet takes 160 characters in one segment and 153 in each of
// several; any other takes 70 and 67 UTF-16 code units (3GPP TS 23.040, section
// 9.2.3.24: the header that joins segments takes six bytes of 140). It is zero
// for no text. A character is never torn: one that does not fit begins the next
// segment.
func Segments(text string) int {
	one, joined, width := 160, 153, gsmWidth
	for _, r := range text {
		if gsmWidth(r) == 0 {
			one, joined, width = 70, 67, utf16.RuneLen
			break
		}
	}
	total, count, used := 0, 1, 0
	for _, r := range text {
		w := width(r)
		total += w
		if used += w; used > joined {
			count, used = count+1, w
		}
	}
	switch {
	case total == 0:
		return 0
	case total <= one:
		return 1
	}
	return count
}

// gsmWidth is how many septets a character takes, 0 if the alphabet lacks it.
func gsmWidth(r rune) int {
	switch {
	case strings.ContainsRune(gsmBasic, r):
		return 1
	case strings.ContainsRune(gsmTwice, r):
		return 2
	}
	return 0
}

// splitSegments cuts text further, until each piece takes at most max segments. It
// aims at pieces of the right size first, so that few are made.
func splitSegments(texts []string, max int) []string {
	if max <= 0 {
		return texts
	}
	var out []string
	for _, t := range texts {
		n := Segments(t)
		if n <= max || length(t) < 2 {
			out = append(out, t)
			continue
		}
		size := min(length(t)-1, length(t)*max/n+1)
		out = append(out, splitSegments(split(t, size), max)...)
	}
	return out
}
