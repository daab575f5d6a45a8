package webchat_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"parley/api/webchat/tab"
	"parley/connectors/sdk"
)

const demoConfig = `{"title":"Corner Coffee","color":"#a4502b","greeting":"Hello! Fresh beans, orders and questions: we are here.",
	"greeting_placeholder":"Say hi to begin","suggestions":["Hi","What is new?"],"webhook_secret":"`

// shop is a desk that sells coffee.
func shop(t *testing.T) *desk {
	d := newDesk()
	d.open(t, "demo", demoConfig+secretOf("demo")+`"}`)
	d.onMessage = func(visitor string, m sdk.Incoming) {
		switch {
		case m.Tap == "catalogue":
			d.say(visitor, sdk.Content{Header: "This week's beans", Text: "Tap one to see more.", ListButton: "Beans", Choices: []sdk.Choice{
				{ID: "p1", Label: "Yirgacheffe", Description: "Jasmine, bergamot, ripe peach · $16.00"},
				{ID: "p2", Label: "Monsooned Malabar", Description: "Cocoa, cedar, soft spice · $14.50"},
				{ID: "p3", Label: "Huila Decaf", Description: "Caramel, plum, sleeps well · $15.00"}}})
		case m.Tap == "p1":
			d.say(visitor, sdk.Content{Media: &sdk.Media{Kind: "image", URL: d.picture, Caption: "*Yirgacheffe*, 250 g · $16.00"}},
				sdk.Content{Text: "Grown at 2,000 m and washed. _Best as a filter._\nMore at https://shop.example/beans/yirgacheffe.",
					Choices: []sdk.Choice{{ID: "add", Label: "Add to cart"}, {ID: "back", Label: "Back"}}})
		case m.Tap == "add":
			d.say(visitor, sdk.Content{Text: "In your cart: *Yirgacheffe* × 1, *$16.00*.", Footer: "The link is good for 30 minutes.",
				Link: &sdk.Link{URL: "https://pay.example/c/1", Label: "Pay $16.00"}})
		case strings.EqualFold(m.Text, "hi"):
			d.say(visitor, sdk.Content{Text: "Welcome to *Corner Coffee*! What would you like?", Choices: []sdk.Choice{
				{ID: "catalogue", Label: "Browse beans"}, {ID: "order", Label: "Where is my order?"}, {ID: "human", Label: "Talk to a person"}}})
		}
	}
	return d
}

// serveShop runs the shop with a picture of its own.
func serveShop(t *testing.T, d *desk, wrap func(http.Handler) http.Handler) *chat {
	return serve(t, d, nil, func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", h)
		mux.HandleFunc("/bag.svg", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/svg+xml")
			fmt.Fprint(w, bagSVG)
		})
		d.picture = "/bag.svg"
		if wrap != nil {
			return wrap(mux)
		}
		return mux
	})
}

const bagSVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300"><rect width="400" height="300" fill="#e9d9c6"/><path fill="#c9713f" d="M140 70h120l12 180H128Z"/><path fill="#a4502b" d="M140 70h120l-4-24H144Z"/><circle cx="200" cy="165" r="40" fill="#fbf4ea"/></svg>`

func TestVisitorBuysAndComesBack(t *testing.T) {
	for name, s := range map[string]tab.Screen{
		"desktop": tab.Desktop, "phone": tab.Handset,
		"desktop-dark": {Width: 1280, Height: 860, Dark: true}, "phone-dark": {Width: 390, Height: 844, Phone: true, Dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := shop(t)
			c := serveShop(t, d, nil)
			d.picture = c.URL + "/bag.svg"
			w := tab.Open(t, s)
			w.Go(c.URL + "/chat")
			w.Wait("shown($('.launcher'))")
			w.Picture(name + "-0-page")
			w.Click(".launcher")
			w.Wait("$('.status').dataset.state === 'online'")
			w.Picture(name + "-1-empty")
			w.Click(".suggestions .choice")
			w.Says("Welcome to Corner Coffee! What would you like?")
			w.Picture(name + "-2-menu")
			w.Click(".message:last-child .choice")
			w.Wait("$('.rows')")
			w.Picture(name + "-3-list")
			w.Click(".message:last-child .rows .choice")
			w.Wait("$('.image')?.complete && $$('.message:last-child .choice').length === 2")
			w.Picture(name + "-4-product")
			w.Click(".message:last-child .choice")
			w.Wait("$('.button')")
			w.Picture(name + "-5-pay")

			link := tab.Eval[map[string]string](w, `(({href, target, rel}) => ({href, target, rel}))($('.button'))`)
			require.Equal(t, map[string]string{"href": "https://pay.example/c/1", "target": "_blank", "rel": "noopener noreferrer"}, link)
			require.Zero(t, tab.Eval[int](w, "$$('.message .choice').filter((b) => !b.disabled).length"), "choices that were answered are spent")
			require.False(t, tab.Eval[bool](w, "document.documentElement.scrollWidth > innerWidth"), "the page does not scroll sideways")

			before := w.Texts()
			w.Run(chromedp.Reload())
			if s.Phone {
				w.Click(".launcher")
			}
			w.Wait("shown($('.panel')) && $('.button')")
			require.Equal(t, before, w.Texts(), "the history is there after a reload")

			events := d.accepted()
			var said []string
			for _, e := range events {
				if e.Kind == sdk.EventMessage {
					said = append(said, e.Message.Text+"|"+e.Message.Tap)
				}
			}
			require.Equal(t, []string{"Hi|", "Browse beans|catalogue", "Yirgacheffe|p1", "Add to cart|add"}, said)
			require.Equal(t, sdk.EventStatus, events[len(events)-1].Kind, "what was seen is reported as read")
		})
	}
}

func TestKeyboardAlone(t *testing.T) {
	d := shop(t)
	c := serveShop(t, d, nil)
	w := tab.Open(t, tab.Desktop)
	w.Go(c.URL + "/chat")
	w.Wait("shown($('.launcher'))")
	focus := func() string {
		return tab.Eval[string](w, `(() => { const a = document.activeElement.shadowRoot?.activeElement; return a ? a.className + '|' + (a.getAttribute('aria-label') ?? a.textContent) : document.activeElement.tagName })()`)
	}
	reach := func(what string) {
		t.Helper()
		for range 20 {
			if strings.Contains(focus(), what) {
				return
			}
			w.Keys(kb.Tab)
		}
		require.Contains(t, focus(), what, "Tab does not get there")
	}
	reach("Open chat")
	w.Keys(kb.Enter)
	w.Wait("shown($('.panel'))")
	require.Contains(t, focus(), "Your message", "the field is ready to write in")
	w.Run(chromedp.KeyEvent("two"), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)), chromedp.KeyEvent("lines"))
	w.Keys(kb.Enter)
	w.Says("two\nlines")
	require.Empty(t, tab.Eval[string](w, "$('textarea').value"), "Enter sends, and leaves no line behind")
	w.Keys("hi" + kb.Enter)
	w.Says("Welcome to Corner Coffee! What would you like?")
	for range 2 { // backwards over the messages, from the field
		w.Run(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
	}
	for range 20 {
		if strings.Contains(focus(), "Browse beans") {
			break
		}
		w.Run(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
	}
	require.Contains(t, focus(), "Browse beans")
	w.Picture("keyboard-focus")
	w.Keys(kb.Enter)
	w.Wait("$('.rows')")
	require.Contains(t, focus(), "Your message", "focus is not lost with the choice that was spent")
	w.Keys(kb.Escape)
	w.Wait("!shown($('.panel'))")
	require.Contains(t, focus(), "Open chat", "focus returns to the launcher")
}

func TestAnswersWhileClosedAreCounted(t *testing.T) {
	d := shop(t)
	c := serveShop(t, d, nil)
	w := tab.Open(t, tab.Desktop)
	w.Go(c.URL + "/chat")
	w.Click(".launcher")
	w.Click(".suggestions .choice")
	w.Says("Welcome to Corner Coffee! What would you like?")
	w.Keys(kb.Escape)
	visitor := d.accepted()[0].Message.From[0].Value
	d.say(visitor, sdk.Content{Text: "One more thing"}, sdk.Content{Text: "and another"})
	w.Wait("$('.badge').textContent === '2' && $('.launcher').getAttribute('aria-label') === 'Open chat, 2 new messages'")
	w.Picture("badge")
	w.Click(".launcher")
	w.Wait("!shown($('.badge'))")
	w.Says("and another")
}

func TestContentCannotHarmThePage(t *testing.T) {
	d := shop(t)
	c := serveShop(t, d, nil)
	w := tab.Open(t, tab.Desktop)
	w.Go(c.URL + "/chat")
	w.Click(".launcher")
	w.Click(".suggestions .choice")
	w.Says("Welcome to Corner Coffee! What would you like?")
	visitor := d.accepted()[0].Message.From[0].Value
	evil := `<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>`
	d.say(visitor,
		sdk.Content{Text: evil, Header: evil, Footer: evil, Choices: []sdk.Choice{{ID: evil, Label: evil, Description: evil}}},
		sdk.Content{Text: "a", Link: &sdk.Link{URL: "javascript:window.harmed=1", Label: "pay"}},
		sdk.Content{Text: "b", Media: &sdk.Media{Kind: "image", URL: "javascript:window.harmed=1", Caption: evil}},
		sdk.Content{Text: `2 * 3 * 4, snake_case_name, *bold _both_*, _it_, https://a.example/x_y_z?q=1). javascript:alert(1) http://b.example`},
		sdk.Content{Text: "שלום *עולם*"})
	w.Says("שלום עולם")
	got := tab.Eval[struct {
		Harmed            bool
		Scripts           int
		Links, Strong, Em []string
		Dir               string
	}](w, `({harmed: !!window.harmed, scripts: $$('script, img').length,
		links: $$('.text a').map((a) => a.getAttribute('href') + ' ' + a.rel), strong: $$('.text strong').map((n) => n.textContent),
		em: $$('.text em').map((n) => n.textContent), dir: getComputedStyle($$('.text').at(-1)).direction})`)
	require.False(t, got.Harmed)
	require.Zero(t, got.Scripts)
	require.Equal(t, []string{"https://a.example/x_y_z?q=1 noopener noreferrer", "http://b.example/ noopener noreferrer"}, got.Links)
	require.Equal(t, []string{"Corner Coffee", "bold both", "עולם"}, got.Strong)
	require.Equal(t, []string{"both", "it"}, got.Em)
	require.Equal(t, "rtl", got.Dir)
}

func TestEveryKindOfContentIsShown(t *testing.T) {
	d := shop(t)
	c := serveShop(t, d, nil)
	for name, s := range map[string]tab.Screen{"kinds": {Width: 1000, Height: 1000}, "kinds-phone-dark": {Width: 390, Height: 844, Phone: true, Dark: true}} {
		w := tab.Open(t, s)
		w.Go(c.URL + "/chat")
		w.Click(".launcher")
		w.Click(".suggestions .choice")
		w.Says("Welcome to Corner Coffee! What would you like?")
		events := d.accepted()
		visitor := ""
		for _, e := range events {
			if e.Kind == sdk.EventMessage {
				visitor = e.Message.From[0].Value
			}
		}
		var rows []sdk.Choice
		for i := range 12 {
			rows = append(rows, sdk.Choice{ID: fmt.Sprint(i), Label: fmt.Sprintf("Blend no. %d", i+1), Description: "A description that is long enough to need a second line"})
		}
		d.say(visitor,
			sdk.Content{Location: &sdk.Location{Latitude: 52.52, Longitude: 13.405, Name: "Corner Coffee", Address: "1 Example Street"}},
			sdk.Content{Media: &sdk.Media{Kind: "document", URL: "https://shop.example/invoice.pdf", Filename: "invoice.pdf"}, Text: "Your invoice."},
			sdk.Content{Media: &sdk.Media{Kind: "image", URL: c.URL + "/nothing.png", Caption: "A picture that is gone"}},
			sdk.Content{Text: "اختر *واحدة* من القائمة", Choices: rows})
		w.Wait("$('.more')")
		require.Equal(t, "Show 4 more", tab.Eval[string](w, "$('.more').textContent"))
		w.Click(".more")
		require.Equal(t, 12, tab.Eval[int](w, "$$('.rows .choice').filter(shown).length"))
		require.Equal(t, "Blend no. 9", tab.Eval[string](w, "$('.rows').getRootNode().activeElement.dataset.label"), "focus goes to the first that was hidden")
		d.agent(visitor, "Hello, this is Maya. I have your order here.")
		w.Wait("$('.by')")
		d.refuse("This chat is closed.")
		tapped := len(d.accepted())
		w.Click(".log .rows .choice")
		w.Wait("$('.message.failed')")
		require.False(t, tab.Eval[bool](w, "$('.rows .choice').disabled"), "a choice that did not get through can be tapped again")
		require.Len(t, d.accepted(), tapped)
		w.Do("$('textarea').focus()")
		w.Keys("one more" + kb.Enter)
		w.Wait("$$('.message.failed .meta').at(-1)?.textContent === 'Not sent. This chat is closed.'")
		d.refuse("")
		w.Do("$$('.log img').at(-1)?.scrollIntoView()") // pictures are fetched when they come into sight
		w.Wait("$$('.file').length === 3")              // the picture that is gone has become a link
		require.Equal(t, []string{"https://www.openstreetmap.org/?mlat=52.52&mlon=13.405#map=16/52.52/13.405", "https://shop.example/invoice.pdf", c.URL + "/nothing.png"},
			tab.Eval[[]string](w, "$$('.file').map((a) => a.href)"))
		w.Picture(name)
		w.Do("$('.scroller').scrollTop = 0")
		w.Picture(name + "-top")
		w.Run(chromedp.Reload())
		if s.Phone {
			w.Click(".launcher")
		}
		w.Wait("$$('.message').length === 7")
		require.Zero(t, tab.Eval[int](w, "$$('.failed').length"), "what was refused is not sent again")
	}
}

func TestHostPageAndWidgetDoNotDisturbEachOther(t *testing.T) {
	d := shop(t)
	c := serveShop(t, d, nil)
	page := `<!doctype html><style>* { color: red !important; font-size: 40px !important; display: inline !important }
		button { position: static !important; background: yellow } parley-chat { color: red; letter-spacing: 9px; visibility: hidden }</style>
		<h1 class="panel">Host</h1><script src="` + c.URL + `/chat/widget.js" data-account="demo" async></script><script src="` + c.URL + `/chat/widget.js" data-account="demo" async></script>`
	// The other origin must be allowed, and is.
	d.open(t, "demo", strings.Replace(demoConfig, "{", `{"allowed_origins":["*"],`, 1)+secretOf("demo")+`"}`)
	host := serve(t, newDesk(), nil, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
	})
	w := tab.Open(t, tab.Desktop)
	w.Go(host.URL)
	w.Click(".launcher")
	w.Wait("$('.status').dataset.state === 'online'")
	w.Picture("hostile-page")
	got := tab.Eval[struct {
		Position, Visibility, Spacing, Host string
		Widgets                             int
	}](w, `({position: getComputedStyle($('.launcher')).position, visibility: getComputedStyle($('.launcher')).visibility,
		spacing: getComputedStyle($('h2')).letterSpacing, host: getComputedStyle(document.querySelector('h1')).position,
		widgets: document.querySelectorAll('parley-chat').length})`)
	require.Equal(t, "fixed", got.Position)
	require.Equal(t, "visible", got.Visibility)
	require.NotEqual(t, "9px", got.Spacing)
	require.Equal(t, "static", got.Host)
	require.Equal(t, 1, got.Widgets, "a script tag given twice makes one chat")
}

func TestWithoutSocketsThePollCarriesAll(t *testing.T) {
	d := shop(t)
	c := serveShop(t, d, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/socket") {
				http.Error(w, "a proxy that knows no WebSocket", http.StatusBadGateway)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	w := tab.Open(t, tab.Desktop)
	w.Go(c.URL + "/chat")
	w.Click(".launcher")
	w.Click(".suggestions .choice")
	w.Says("Welcome to Corner Coffee! What would you like?")
	w.Click(".message:last-child .choice")
	w.Wait("$('.rows') && $('.status').dataset.state === 'online'")
}

func TestAnExpiredSessionBecomesANewOne(t *testing.T) {
	d := shop(t)
	c := serveShop(t, d, nil)
	w := tab.Open(t, tab.Desktop)
	w.Go(c.URL + "/chat")
	w.Click(".launcher")
	w.Click(".suggestions .choice")
	w.Says("Welcome to Corner Coffee! What would you like?")
	d.open(t, "demo", demoConfig+secretOf("a-new-one")+`"}`)
	w.Run(chromedp.Reload())
	w.Wait("shown($('.suggestions .choice')) && $('.status').dataset.state === 'online'")
	w.Click(".suggestions .choice")
	w.Says("Welcome to Corner Coffee! What would you like?")
	visitors := map[string]bool{}
	for _, e := range d.accepted() {
		if e.Kind == sdk.EventMessage {
			visitors[e.Message.From[0].Value] = true
		}
	}
	require.Len(t, visitors, 2)
}

func TestWhatIsWrittenOfflineIsSentOnceAndInOrder(t *testing.T) {
	d := shop(t)
	down := make(chan bool, 1)
	down <- false
	isDown := func() bool { v := <-down; down <- v; return v }
	c := serveShop(t, d, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isDown() && strings.HasPrefix(r.URL.Path, "/chat/api/demo/") && !strings.HasSuffix(r.URL.Path, "/settings") {
				http.Error(w, "down", http.StatusBadGateway)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	w := tab.Open(t, tab.Desktop)
	<-down
	down <- true
	w.Go(c.URL + "/chat")
	w.Click(".launcher")
	w.Wait("shown($('.banner'))")
	for _, text := range []string{"one", "two", "three"} {
		w.Keys(text + kb.Enter)
	}
	w.Wait("$$('.message.pending').length === 3")
	w.Picture("offline")
	w.Run(chromedp.Reload())
	w.Wait("$$('.message.pending').length === 3")
	<-down
	down <- false
	tab.Eval[bool](w, "dispatchEvent(new Event('online'))")
	w.Wait("$$('.message').length === 3 && $$('.message.pending').length === 0 && !shown($('.banner'))")
	require.Equal(t, []string{"one", "two", "three"}, texts(d.thread(d.accepted()[0].Message.From[0].Value)))
}

func TestColoursAreReadable(t *testing.T) {
	d := shop(t)
	c := serveShop(t, d, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			color, ok := strings.CutPrefix(r.URL.Path, "/in/")
			if !ok {
				h.ServeHTTP(w, r)
				return
			}
			fmt.Fprintf(w, `<!doctype html><body><script src="/chat/widget.js" data-account="demo" data-color="#%s" async></script>`, color)
		})
	})
	for _, dark := range []bool{false, true} {
		w := tab.Open(t, tab.Screen{Width: 1000, Height: 800, Dark: dark})
		for i, color := range []string{"a4502b", "ffffff", "000000", "ffd400", "7a8b99", "00c2ff", "ff4d6d"} {
			w.Go(c.URL + "/in/" + color)
			if i == 0 {
				w.Click(".launcher")
				w.Click(".suggestions .choice")
			}
			w.Wait("$('.own .bubble') && $('.chips:not(.suggestions) .choice') && $('.message:last-child .meta').textContent")
			ratios := tab.Eval[map[string]float64](w, contrasts)
			require.NotEmpty(t, ratios)
			for what, ratio := range ratios {
				require.GreaterOrEqual(t, ratio, 4.5, "%s with #%s, dark %v (WCAG 2.2, 1.4.3)", what, color, dark)
			}
			w.Picture(fmt.Sprintf("color-%s-%v", color, dark))
		}
	}
}

// contrasts computes the contrast of texts with what they stand on.
const contrasts = `(() => {
	const rgb = (c) => c.match(/[\d.]+/g).slice(0, 3).map(Number);
	const lum = (c) => { const [r, g, b] = rgb(c).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
	const ratio = (fg, bg) => { const [a, b] = [lum(getComputedStyle(fg).color), lum(getComputedStyle(bg).backgroundColor)].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05) };
	const choice = $('.chips:not(.suggestions) .choice');
	return {
		launcher: ratio($('.launcher'), $('.launcher')), head: ratio($('h2'), $('.head')), status: ratio($('.status'), $('.head')),
		own: ratio($('.own .text'), $('.own .bubble')), theirs: ratio($('.theirs .text'), $('.theirs .bubble')),
		choice: ratio(choice, choice), time: ratio($('.message:last-child .meta'), $('.body')), day: ratio($('.day'), $('.body')), intro: ratio($('.intro p'), $('.body')),
	};
})()`
