// Package tab is a visitor's browser window that looks at the chat widget, for
// tests: real Chromium, driven from outside, that fails the test for whatever the
// page's scripts throw or its content security policy stops.
package tab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Patience is how long a page may take to show what is awaited. It is generous: a
// wait that has succeeded costs nothing.
const Patience = 20 * time.Second

// Browser finds Chromium, or skips the test, saying why.
func Browser(t *testing.T) string {
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

// Screen is what the visitor looks at, in CSS pixels.
type Screen struct {
	Width, Height int64
	Phone, Dark   bool
}

// Two usual screens.
var (
	Desktop = Screen{Width: 1280, Height: 860}
	Handset = Screen{Width: 390, Height: 844, Phone: true}
)

// Tab is one window. It is used by the test's goroutine only.
type Tab struct {
	// Patience is how long a wait may last.
	Patience time.Duration

	t      *testing.T
	ctx    context.Context
	close  context.CancelFunc
	screen Screen
}

// Open starts a browser with a profile of its own, that is, another visitor.
func Open(t *testing.T, s Screen) *Tab {
	t.Helper()
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(Browser(t)), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))...)
	t.Cleanup(stop)
	return attach(t, alloc, s)
}

// Follow does what opens a new window, and returns that window.
func (w *Tab) Follow(do func()) *Tab {
	w.t.Helper()
	opened := chromedp.WaitNewTarget(w.ctx, func(i *target.Info) bool { return i.Type == "page" })
	do()
	select {
	case id := <-opened:
		return attach(w.t, w.ctx, w.screen, chromedp.WithTargetID(id))
	case <-time.After(w.Patience):
		require.Fail(w.t, "no new window was opened")
		return nil
	}
}

func attach(t *testing.T, parent context.Context, s Screen, opts ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, opts...)
	t.Cleanup(cancel)
	w := &Tab{t: t, ctx: ctx, close: cancel, screen: s, Patience: Patience}
	w.Run() // starts the browser, whose life is that of this context
	w.watchForErrors()
	theme := "light"
	if s.Dark {
		theme = "dark"
	}
	w.Run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
	scale := []chromedp.EmulateViewportOption{chromedp.EmulateScale(1)}
	if s.Phone {
		scale = []chromedp.EmulateViewportOption{chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch}
	}
	w.Run(chromedp.EmulateViewport(s.Width, s.Height, scale...))
	return w
}

// watchForErrors makes the test fail for what the page's scripts throw and for
// what its content security policy stops.
func (w *Tab) watchForErrors() {
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

// Close closes the window; the browser's others stay.
func (w *Tab) Close() { w.close() }

// Run does what chromedp offers.
func (w *Tab) Run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	require.NoError(w.t, chromedp.Do(w.ctx, actions...))
}

// Go opens an address in this window.
func (w *Tab) Go(url string) {
	w.t.Helper()
	w.Run(chromedp.Navigate(url))
}

// inside is how scripts name what is in the widget's shadow root, and in the page
// where there is no widget.
const inside = `const root = document.querySelector('parley-chat')?.shadowRoot ?? document;
const $ = (s) => root.querySelector(s);
const $$ = (s) => [...root.querySelectorAll(s)];
const shown = (n) => n && n.getClientRects().length > 0;`

// Eval returns what a script gives. In it, $ and $$ find elements of the widget
// (of the page, where there is none) and shown tells whether one is displayed.
func Eval[T any](w *Tab, script string) T {
	w.t.Helper()
	got, err := chromedp.Run(w.ctx, chromedp.Evaluate[T]("(() => {"+inside+"return "+script+"})()"))
	require.NoError(w.t, err, script)
	return got
}

// Do runs a script for what it does.
func (w *Tab) Do(script string) {
	w.t.Helper()
	Eval[chromedp.Void](w, "void ("+script+")")
}

// Wait polls the page, a real external process, until the script is true. The
// page may become another one meanwhile.
func (w *Tab) Wait(script string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, w.Patience)
	defer cancel()
	poll := chromedp.Poll[chromedp.Void]("(() => {"+inside+"return !!("+script+")})()",
		chromedp.WithPollingTimeout(w.Patience), chromedp.WithPollingInterval(25*time.Millisecond))
	_, err := chromedp.Run(ctx, poll)
	for isLeaving(err) && ctx.Err() == nil {
		_, err = chromedp.Run(ctx, poll)
	}
	if err != nil {
		require.NoError(w.t, err, "waiting for %s; the page shows: %s", script,
			Eval[string](w, `($('.root') ?? document.body).textContent`))
	}
}

// isLeaving tells whether a script was cut off because its page gave way to the
// next, for which the protocol has no code of its own.
func isLeaving(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "context was destroyed") ||
		strings.Contains(err.Error(), "Cannot find context"))
}

// Click clicks on the first element that matches, when it is shown.
func (w *Tab) Click(selector string) {
	w.t.Helper()
	w.Wait(fmt.Sprintf("shown($(%q))", selector))
	w.Do(fmt.Sprintf("$(%q).click()", selector))
}

// Touch clicks as a hand does, in the midst of what is to be seen of the first
// element that matches: what opens windows needs a hand.
func (w *Tab) Touch(selector string) {
	w.t.Helper()
	w.Wait(fmt.Sprintf("shown($(%q))", selector))
	at := Eval[struct{ X, Y float64 }](w, fmt.Sprintf(`((n) => {
		n.scrollIntoView({block: 'center', behavior: 'instant'});
		const b = n.getBoundingClientRect();
		return {x: b.x + b.width / 2, y: b.y + b.height / 2};
	})($(%q))`, selector))
	w.Run(chromedp.MouseClickXY(at.X, at.Y))
}

// Keys presses keys.
func (w *Tab) Keys(keys string) {
	w.t.Helper()
	w.Run(chromedp.KeyEvent(keys))
}

// Says waits until the conversation ends with a text.
func (w *Tab) Says(text string) {
	w.t.Helper()
	w.Wait(fmt.Sprintf("$$('.message .text').at(-1)?.textContent === %q", text))
}

// Texts are the messages' texts, in order.
func (w *Tab) Texts() []string {
	w.t.Helper()
	return Eval[[]string](w, "$$('.message').map((m) => m.querySelector('.text')?.textContent ?? '')")
}

// Picture keeps a screenshot where PARLEY_SCREENSHOTS says, for people to look at.
func (w *Tab) Picture(name string) {
	w.t.Helper()
	dir := os.Getenv("PARLEY_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
}
