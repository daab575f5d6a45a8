package postgres

import (
	"archive/tar"
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/ulikunitz/xz"
)

const (
	// EnvRepository names the base address of a Maven repository to fetch
	// from, for machines that reach Maven Central through a mirror.
	EnvRepository = "PARLEY_MAVEN_REPOSITORY"

	defaultRepository = "https://repo1.maven.org/maven2"
	downloadVersion   = "17.11.0"
	downloadMajor     = 17
	downloadTimeout   = 10 * time.Minute
	// An artifact is 15 MB (Linux) or 62 MB (macOS); more is not one of them.
	downloadLimit = 128 << 20
	unpackedLimit = 1 << 30
)

// sums are the SHA-256 sums of the artifacts of downloadVersion by platform.
var sums = map[string]string{
	"linux-amd64":        "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d",
	"linux-amd64-alpine": "ace9a6f95b1c98ce84c9841267cd04ebee5d7de5dc7b8fea148ead44f145afbd",
	"linux-arm64v8":      "8b042e0ea418b1927d95399207950da0734d27fe01e29503ade3bdc464ad4c2b",
	"darwin-amd64":       "d464ff178e9860ba204662ac23fa547504b7fd392392ff2fb92e3fd73b5bdb64",
	"darwin-arm64v8":     "a1c2786acb0c398f9b2d76806fc52f5dc8b222cbc8e9383a9b9702084daaf3a5",
}

// platform is this machine's name in the artifacts' names.
func platform() string {
	arch := runtime.GOARCH
	if arch == "arm64" {
		arch = "arm64v8"
	}
	name := runtime.GOOS + "-" + arch
	if _, err := os.Stat("/etc/alpine-release"); err == nil {
		name += "-alpine" // built against musl
	}
	return name
}

// fetchTo returns a function that makes sure the programs are unpacked below
// cache and returns their bin folder.
func fetchTo(cache string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		name := platform()
		sum, ok := sums[name]
		if !ok {
			return "", fmt.Errorf("there is no PostgreSQL artifact for %s: install PostgreSQL with this system's packages", name)
		}
		home := filepath.Join(cache, downloadVersion+"-"+name)
		bin := filepath.Join(home, "bin")
		if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
			return bin, nil
		}
		if err := install(ctx, artifactURL(name), sum, home); err != nil {
			return "", err
		}
		return bin, nil
	}
}

func artifactURL(platform string) string {
	base := os.Getenv(EnvRepository)
	if base == "" {
		base = defaultRepository
	}
	artifact := "embedded-postgres-binaries-" + platform
	return fmt.Sprintf("%s/io/zonky/test/postgres/%s/%s/%s-%s.jar",
		strings.TrimRight(base, "/"), artifact, downloadVersion, artifact, downloadVersion)
}

// install fetches the jar, checks it and unpacks it to home, which appears
// complete or not at all.
func install(ctx context.Context, url, sum, home string) error {
	if err := makeDir(filepath.Dir(home)); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(home), ".fetch-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	jar := filepath.Join(work, "artifact.jar")
	if err := download(ctx, url, sum, jar); err != nil {
		return err
	}
	tree := filepath.Join(work, "tree")
	if err := unpack(jar, tree); err != nil {
		return fmt.Errorf("unpacking %s: %w", url, err)
	}
	if err := os.Rename(tree, home); err != nil {
		if _, there := os.Stat(filepath.Join(home, "bin", "postgres")); there == nil {
			return nil // another process was quicker
		}
		return err
	}
	return nil
}

// download writes url's body to path if its SHA-256 is sum, else fails.
func download(ctx context.Context, url, sum, path string) error {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", EnvRepository, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, hash), io.LimitReader(resp.Body, downloadLimit)); err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sum {
		return fmt.Errorf("GET %s: its SHA-256 is %s, expected %s; nothing was installed", url, got, sum)
	}
	return f.Close()
}

// unpack writes the tree of the one .txz inside the jar to dir.
func unpack(jar, dir string) error {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, entry := range z.File {
		if !strings.HasSuffix(entry.Name, ".txz") {
			continue
		}
		r, err := entry.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		x, err := xz.NewReader(r)
		if err != nil {
			return err
		}
		return untar(io.LimitReader(x, unpackedLimit), dir)
	}
	return errors.New("the artifact holds no .txz")
}

// untar unpacks folders, files and links that stay inside of dir, readable by
// every user, since a server started by root runs as another one.
func untar(r io.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // refuses every path that leaves dir
	if err != nil {
		return err
	}
	defer root.Close()
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := place(root, t, h); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

// mkdir makes name and its parents, passable for everybody whatever the umask.
func mkdir(root *os.Root, name string) error {
	if name == "." {
		return nil
	}
	if err := mkdir(root, filepath.Dir(name)); err != nil {
		return err
	}
	if err := root.Mkdir(name, 0o755); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	return root.Chmod(name, 0o755)
}

func place(root *os.Root, content io.Reader, h *tar.Header) error {
	name := filepath.Clean(h.Name)
	if h.Typeflag == tar.TypeDir {
		return mkdir(root, name)
	}
	if err := mkdir(root, filepath.Dir(name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		if filepath.IsAbs(h.Linkname) || !filepath.IsLocal(filepath.Join(filepath.Dir(name), h.Linkname)) {
			return errors.New("link leaves the archive")
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeReg:
		mode := os.FileMode(0o644)
		if h.Mode&0o100 != 0 {
			mode = 0o755
		}
		f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, content); err != nil {
			f.Close()
			return err
		}
		if err := f.Chmod(mode); err != nil { // whatever the umask
			f.Close()
			return err
		}
		return f.Close()
	default:
		return fmt.Errorf("unexpected entry of type %q", h.Typeflag)
	}
}
