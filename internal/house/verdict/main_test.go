package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	passing = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0}
{"Action":"pass","Package":"p","Elapsed":1.5}
{"Action":"start","Package":"empty"}
{"Action":"skip","Package":"empty","Elapsed":0}
`
	skipping = `{"Action":"output","Package":"q","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"    b_test.go:9: needs a moon\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"q","Test":"TestB","Elapsed":0}
`
	failing = `{"Action":"output","Package":"q","Test":"TestC","Output":"    c_test.go:3: wrong\n"}
{"Action":"fail","Package":"q","Test":"TestC","Elapsed":0}
`
	unbuilt = `{"ImportPath":"r","Action":"build-output","Output":"r.go:1:1: oops\n"}
{"ImportPath":"r","Action":"build-fail"}
`
)

func TestVerdict(t *testing.T) {
	cases := map[string]struct{ stream, wantErr, wantOut string }{
		"good":          {passing, "", "1 passed, 0 failed, 0 skipped"},
		"skip refused":  {passing + skipping, "1 tests were skipped", "SKIPPED: q.TestB: b_test.go:9: needs a moon"},
		"failure":       {passing + failing, "q.TestC", "c_test.go:3: wrong"},
		"build failure": {passing + unbuilt, "r does not build", "r.go:1:1: oops"},
		"broke off":     {passing + `{"Action":"start","Package":"s"}`, "s did not end", ""},
		"nothing":       {"", "no test ran", ""},
		"other lines":   {passing + "go: downloading\n", "", "go: downloading"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := judge(strings.NewReader(c.stream), &out, nil)
			if c.wantErr == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.wantErr)
			}
			require.Contains(t, out.String(), c.wantOut)
		})
	}
}

func TestVerdictAllowsNamedReasons(t *testing.T) {
	var out bytes.Buffer
	err := judge(strings.NewReader(passing+skipping), &out, []*regexp.Regexp{regexp.MustCompile("needs a moon$")})
	require.NoError(t, err)
	require.Contains(t, out.String(), "skipped, as allowed: q.TestB")
}
