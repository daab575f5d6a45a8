package browser_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"parley/api/webchat/tab"
)

// patience is how long an answer may take on a machine that does much else.
const patience = 90 * time.Second

// visitor is somebody who looks at the shop's page.
type visitor struct {
	*tab.Tab
	t      *testing.T
	screen tab.Screen
	name   string
	step   int
}

// visit opens the shop's page, and the chat on it.
func visit(t *testing.T, page, name string, s tab.Screen) *visitor {
	t.Helper()
	v := &visitor{Tab: tab.Open(t, s), t: t, name: name, screen: s}
	v.Patience = patience
	v.Go(page)
	v.Wait("shown($('.launcher'))")
	v.shot("page")
	v.Click(".launcher")
	v.Wait("$('.status').dataset.state === 'online'")
	v.shot("empty")
	return v
}

// shot keeps a numbered picture.
func (v *visitor) shot(what string) {
	v.t.Helper()
	v.Picture(fmt.Sprintf("%s-%02d-%s", v.name, v.step, what))
	v.step++
}

// newest is the last message, once it is there.
const newest = `$$('.message').at(-1)`

// sees waits until the newest message is an answer with the text and these
// choices, none of which were used yet.
func (v *visitor) sees(text string, choices ...string) {
	v.t.Helper()
	v.Wait(fmt.Sprintf(`%[1]s?.classList.contains('theirs') && %[1]s.querySelector('.text')?.textContent.includes(%[2]q) &&
		[...%[1]s.querySelectorAll('.choice:not(:disabled) .label')].map((n) => n.textContent).join('|') === %[3]q`,
		newest, text, strings.Join(choices, "|")))
}

// taps uses a choice of the newest message.
func (v *visitor) taps(label string) {
	v.t.Helper()
	found := tab.Eval[bool](v.Tab, fmt.Sprintf(`((b) => (b?.click(), !!b))([...%s.querySelectorAll('.choice')].find((b) => b.querySelector('.label').textContent === %q))`, newest, label))
	require.True(v.t, found, "there is no choice %q", label)
}

// writes uses the keyboard.
func (v *visitor) writes(text string) {
	v.t.Helper()
	v.Do("$('textarea').focus()")
	v.Keys(text + kb.Enter)
}

// tabsTo reaches a control by Shift+Tab alone, and presses Enter on it.
func (v *visitor) tabsTo(what string) {
	v.t.Helper()
	focus := `(document.activeElement.shadowRoot?.activeElement ?? document.activeElement).textContent`
	for range 30 {
		v.Run(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
		if strings.HasPrefix(tab.Eval[string](v.Tab, focus), what) {
			v.shot("keyboard-" + strings.ToLower(strings.Fields(what)[0]))
			v.Keys(kb.Enter)
			return
		}
	}
	require.Fail(v.t, "the keyboard does not get there", what)
}

// pays follows the newest payment link and presses a button of the page.
func (v *visitor) pays(button, want string, open func()) {
	v.t.Helper()
	page := v.Follow(open)
	require.Zero(v.t, tab.Eval[float64](v.Tab, "$('.head').getBoundingClientRect().y - $('.panel').getBoundingClientRect().y"),
		"what scrolls to a message scrolls the messages, not the chat's head out of sight")
	page.Patience = patience
	page.Wait("shown($('main form'))")
	page.Picture(fmt.Sprintf("%s-%02d-payment-page", v.name, v.step))
	v.step++
	page.Click(fmt.Sprintf("button[value=%s]", button))
	page.Wait(fmt.Sprintf("$('main')?.dataset.state === %q", want))
	page.Picture(fmt.Sprintf("%s-%02d-payment-page-%s", v.name, v.step, want))
	v.step++
	page.Close()
}

// reloads opens the page anew, with the chat on it.
func (v *visitor) reloads() {
	v.t.Helper()
	v.Run(chromedp.Reload())
	if v.screen.Phone { // where the chat would cover the page, it is not opened by itself
		v.Click(".launcher")
	}
	v.Wait("shown($('.panel')) && $('.status').dataset.state === 'online'")
}
