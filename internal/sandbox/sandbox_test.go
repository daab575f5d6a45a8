package sandbox_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk/fake"
	"parley/internal/sandbox"
	"parley/internal/sandbox/sandboxclient"
)

func TestRequestsAreRecordedAsSent(t *testing.T) {
	s := start(t, t.TempDir(), "")
	status, body, _ := s.send("POST", "/toy/v1/things?a=1&b=2", `{"name":"x"}`, "Authorization", "Bearer tok")
	require.Equal(t, 201, status)
	require.JSONEq(t, `{"id":"th_00000001","name":"x"}`, body)
	_, body, _ = s.send("GET", "/toy/pay/1", "")
	require.Equal(t, s.Client.URL+"/toy/pay/1", body, "a fake knows where it is reached")
	s.send("PUT", "/mute/%2Fraw", "\xff\xfe")

	all, err := s.Requests(t.Context(), "", 0)
	require.NoError(t, err)
	require.Len(t, all, 3)
	first := all[0]
	require.Equal(t, uint64(1), first.Seq)
	require.Equal(t, "toy POST /v1/things a=1&b=2 thing_create", strings.Join([]string{first.Connector, first.Method, first.Path, first.Query, first.Operation}, " "))
	require.Equal(t, "Bearer tok", first.Headers["Authorization"])
	require.JSONEq(t, `{"name":"x"}`, first.Body)
	require.Equal(t, 201, first.Status)
	require.WithinDuration(t, time.Now(), first.At, time.Minute)
	require.Equal(t, "//raw", all[2].Path)
	require.Equal(t, "//4=", all[2].BodyBase64)
	require.Empty(t, all[2].Body)

	of, err := s.Requests(t.Context(), "toy", 1)
	require.NoError(t, err)
	require.Len(t, of, 1)
	require.Equal(t, uint64(2), of[0].Seq)

	require.NoError(t, s.Forget(t.Context()))
	s.send("GET", "/toy/v1/things", "")
	all, err = s.Requests(t.Context(), "", 0)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, uint64(4), all[0].Seq, "numbers go on")
}

func TestFaults(t *testing.T) {
	create := func(s running) int { status, _, _ := s.send("POST", "/toy/v1/things", `{"name":"x"}`); return status }
	for _, tc := range []struct {
		fault   sandbox.Fault
		status  int // of the requests that it strikes
		done    int // things that exist after them
		recover int // status afterwards
	}{
		{sandbox.Fault{Fault: "401"}, 401, 0, 201},
		{sandbox.Fault{Fault: "429", Times: 2, RetryAfter: sandbox.Duration(1500 * time.Millisecond)}, 429, 0, 201},
		{sandbox.Fault{Fault: "500", Operation: "thing_create"}, 500, 0, 201},
		{sandbox.Fault{Fault: "503", Times: 3}, 503, 0, 201},
		{sandbox.Fault{Fault: "cut_after_write"}, 0, 1, 201},
		{sandbox.Fault{Fault: "500", Operation: "thing_list"}, 201, 1, 201},
	} {
		t.Run(tc.fault.Fault+" "+tc.fault.Operation, func(t *testing.T) {
			s := start(t, t.TempDir(), "")
			tc.fault.Connector = "toy"
			require.NoError(t, s.Fault(t.Context(), tc.fault))
			_, page, _ := s.send("GET", "/toy/pay/1", "")
			require.NotEmpty(t, page, "pages belong to no operation and are spared")
			for range max(tc.fault.Times, 1) {
				require.Equal(t, tc.status, create(s))
			}
			if tc.fault.Operation != "thing_list" {
				_, list, _ := s.send("GET", "/toy/v1/things", "")
				var things []thing
				require.NoError(t, json.Unmarshal([]byte(list), &things))
				require.Len(t, things, tc.done)
			}
			require.Equal(t, tc.recover, create(s))
			all, err := s.Requests(t.Context(), "toy", 1)
			require.NoError(t, err)
			require.Equal(t, tc.status, all[0].Status)
		})
	}
}

// The engine polls when it likes: a fault for everything is not used up by that.
func TestWhatTheEngineDoesByItselfMustBeNamed(t *testing.T) {
	s := start(t, t.TempDir(), "")
	status := func(method, path string) int { status, _, _ := s.send(method, path, `{}`); return status }
	require.NoError(t, s.Fault(t.Context(), sandbox.Fault{Connector: "toy", Fault: "503"}))
	require.Equal(t, []int{200, 503, 201}, []int{status("GET", "/toy/v1/news"), status("POST", "/toy/v1/things"), status("POST", "/toy/v1/things")})
	require.NoError(t, s.Fault(t.Context(), sandbox.Fault{Connector: "toy", Fault: "503", Operation: "poll"}))
	require.Equal(t, []int{201, 503, 200}, []int{status("POST", "/toy/v1/things"), status("GET", "/toy/v1/news"), status("GET", "/toy/v1/news")})
}

func TestThrottledAnswerSaysWhenToComeBack(t *testing.T) {
	s := start(t, t.TempDir(), "")
	require.NoError(t, s.Fault(t.Context(), sandbox.Fault{Connector: "toy", Fault: "429", RetryAfter: sandbox.Duration(1500 * time.Millisecond)}))
	_, _, h := s.send("POST", "/toy/v1/things", `{}`)
	require.Equal(t, "2", h.Get("Retry-After"))
}

func TestTimeoutHangsUntilTheClientGivesUp(t *testing.T) {
	s := start(t, t.TempDir(), "")
	require.NoError(t, s.Fault(t.Context(), sandbox.Fault{Connector: "toy", Fault: "timeout"}))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", s.Client.URL+"/toy/v1/things", strings.NewReader(`{}`))
	require.NoError(t, err)
	_, err = s.HTTP.Do(req)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	all, err := s.Requests(t.Context(), "toy", 0)
	require.NoError(t, err)
	require.Equal(t, 0, all[0].Status)
	require.Equal(t, "timeout", all[0].Fault)
	_, list, _ := s.send("GET", "/toy/v1/things", "")
	require.Equal(t, "[]\n", list, "the fake never saw it")
}

func TestFaultsThatTheFakeActsOut(t *testing.T) {
	s := start(t, t.TempDir(), "")
	create := func() string {
		_, body, _ := s.send("POST", "/toy/v1/things", `{"name":"x"}`, "Idempotency-Key", "k")
		return body
	}
	create()
	require.Empty(t, create(), "the key is known")
	require.NoError(t, s.Fault(t.Context(), sandbox.Fault{Connector: "toy", Fault: "forget_keys"}))
	require.Contains(t, create(), "th_00000002")
	require.Empty(t, create(), "it struck once")

	require.NoError(t, s.Fault(t.Context(), sandbox.Fault{Connector: "toy", Fault: "search_lag", Lag: sandbox.Duration(time.Minute)}))
	_, list, _ := s.send("GET", "/toy/v1/things", "")
	require.Equal(t, "[]\n", list)
	_, list, _ = s.send("GET", "/toy/v1/things", "")
	require.Contains(t, list, "th_00000001")
}

func TestControlRefusesBadInput(t *testing.T) {
	s := start(t, t.TempDir(), "http://127.0.0.1:1/hook")
	for _, tc := range []struct{ method, path, body, detail string }{
		{"GET", "/_control/requests?since=x", "", "since"},
		{"GET", "/_control/requests?connector=nope", "", "no fake of connector"},
		{"POST", "/_control/faults", `{"connector":"toy","fault":"418"}`, "fault must be one of"},
		{"POST", "/_control/faults", `{"connector":"toy","fault":"500","times":-1}`, "times"},
		{"POST", "/_control/faults", `{"connector":"toy","fault":"timeout","retry_after":"2s"}`, "retry_after"},
		{"POST", "/_control/faults", `{"connector":"toy","fault":"search_lag"}`, "needs a lag"},
		{"POST", "/_control/faults", `{"connector":"toy","fault":"search_lag","lag":"soon"}`, "duration"},
		{"POST", "/_control/faults", `{"connector":"toy","fault":"500","colour":1}`, "colour"},
		{"POST", "/_control/faults", `{"connector":"nope","fault":"500"}`, "no fake of connector"},
		{"POST", "/_control/say", `{"connector":"toy","text":"hi"}`, "needs from"},
		{"POST", "/_control/say", `{"connector":"toy","from":"1"}`, "exactly one"},
		{"POST", "/_control/say", `{"connector":"toy","from":"1","text":"a","tap":"b"}`, "exactly one"},
		{"POST", "/_control/say", `{"connector":"toy","from":"1","account":"x","text":"a"}`, "no account"},
		{"POST", "/_control/say", `{"connector":"toy","from":"1","tap":"b"}`, "no message offers"},
		{"POST", "/_control/say", `{"connector":"mute","from":"1","text":"a"}`, "carries no messages"},
		{"POST", "/_control/say", `{`, "ends too early"},
		{"GET", "/_control/phone?connector=mute&from=1", "", "channel"},
		{"GET", "/_control/phone?connector=toy", "", "from"},
		{"POST", "/_control/delivery", `{"copies":0}`, "copies"},
		{"PUT", "/_control/accounts", `{"toy":[{"account":"a","hook":"/hooks"}]}`, "full address"},
		{"GET", "/nowhere", "", "nothing here"},
	} {
		t.Run(tc.path+tc.body, func(t *testing.T) {
			status, body, h := s.send(tc.method, tc.path, tc.body)
			require.GreaterOrEqual(t, status, 400)
			require.Less(t, status, 500)
			require.Equal(t, "application/problem+json", h.Get("Content-Type"))
			require.Contains(t, body, tc.detail)
		})
	}
}

func TestACustomerSpeaks(t *testing.T) {
	got := make(chan string, 10)
	hook := hookServer(t, func(body string, h http.Header) int { got <- body + h.Get("X-Signature"); return 200 })
	s := start(t, t.TempDir(), hook)
	require.NoError(t, s.Say(t.Context(), sandbox.Say{Connector: "toy", From: "1", Utterance: fake.Utterance{Text: "hi"}}))
	require.Equal(t, "1:his", <-got)
	shown, err := s.Phone(t.Context(), "toy", "1")
	require.NoError(t, err)
	require.Equal(t, "hi", shown[0].Text)
	require.NoError(t, s.Say(t.Context(), sandbox.Say{Connector: "toy", From: "+1", Utterance: fake.Utterance{Text: "plus"}}))
	_, raw, _ := s.send("GET", "/_control/phone?connector=toy&from=+1", "")
	require.Contains(t, raw, "plus", "a plus need not be escaped")
	none, err := s.Phone(t.Context(), "toy", "2")
	require.NoError(t, err)
	require.Empty(t, none)
	_, raw, _ = s.send("GET", "/_control/phone?connector=toy&from=2", "")
	require.Equal(t, "[]\n", raw)
}

func TestPages(t *testing.T) {
	hook := hookServer(t, func(string, http.Header) int { return 200 })
	s := start(t, t.TempDir(), hook)
	status, page, _ := s.send("POST", "/_phone", "connector=toy&from=%3Cb%3E&text=hello", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, 200, status)
	require.Contains(t, page, "hello")
	require.NotContains(t, page, "<b>")
	s.send("POST", "/toy/v1/things", `{}`)
	_, page, _ = s.send("GET", "/", "")
	require.Contains(t, page, `href="/toy/things"`, "what a fake shows people is linked")
	require.Contains(t, page, "/_phone?account=demo&amp;connector=toy&amp;from=%3Cb%3E")
	require.Contains(t, page, "thing_create")
	s.send("GET", "/toy/things", "")
	_, page, _ = s.send("GET", "/", "")
	require.NotContains(t, page, "GET /things", "who looks is not recorded")
	require.NotContains(t, page, "canary-secret")
	status, page, _ = s.send("POST", "/_phone", "connector=toy&from=1&tap=x", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, 422, status)
	require.Contains(t, page, "no message offers that choice")
}

func TestAFakesOwnPhoneIsShown(t *testing.T) {
	s, err := sandbox.New(sandbox.Config{Dir: t.TempDir(), Key: key, PublicURL: "http://sandbox.test", Providers: []fake.Provider{{Connector: "own", Page: "phone/{from}",
		New: func(fake.Env) http.Handler { return http.NotFoundHandler() }}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for query, want := range map[string]string{
		"from=15550001111":                 "/own/phone/15550001111",
		"from=%2Fa%3Fb%23&account=de%26mo": "/own/phone/%2Fa%3Fb%23?account=de%26mo",
	} {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_phone?connector=own&"+query, nil))
		require.Equal(t, http.StatusSeeOther, w.Code)
		require.Equal(t, want, w.Header().Get("Location"))
	}
}

func TestRunServesUntilItsContextEnds(t *testing.T) {
	s, err := sandbox.New(sandbox.Config{Addr: "127.0.0.1:0", Dir: t.TempDir(), Key: key, Providers: []fake.Provider{toyProvider()}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	resp, err := http.Get(s.URL() + "/healthz")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 200, resp.StatusCode)
	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, s.Close())
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	open, err := sandbox.New(sandbox.Config{Dir: dir, Key: key, PublicURL: "http://sandbox.test"})
	require.NoError(t, err)
	_, err = sandbox.New(sandbox.Config{Dir: dir, Key: key, PublicURL: "http://sandbox.test"})
	require.ErrorContains(t, err, "another process uses")
	require.NoError(t, open.SetAccounts(map[string][]fake.Account{"toy": {{Account: "a", Hook: "http://x.test/h"}}}))
	require.NoError(t, open.Close())
	for want, cfg := range map[string]sandbox.Config{
		"another key":   {Dir: dir, Key: bytes.Repeat([]byte{8}, 32), PublicURL: "http://sandbox.test"},
		"32 bytes":      {Dir: t.TempDir(), Key: []byte("short"), PublicURL: "http://sandbox.test"},
		"needs an Addr": {Dir: t.TempDir(), Key: key},
		"name of its own": {Dir: t.TempDir(), Key: key, PublicURL: "http://sandbox.test",
			Providers: []fake.Provider{mute(), mute()}},
	} {
		_, err := sandbox.New(cfg)
		require.ErrorContains(t, err, want)
	}
}

func TestSecretsAreStable(t *testing.T) {
	a, b := sandbox.Secrets(key, "stripe"), sandbox.Secrets(key, "shopify")
	require.Equal(t, a("webhook_secret"), sandbox.Secrets(key, "stripe")("webhook_secret"))
	require.NotEqual(t, a("webhook_secret"), a("api_key"))
	require.NotEqual(t, a("webhook_secret"), b("webhook_secret"))
}

// TestNothingIsReadableOnDisk plants what a customer, a secret and a business
// would leave, and looks for it in the raw files.
func TestNothingIsReadableOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "http://127.0.0.1:1/canary-hook")
	s.send("POST", "/toy/canary-path?q=canary-query", "canary-body \xff", "Authorization", "canary-token")
	s.send("POST", "/toy/v1/things", `{"name":"canary-name"}`, "Idempotency-Key", "canary-key")
	require.NoError(t, s.Say(t.Context(), sandbox.Say{Connector: "toy", From: "canary-phone", Utterance: fake.Utterance{Text: "canary-text"}}))
	require.NoError(t, s.Sandbox.Close())
	seen := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		seen += len(raw)
		require.NotContains(t, string(raw), "canary")
		return nil
	}))
	require.Positive(t, seen)
}

// TestEverythingSurvivesAKill runs a sandbox in a process of its own, kills it
// with -9 right after it answered, and finds all of it again.
func TestEverythingSurvivesAKill(t *testing.T) {
	if dir := os.Getenv("PARLEY_TEST_SANDBOX_DIR"); dir != "" {
		serveForKill(dir)
		return
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEverythingSurvivesAKill$")
	cmd.Env = append(os.Environ(), "PARLEY_TEST_SANDBOX_DIR="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	killed := running{nil, sandboxclient.Client{URL: strings.TrimSpace(line)}, t}
	killed.HTTP = http.DefaultClient

	ctx := t.Context()
	got := make(chan string, 10)
	hook := hookServer(t, func(body string, _ http.Header) int { got <- body; return 200 })
	require.NoError(t, killed.Client.SetAccounts(ctx, map[string][]fake.Account{"toy": {{Account: "demo", Hook: "http://127.0.0.1:1/down"}}}))
	require.NoError(t, killed.Say(ctx, sandbox.Say{Connector: "toy", From: "1", Utterance: fake.Utterance{Text: "lost?"}}))
	require.NoError(t, killed.Client.SetAccounts(ctx, map[string][]fake.Account{"toy": {{Account: "demo", Hook: hook}}}))
	require.NoError(t, killed.Say(ctx, sandbox.Say{Connector: "toy", From: "2", Utterance: fake.Utterance{Text: "hi"}}))
	require.NoError(t, killed.Fault(ctx, sandbox.Fault{Connector: "toy", Fault: "503", Operation: "thing_list", Times: 2}))
	killed.send("POST", "/toy/v1/things", `{"name":"x"}`)
	require.Equal(t, "2:hi", <-got)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed

	s := start(t, dir, "")
	all, err := s.Requests(ctx, "", 0)
	require.NoError(t, err)
	require.Len(t, all, 1)
	status, _, _ := s.send("GET", "/toy/v1/things", "")
	require.Equal(t, 503, status)
	s.send("GET", "/toy/v1/things", "")
	_, list, _ := s.send("GET", "/toy/v1/things", "")
	require.Contains(t, list, `"name":"x"`)
	_, again, _ := s.send("POST", "/toy/v1/things", `{"name":"y"}`)
	require.NotContains(t, list, strings.Split(again, `"`)[3], "identifiers are not given twice")
	shown, err := s.Phone(ctx, "toy", "1")
	require.NoError(t, err)
	require.Equal(t, "lost?", shown[0].Text)
	counts, err := s.Deliveries(ctx)
	require.NoError(t, err)
	require.GreaterOrEqual(t, counts["toy"].Pending, 1, "the webhook that nobody took is still tried")
}

func serveForKill(dir string) {
	s, err := sandbox.New(sandbox.Config{Addr: "127.0.0.1:0", Dir: dir, Key: key, Providers: []fake.Provider{toyProvider(), mute()}})
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(s.URL() + "\n")
	panic(s.Run(context.Background()))
}

// hookServer stands in for Parley's webhook address.
func hookServer(t *testing.T, take func(body string, h http.Header) int) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		w.WriteHeader(take(body.String(), r.Header))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/hooks/toy/demo"
}
