package connectorcmd

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParseRequest: whatever stands in the file, what is taken for the body is
// its end, byte for byte.
func FuzzParseRequest(f *testing.F) {
	f.Add([]byte("POST /h HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n{}\r\n"))
	f.Add([]byte("GET https://a.test/h HTTP/1.1\nX:1\nX:2"))
	f.Add([]byte("POST / HTTP/1.1\n\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		req, err := parseRequest(raw)
		if err != nil {
			return
		}
		require.NotEmpty(t, req.Method)
		require.Equal(t, string(raw[len(raw)-len(req.Body):]), string(req.Body))
		for name, values := range req.Header {
			require.NotEmpty(t, name)
			require.NotEmpty(t, values)
		}
	})
}
