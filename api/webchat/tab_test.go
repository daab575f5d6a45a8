package webchat_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browser finds Chromium, or skips the test.
func browser(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("browser tests take a while: run without -short")
	}
	if path := os.Getenv("PARLEY_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no browser: install chromium, or name one in PARLEY_CHROMIUM")
	return ""
}

// tab is one browser window of a visitor of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
}

type screen struct {
	width, height int64
	phone, dark   bool
}

var desktop = screen{width: 1280, height: 860}
var handset = screen{width: 390, height: 844, phone: true}

func openTab(t *testing.T, s screen) *tab {
	t.Helper()
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	w := &tab{t: t, ctx: ctx}
	w.run() // starts the browser, whose life is that of this context
	w.watchForErrors()
	theme := "light"
	if s.dark {
		theme = "dark"
	}
	w.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
	opts := []chromedp.EmulateViewportOption{chromedp.EmulateScale(1)}
	if s.phone {
		opts = []chromedp.EmulateViewportOption{chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch}
	}
	w.run(chromedp.EmulateViewport(s.width, s.height, opts...))
	return w
}

// watchForErrors makes the test fail for what the page's scripts throw and for
// what its content security policy stops.
func (w *tab) watchForErrors() {
	said := make(chan string, 256)
	require.NoError(w.t, chromedp.Listen(w.ctx, func(ev any) {
		text := ""
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			text = "uncaught: " + e.ExceptionDetails.Text
			if e.ExceptionDetails.Exception != nil {
				text += " " + e.ExceptionDetails.Exception.Description
			}
		case *log.EventEntryAdded:
			if e.Entry.Source == log.EntrySourceSecurity {
				text = e.Entry.Text
			}
		}
		if text != "" {
			select {
			case said <- text:
			default: // enough is known
			}
		}
	}))
	w.t.Cleanup(func() {
		for len(said) > 0 {
			require.Fail(w.t, "the page complains", <-said)
		}
	})
}

func (w *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	require.NoError(w.t, chromedp.Do(w.ctx, actions...))
}

// inside is how scripts name the widget's shadow root.
const inside = `const $ = (s) => document.querySelector('parley-chat')?.shadowRoot.querySelector(s);
const $$ = (s) => [...(document.querySelector('parley-chat')?.shadowRoot.querySelectorAll(s) ?? [])];
const shown = (n) => n && n.getClientRects().length > 0;`

// eval returns what a script gives.
func eval[T any](w *tab, script string) T {
	w.t.Helper()
	got, err := chromedp.Run(w.ctx, chromedp.Evaluate[T]("(() => {"+inside+"return "+script+"})()"))
	require.NoError(w.t, err, script)
	return got
}

// do runs a script for what it does.
func (w *tab) do(script string) {
	w.t.Helper()
	eval[chromedp.Void](w, "void ("+script+")")
}

// wait polls the page, a real external process, until the script is true.
func (w *tab) wait(script string) {
	w.t.Helper()
	_, err := chromedp.Run(w.ctx, chromedp.Poll[chromedp.Void]("(() => {"+inside+"return !!("+script+")})()",
		chromedp.WithPollingTimeout(20*time.Second), chromedp.WithPollingInterval(25*time.Millisecond)))
	if err != nil {
		require.NoError(w.t, err, "waiting for %s; the page shows: %s", script,
			eval[string](w, `($('.root') ?? document.body).textContent`))
	}
}

func (w *tab) click(selector string) {
	w.t.Helper()
	w.wait(fmt.Sprintf("shown($(%q))", selector))
	w.do(fmt.Sprintf("$(%q).click()", selector))
}

func (w *tab) keys(keys string) {
	w.t.Helper()
	w.run(chromedp.KeyEvent(keys))
}

// says waits until the log ends with a text.
func (w *tab) says(text string) {
	w.t.Helper()
	w.wait(fmt.Sprintf("$$('.message .text').at(-1)?.textContent === %q", text))
}

func (w *tab) texts() []string {
	w.t.Helper()
	return eval[[]string](w, "$$('.message').map((m) => m.querySelector('.text')?.textContent ?? '')")
}

// picture keeps a screenshot where PARLEY_SCREENSHOTS says, for people to look at.
func (w *tab) picture(name string) {
	w.t.Helper()
	dir := os.Getenv("PARLEY_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
}
