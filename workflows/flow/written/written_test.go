package written

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLexiconsAreReadable(t *testing.T) {
	for _, name := range Languages {
		raw, err := files.ReadFile("lexicon/" + name + ".txt")
		require.NoError(t, err)
		_, err = parse(name, string(raw))
		require.NoError(t, err)
	}
}
