package problem_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/api/problem"
)

func TestWrite(t *testing.T) {
	p := problem.Unavailable.New("The database cannot be reached.")
	p.RetryAfter, p.Cause = 1500*time.Millisecond, errors.New("canary")
	p.Errors = []problem.Field{{Pointer: "/a", Detail: "is required"}}
	w := httptest.NewRecorder()
	problem.Write(w, p, "5b1c")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "2", w.Header().Get("Retry-After"), "whole seconds, never too early")
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	require.JSONEq(t, `{"type":"urn:parley:problem:unavailable","title":"A part that is needed cannot be reached","status":503,
		"detail":"The database cannot be reached.","instance":"urn:uuid:5b1c","errors":[{"pointer":"/a","detail":"is required"}]}`, w.Body.String())
	require.Empty(t, p.Instance, "the problem itself is not changed")
	require.ErrorContains(t, errors.Unwrap(p), "canary")
}

// TestKindsAreStable: programs rely on these.
func TestKindsAreStable(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range problem.Kinds {
		require.False(t, seen[k.Name], k.Name)
		seen[k.Name] = true
		require.Regexp(t, `^[a-z-]+$`, k.Name)
		require.Equal(t, "urn:parley:problem:"+k.Name, k.Type())
		require.Equal(t, k.Status, k.New("x").Status)
		require.NotEmpty(t, k.Title)
	}
	require.Len(t, seen, 18)
}
