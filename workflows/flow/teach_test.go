package flow

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pupil is written in all the ways in which examples can be.
const pupil = `# a shop
name:   pupil   # odd   spaces stay
languages: [hi]
intents:
  one: {examples: {en: [a b,  "c, d" ], hi: ['ऐ बी']}, go: start}   # in brackets
  two:
    # how they ask for two
    examples:
      - where is it   # the usual
      - "quoted: yes"

      # a comment at the end
    go: start
  three:
    examples:
    - >-
      folded
      text
    go: start
  four:
    examples: [
      x y,
      z z
    ]
    go: start

steps: [{say: {en: a, hi: b}}]`

func TestTeaching(t *testing.T) {
	for _, c := range []struct {
		lesson   Lesson
		old, new string
	}{
		{Lesson{"one", "en", "and me"}, `"c, d" ]`, `"c, d", and me ]`},
		{Lesson{"one", "hi", "नया, वाक्य"}, `['ऐ बी']`, `['ऐ बी', "नया, वाक्य"]`},
		{Lesson{"two", "", "track: \"it\""}, "\"quoted: yes\"\n", "\"quoted: yes\"\n      - \"track: \\\"it\\\"\"\n"},
		{Lesson{"two", "", "yes"}, "\"quoted: yes\"\n", "\"quoted: yes\"\n      - \"yes\"\n"},
		{Lesson{"three", "", "what's up?"}, "      text\n", "      text\n"},
		{Lesson{"four", "", "one more"}, "z z\n", "z z, one more\n"},
	} {
		out, taught, err := Teach([]byte(pupil), []Lesson{c.lesson})
		require.NoError(t, err, c.lesson.Text)
		require.Equal(t, []Lesson{c.lesson}, taught)
		want := strings.Replace(pupil, c.old, c.new, 1)
		if c.lesson.Intent == "three" { // a folded text ends nobody knows where
			want = strings.Replace(pupil, "    - >-\n", "    - what's up?\n    - >-\n", 1)
		}
		require.Equal(t, want, string(out))
		again, taught, err := Teach(out, []Lesson{c.lesson})
		require.NoError(t, err)
		require.Empty(t, taught, "it knows that already")
		require.Equal(t, string(out), string(again))
	}
	for _, c := range []struct {
		lesson Lesson
		want   string
	}{
		{Lesson{"tow", "", "x"}, `there is no intent "tow"; did you mean "two"?`},
		{Lesson{"one", "fr", "x"}, `the intent one has examples by language, and none in "fr"`},
		{Lesson{"one", "en", "Where is it?"}, `"Where is it?" is an example of the intent two already`},
	} {
		_, _, err := Teach([]byte(pupil), []Lesson{{"two", "", "new"}, c.lesson})
		require.ErrorContains(t, err, c.want)
	}
	_, _, err := Teach([]byte("name: x\nsteps: [{say: a}]\n"), []Lesson{{"a", "", "b"}})
	require.ErrorContains(t, err, "the flow has no intents")
}

// FuzzTeach: whatever is taught, the document says the same and that.
func FuzzTeach(f *testing.F) {
	for _, s := range []string{"a", "- x", "#", "a: b", "\"", "é\u2028", "{}", "x\ny", "no", "1", " y "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, intent := range []string{"one", "two", "three", "four"} {
			l := Lesson{intent, "en", text}
			out, taught, err := Teach([]byte(pupil), []Lesson{l})
			if err != nil || len(taught) == 0 {
				continue
			}
			root, _ := parseYAML([]byte(pupil))
			require.True(t, onlyAdds(root, out, l))
		}
	})
}
