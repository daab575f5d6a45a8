package sigv4_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/connectors/sdk/sigv4"
)

const unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// token is the one of the test suite's post-sts-header-before.
const token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

// TestSuite holds it to AWS's Signature Version 4 test suite. Its cases by name.
func TestSuite(t *testing.T) {
	cases := []struct {
		name, method, path string
		header             http.Header
		body, token        string
		signed, signature  string
	}{
		{"get-vanilla", "GET", "/", nil, "", "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-empty-path", "GET", "", nil, "", "", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", nil, "", "", "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-vanilla-query-unreserved", "GET", "/?" + unreserved + "=" + unreserved, nil, "", "", "host;x-amz-date", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
		{"get-header-value-trim", "GET", "/", http.Header{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}}, "", "",
			"host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"post-vanilla", "POST", "/", nil, "", "", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-x-www-form-urlencoded", "POST", "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "Param1=value1", "",
			"content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
		{"post-sts-header-before", "POST", "/", nil, "", token, "host;x-amz-date;x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
	}
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for _, c := range cases {
		r := sdk.Request{Method: c.method, URL: "https://example.amazonaws.com" + c.path, Header: c.header, Body: []byte(c.body)}
		who := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: c.token}
		require.NoError(t, sigv4.Sign(&r, who, "us-east-1", "service", at.In(time.FixedZone("", 3600))))
		want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + c.signed + ", Signature=" + c.signature
		require.Equal(t, want, r.Header.Get("Authorization"), c.name)
		require.Equal(t, "20150830T123600Z", r.Header.Get("X-Amz-Date"))
		require.NotContains(t, c.header, "Authorization", "the caller's header is left alone")
		require.NoError(t, sigv4.Sign(&r, who, "us-east-1", "service", at))
		require.Equal(t, want, r.Header.Get("Authorization"), "signing again gives the same")
	}
}

func TestAnAddressThatIsNone(t *testing.T) {
	for _, url := range []string{"", "/path", "https://%zz"} {
		err := sigv4.Sign(&sdk.Request{Method: "GET", URL: url}, sigv4.Credentials{}, "r", "s", time.Now())
		require.Equal(t, sdk.Invalid, sdk.AsError(err).Class, url)
	}
}
