package sdk

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// serve starts a server and returns its host, which is internal.
func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestInternalAddressesAreNotDialled(t *testing.T) {
	for _, a := range []string{"127.0.0.1:80", "10.1.2.3:443", "172.16.0.1:443", "192.168.1.1:443", "169.254.169.254:80", "100.64.0.1:443",
		"0.0.0.0:80", "224.0.0.1:80", "[::1]:443", "[fe80::1]:443", "[fd00::1]:443", "[::ffff:127.0.0.1]:443", "[::]:80"} {
		require.ErrorIs(t, refuseInternal("tcp", a, nil), errInternal, a)
	}
	for _, a := range []string{"93.184.216.34:443", "[2606:2800:220:1::1]:443"} {
		require.NoError(t, refuseInternal("tcp", a, nil), a)
	}
}

// What counts is the address that a name has at the moment of dialling: a name
// that was public when it was configured is caught when it points inside.
func TestANameThatPointsInsideIsCaught(t *testing.T) {
	reached := false
	host := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	_, port, err := net.SplitHostPort(host)
	require.NoError(t, err)
	for _, allowed := range []string{"", "api.example", "api.example:" + port} {
		_, err = Do(t.Context(), NewHTTPClient(HTTPOptions{AllowHost: allowed}), Request{Method: "GET", URL: "http://localhost:" + port})
		failed := AsError(err)
		require.Equal(t, Invalid, failed.Class)
		require.False(t, failed.Wrote)
		require.ErrorIs(t, err, errInternal)
	}
	require.False(t, reached)
}

func TestRedirectsStayOnTheirHost(t *testing.T) {
	inside := 0
	other := serve(t, func(http.ResponseWriter, *http.Request) { inside++ })
	_, port, err := net.SplitHostPort(other)
	require.NoError(t, err)
	var host string
	host = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/end":
			io.WriteString(w, "end")
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect)
		}
	})
	client := NewHTTPClient(HTTPOptions{AllowHost: host})
	for _, to := range []string{"http://" + other, "http://localhost:" + port, "http://169.254.169.254/latest/meta-data", "https://" + host, "file:///etc/passwd"} {
		resp, err := Do(t.Context(), client, Request{Method: "GET", URL: "http://" + host + "/?to=" + url.QueryEscape(to)})
		require.NoError(t, err, to)
		require.Equal(t, http.StatusTemporaryRedirect, resp.Status, "it is an answer, and is not followed")
	}
	require.Zero(t, inside)
	resp, err := Do(t.Context(), client, Request{Method: "GET", URL: "http://" + host + "/same"})
	require.NoError(t, err)
	require.Equal(t, "end", string(resp.Body))
	resp, err = Do(t.Context(), client, Request{Method: "GET", URL: "http://" + host + "/loop"})
	require.NoError(t, err)
	require.Equal(t, http.StatusFound, resp.Status)
}

// The bound holds for whoever reads: Do, and libraries that use the client.
func TestAnswersAreBounded(t *testing.T) {
	size := 0
	host := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, io.LimitReader(endless{}, int64(size))) })
	client := NewHTTPClient(HTTPOptions{AllowHost: host})
	for _, size = range []int{0, 1, MaxResponse, MaxResponse + 1, 2 * MaxResponse} {
		resp, err := client.Get("http://" + host)
		require.NoError(t, err)
		got, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		require.EqualValues(t, min(size, MaxResponse), got)
		whole, doErr := Do(t.Context(), client, Request{Method: "GET", URL: "http://" + host})
		if size <= MaxResponse {
			require.NoError(t, err)
			require.NoError(t, doErr)
			require.Len(t, whole.Body, size)
			continue
		}
		for _, err := range []error{err, doErr} {
			failed, ours := errors.AsType[*Error](err)
			require.True(t, ours)
			require.Equal(t, Unavailable, failed.Class)
			require.True(t, failed.Wrote)
			require.Contains(t, failed.Message, "8 MiB")
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("x"), len(p))), nil }

// What a transport refuses by itself is handed on as it is.
func TestARefusalOfTheTransportIsKept(t *testing.T) {
	refusal := &Error{Class: Throttled, Code: "rate_limit", Message: "wait", RetryAfter: 7}
	client := NewHTTPClient(HTTPOptions{Wrap: func(http.RoundTripper) http.RoundTripper {
		return trip(func(*http.Request) (*http.Response, error) { return nil, refusal })
	}})
	_, err := Do(t.Context(), client, Request{Method: "POST", URL: "https://api.example", Body: []byte("x")})
	require.Same(t, refusal, err)
	_, err = client.Post("https://api.example", "text/plain", strings.NewReader("x"))
	require.Same(t, refusal, AsError(err))
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
