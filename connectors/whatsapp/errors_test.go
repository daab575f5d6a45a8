package whatsapp

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
)

func graphAnswer(code int) string {
	return fmt.Sprintf(`{"error":{"message":"(#%d) to 16505551234 with %s","type":"OAuthException","code":%d,"fbtrace_id":"A"}}`, code, testToken, code)
}

func TestEveryErrorCodeHasItsClass(t *testing.T) {
	classes := map[sdk.Class][]int{
		sdk.Auth:        {0, 3, 10, 102, 190, 200, 230, 299, 131005, 131031, 131045, 133000, 133005, 133006, 133010},
		sdk.Invalid:     {100, 131008, 131009, 131021, 131051, 131052, 131053, 131055, 131062, 132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 135000},
		sdk.Rejected:    {368, 130472, 130497, 131026, 131030, 131037, 131042, 131047, 131048, 131049, 131050, 134011},
		sdk.NotFound:    {33},
		sdk.Throttled:   {4, 17, 32, 613, 80007, 80008, 130429, 131056, 132069, 133008, 133009, 133015, 133016},
		sdk.Unavailable: {1, 2, 131000, 131016, 131057, 133004},
	}
	tested := map[int]bool{}
	for class, codes := range classes {
		for _, code := range codes {
			tested[code] = true
			t.Run(strconv.Itoa(code), func(t *testing.T) {
				resp := &sdk.Response{Status: 400, Header: http.Header{}, Body: []byte(graphAnswer(code))}
				for _, e := range []*sdk.Error{responseError(resp), codeError(code)} {
					require.Equal(t, class, e.Class)
					require.Equal(t, strconv.Itoa(code), e.Code)
					require.NotEmpty(t, e.Message)
					require.NotContains(t, e.Error(), "16505551234")
					require.NotContains(t, e.Error(), testToken)
					require.Equal(t, class != sdk.Throttled, e.Wrote)
					require.Equal(t, class == sdk.Throttled || code == 131057, e.RetryAfter > 0)
				}
			})
		}
	}
	for code := range meanings {
		require.True(t, tested[code], "code %d is not tested", code)
	}
}

func TestBackOffs(t *testing.T) {
	answer := func(code int, h http.Header) *sdk.Error {
		return responseError(&sdk.Response{Status: 429, Header: h, Body: []byte(graphAnswer(code))})
	}
	require.Equal(t, 4*time.Second, answer(131056, http.Header{}).RetryAfter, "the base of 4^attempt")
	require.Equal(t, time.Second, answer(130429, http.Header{}).RetryAfter)
	require.Equal(t, 7*time.Second, answer(130429, http.Header{"Retry-After": {"7"}}).RetryAfter, "the provider's wish wins")
}

func TestAnswersWithoutAKnownCode(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  sdk.Class
		code   string
	}{
		"new code":       {400, graphAnswer(999999), sdk.Invalid, "999999"},
		"new, transient": {400, `{"error":{"code":999999,"is_transient":true}}`, sdk.Unavailable, "999999"},
		"no object":      {400, `{"error":{"code":100,"error_subcode":33}}`, sdk.NotFound, "33"},
		"HTML":           {502, `<html>Bad gateway</html>`, sdk.Unavailable, "502"},
		"no code":        {403, `{"error":{"message":"x"}}`, sdk.Auth, "403"},
		"too many":       {429, ``, sdk.Throttled, "429"},
		"redirect":       {302, ``, sdk.Unavailable, "302"},
	} {
		t.Run(name, func(t *testing.T) {
			e := responseError(&sdk.Response{Status: tc.status, Header: http.Header{}, Body: []byte(tc.body)})
			require.Equal(t, tc.class, e.Class)
			require.Equal(t, tc.code, e.Code)
		})
	}
	require.Equal(t, sdk.Rejected, codeError(999999).Class, "a failed status is final")
}

func TestSendFailsWithTheClassOfItsAnswer(t *testing.T) {
	base, _ := answering(t, 429, http.Header{"Retry-After": {"2"}}, graphAnswer(131056))
	_, err := connectTo(t, base).Send(context.Background(), sdk.Outgoing{Key: "k", To: phone, Content: sdk.Content{Text: "Hi"}})
	e := sdk.AsError(err)
	require.Equal(t, sdk.Throttled, e.Class)
	require.Equal(t, "131056", e.Code)
	require.Equal(t, 2*time.Second, e.RetryAfter)
	require.False(t, e.Wrote)
}
