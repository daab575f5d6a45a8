package needle_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"parley/proofs/needle"
)

const text = "Zoë Quackenbüsch-Ü"

func TestEveryFormIsFoundAmidOtherBytes(t *testing.T) {
	var wide []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	quoted, err := json.Marshal(text)
	require.NoError(t, err)
	for form, written := range map[string]string{
		"plain": text, "UTF-16LE": string(wide), "JSON": string(quoted), "ASCII": `"Zo\u00eb Quackenb\u00fcsch-\u00dc"`,
		"hex": hex.EncodeToString([]byte("a" + text + "b")), "query": url.QueryEscape(text), "path": url.PathEscape(text),
		"base64 0": base64.StdEncoding.EncodeToString([]byte(text + "tail")),
		"base64 1": base64.StdEncoding.EncodeToString([]byte("1" + text + "tail")),
		"base64 2": base64.StdEncoding.EncodeToString([]byte("22" + text)),
		"base64 5": base64.StdEncoding.EncodeToString([]byte("55555" + text + "t")),
		"base64u":  base64.RawURLEncoding.EncodeToString([]byte("1" + text + "tail")),
	} {
		require.NotEmpty(t, needle.Find([]byte("\x00before"+written+"after\xff"), needle.Forms("name", text)), form)
	}
	require.Empty(t, needle.Find([]byte("Zoe Quackenbusch and others, Zoë Quack"), needle.Forms("name", text)))
}

func TestATreeIsSearchedToItsLeaves(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	require.NoError(t, os.MkdirAll(deep, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(deep, "leaf"), []byte("x"+text), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other"), []byte("nothing"), 0o600))
	hits, size, err := needle.Tree(dir, needle.Forms("name", text))
	require.NoError(t, err)
	require.Len(t, hits, 1)
	require.Equal(t, "name, plain, in "+filepath.Join(deep, "leaf"), hits[0].String())
	require.EqualValues(t, len("x"+text)+len("nothing"), size)
}

func TestATextThatIsFoundByChanceIsRefused(t *testing.T) {
	require.Panics(t, func() { needle.Forms("name", "Bob") })
}
