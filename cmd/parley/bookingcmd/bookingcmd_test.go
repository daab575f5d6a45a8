package bookingcmd_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"parley/cmd/parley/bookingcmd"
	"parley/cmd/parley/exit"
)

func run(t *testing.T, cmd *cobra.Command, args ...string) (code int, stdout string) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		code = exit.Code(err)
	}
	return code, out.String()
}

// desk is an API that gives its answers in turn, and records what it was asked.
func desk(t *testing.T, answers ...string) *[]string {
	asked := &[]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Method+" "+r.URL.RequestURI()+" "+string(body))
		_, _ = io.WriteString(w, answers[min(len(*asked), len(answers))-1])
	}))
	t.Cleanup(s.Close)
	t.Setenv("PARLEY_API_KEY", "key-1")
	t.Setenv("PARLEY_API_URL", s.URL)
	return asked
}

func TestACalendarIsPutFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("zone: Asia/Kolkata\nminutes: 30\nweek: {mon-fri: \"9:00-13:00\"}\nclosed: [2026-12-25]\n"), 0o600))
	asked := desk(t, `{"name":"doctor"}`)
	code, out := run(t, bookingcmd.Calendar(), "put", "doctor", file)
	require.Zero(t, code)
	require.Contains(t, out, `"name": "doctor"`)
	require.Equal(t, []string{`PUT /v1/calendars/doctor {"closed":["2026-12-25"],"minutes":30,"week":{"mon-fri":"9:00-13:00"},"zone":"Asia/Kolkata"}`}, *asked)

	require.NoError(t, os.WriteFile(file, []byte("- no mapping"), 0o600))
	code, _ = run(t, bookingcmd.Calendar(), "put", "doctor", file)
	require.Equal(t, exit.Usage, code)
}

func TestBookingsAreListedPageByPage(t *testing.T) {
	const id = "00000000-0000-7000-8000-000000000001"
	asked := desk(t, `{"items":[{"id":"`+id+`"}],"next":"n"}`, `{"items":[]}`, `{"id":"`+id+`","state":"cancelled"}`)
	code, out := run(t, bookingcmd.Booking(), "list", "--calendar", "doctor", "--since", "2026-12-01T00:00:00Z")
	require.Zero(t, code)
	require.Contains(t, out, id)
	code, out = run(t, bookingcmd.Booking(), "cancel", id)
	require.Zero(t, code)
	require.Contains(t, out, "cancelled")
	require.Equal(t, []string{"GET /v1/bookings?calendar=doctor&since=2026-12-01T00%3A00%3A00Z ",
		"GET /v1/bookings?after=n&calendar=doctor&since=2026-12-01T00%3A00%3A00Z ", "POST /v1/bookings/" + id + "/cancel "}, *asked)
	code, _ = run(t, bookingcmd.Booking(), "cancel", "the-first")
	require.Equal(t, exit.Usage, code)
}
