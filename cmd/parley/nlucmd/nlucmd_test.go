package nlucmd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/cmd/parley/exit"
	"parley/cmd/parley/nlucmd"
)

func run(args ...string) (string, error) {
	cmd := nlucmd.New(nil)
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func file(t *testing.T, text string) string {
	name := filepath.Join(t.TempDir(), "set.csv")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

const set = "text,label\nwhere is my order,track\ntrack my parcel,track\nmoney back,refund\nrefund please,refund\n"

func TestEvalPrintsTheContractsFields(t *testing.T) {
	out, err := run("eval", "--train", file(t, set), "--test", file(t, set+"zzz,oos\n"))
	require.NoError(t, err)
	var got map[string]float64
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	for _, field := range []string{"accuracy", "in_scope_accuracy", "oos_recall", "macro_f1", "train_s", "classify_p50_us", "classify_p99_us"} {
		require.Contains(t, got, field)
	}
	require.Len(t, got, 7)
	require.InDelta(t, 1, got["accuracy"], 1e-9)
}

func TestEvalSaysWhatIsWrong(t *testing.T) {
	good := file(t, set)
	_, err := run("eval", "--train", good)
	require.Equal(t, exit.Usage, exit.Code(err))

	bad := file(t, "text,label\nhi,\n")
	_, err = run("eval", "--train", good, "--test", bad)
	require.EqualError(t, err, bad+": line 2: the label is missing")

	_, err = run("eval", "--train", filepath.Join(t.TempDir(), "none.csv"), "--test", good)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestEvalOfASplit(t *testing.T) {
	out, err := run("eval", "--train", file(t, set), "--split", "0.5", "--seed", "3")
	require.NoError(t, err)
	again, err := run("eval", "--train", file(t, set), "--split", "0.5", "--seed", "3")
	require.NoError(t, err)
	accuracy := func(out string) any {
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		return got["accuracy"]
	}
	require.Equal(t, accuracy(out), accuracy(again))
	for _, args := range [][]string{{"--split", "0.5", "--test", "x"}, {"--split", "1"}, {"--split", "-1"}} {
		_, err = run(append([]string{"eval", "--train", file(t, set)}, args...)...)
		require.Equal(t, exit.Usage, exit.Code(err), args)
	}
}
