package browser_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"parley/api/webchat/tab"
	"parley/proofs/stack"
)

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }

var (
	menu    = []string{"Browse", "My order", "Talk to a person"}
	shelves = []string{"Coffee", "Tea", "Something else"}
	coffees = []string{"Colombia Huila", "Decaf Sidamo", "Ethiopia Yirgacheffe", "House Espresso"}
	inCart  = []string{"Check out", "Add something else", "Remove something"}
)

// TestAVisitorBuysInTheWidget is one system's day: somebody buys at a desk, then
// somebody on a phone, whose card is declined at first and who then talks to a
// person. Neither sees anything of the other.
func TestAVisitorBuysInTheWidget(t *testing.T) {
	tab.Browser(t)
	s := stack.Start(t)
	page := s.Endpoints().Webchat
	var first *visitor
	t.Run("at a desk", func(t *testing.T) {
		first = visit(t, page, "desk", tab.Desktop)
		buysWithAddOn(t, first)
	})
	t.Run("on a phone", func(t *testing.T) {
		v := visit(t, page, "phone", tab.Handset)
		require.Empty(t, v.Texts(), "what others wrote is nobody's concern")
		buysAfterADecline(t, v)
		talksToAPerson(t, v, openDesk(t, s))
	})
}

// buysWithAddOn takes the add-on, and opens the payment by keyboard alone.
func buysWithAddOn(t *testing.T, v *visitor) {
	v.Click(".suggestions .choice")
	v.sees("What can I do for you?", menu...)
	v.shot("menu")
	v.taps("Browse")
	v.sees("in the mood for", shelves...)
	v.taps("Coffee")
	v.sees("Which one would you like to look at?", coffees...)
	v.shot("products")
	v.tabsTo("House Espresso")
	v.sees("Which one would you like?", "250 g", "1 kg")
	v.Wait("$('.image')?.complete && $('.image').naturalWidth > 0")
	v.shot("product")
	v.taps("1 kg")
	v.sees("How many would you like?")
	v.writes("lots")
	v.sees("Please write a number from 1 to 20.")
	v.shot("not-a-number")
	v.writes("2")
	v.sees("A little something to go with it?", "Almond Biscotti", "Gift Wrap", "No, thank you")
	v.shot("add-on")
	v.taps("Almond Biscotti")
	v.sees("Total: $86.30", inCart...)
	v.shot("cart")
	v.taps("Check out")
	v.sees("comes to $86.30")
	v.shot("pay")
	v.pays("pay", "paid", func() { v.tabsTo("Pay now") })
	v.sees("$86.30 paid")
	v.shot("confirmed")
	said := v.Texts()
	v.reloads()
	require.Equal(t, said, v.Texts(), "the whole history is there after a reload")
	v.shot("reloaded")
	require.False(t, tab.Eval[bool](v.Tab, "document.documentElement.scrollWidth > innerWidth"), "the page does not scroll sideways")
}

// buysAfterADecline wants no add-on; the card is declined once.
func buysAfterADecline(t *testing.T, v *visitor) {
	v.writes("hello")
	v.sees("What can I do for you?", menu...)
	v.shot("menu")
	v.taps("Browse")
	v.sees("in the mood for", shelves...)
	v.taps("Something else")
	v.sees("What are you looking for?")
	v.writes("chai")
	v.sees("Which one would you like to look at?", "Masala Chai")
	v.shot("found")
	v.taps("Masala Chai")
	v.sees("How many would you like?")
	v.Wait("$('.image')?.complete && $('.image').naturalWidth > 0")
	v.shot("product")
	v.writes("1")
	v.sees("A little something to go with it?", "Almond Biscotti", "Gift Wrap", "No, thank you")
	v.taps("No, thank you")
	v.sees("Total: $8.90", inCart...)
	v.shot("cart")
	v.taps("Check out")
	v.sees("comes to $8.90")
	v.shot("pay")
	link := func() { v.Touch(".message:last-child .button") }
	v.pays("decline", "declined", link)
	v.sees("did not go through")
	v.shot("declined")
	v.pays("pay", "paid", link)
	v.sees("$8.90 paid")
	v.shot("confirmed")
	said := v.Texts()
	v.reloads()
	require.Equal(t, said, v.Texts(), "the whole history is there after a reload")
	require.NotContains(t, strings.Join(said, "\n"), "Espresso", "what others bought is nobody's concern")
	require.False(t, tab.Eval[bool](v.Tab, "document.documentElement.scrollWidth > innerWidth"), "the page does not scroll sideways")
}

// talksToAPerson asks where the order is, and for a person, who takes the
// conversation over the API and gives it back.
func talksToAPerson(t *testing.T, v *visitor, d *desk) {
	v.writes("menu")
	v.sees("What can I do for you?", menu...)
	v.taps("My order")
	v.sees("is confirmed and being packed", "Back to the menu", "Talk to a person", "Cancel this order")
	v.shot("my-order")
	v.taps("Talk to a person")
	v.sees("A colleague will answer you right here.")
	c := d.waiting("sales")
	require.Equal(t, "webchat", c.Channel)
	require.Contains(t, d.reads(c), "customer: Talk to a person")
	require.Equal(t, "human", d.do(c, "take").Owner.Kind)
	d.says(c, "Hello, Maya here. What can I do?")
	v.sees("Hello, Maya here. What can I do?")
	v.shot("maya")

	before := d.do(c, "take").LastNumber
	v.writes("Could you gift-wrap it?")
	v.writes("menu")
	d.settled(c, before+1)
	d.says(c, "Of course. Anything else?")
	v.sees("Of course. Anything else?")
	require.Equal(t, []string{"human: Hello, Maya here. What can I do?", "customer: Could you gift-wrap it?", "customer: menu",
		"human: Of course. Anything else?"}, last(d.reads(c), 4), "the bot is silent while a person has the conversation")
	require.Equal(t, []string{"Hello, Maya here. What can I do?", "Could you gift-wrap it?", "menu", "Of course. Anything else?"}, last(v.Texts(), 4))
	v.shot("talk")

	require.Equal(t, "bot", d.do(c, "return").Owner.Kind)
	v.sees("What can I do for you?", menu...)
	v.shot("given-back")
	v.taps("Browse")
	v.sees("in the mood for", shelves...)
}

// last gives the last n.
func last(said []string, n int) []string { return said[max(0, len(said)-n):] }
