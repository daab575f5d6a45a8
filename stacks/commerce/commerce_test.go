package commerce_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"parley/connectors/sdk"
	"parley/stacks/commerce"
	"parley/workflows/flow"
)

// customer is a phone with the shop in it; calls are answered from canned replies
// by operation.
type customer struct {
	t       *testing.T
	program *flow.Program
	state   flow.State
	replies map[string]string
	// done lists what the flow asked for beside messages: call, input.
	done []string
	// contact is what the engine knows of them beside the name.
	contact map[string]any
}

var replies = map[string]string{
	"shopify.search_products": `{"products":[` + espresso + `,` + mug + `]}`,
	"addons":                  `{"products":[` + filters + `]}`,
	"parley.case_list":        `{"cases":[]}`,
	"parley.case_signal":      `{"accepted":true,"text":"Your order is cancelled and the money on its way back."}`,
	"order":                   `{"case_id":"case-1"}`,
}

const (
	espresso = `{"id":"gid://p/1","title":"House Espresso","description":"Dark and sweet.","image_url":"https://shop.test/1.jpg","price":{"amount":1250,"currency":"USD"},"variants":[
		{"id":"gid://v/11","title":"250 g","price":{"amount":1250,"currency":"USD"},"available":true},
		{"id":"gid://v/12","title":"1 kg","price":{"amount":4200,"currency":"USD"},"available":true},
		{"id":"gid://v/13","title":"5 kg","price":{"amount":19000,"currency":"USD"},"available":false}]}`
	mug     = `{"id":"gid://p/2","title":"Mug","description":"Holds coffee.","image_url":"","price":{"amount":900,"currency":"USD"},"variants":[{"id":"gid://v/21","title":"Default","price":{"amount":900,"currency":"USD"},"available":true}]}`
	filters = `{"id":"gid://p/3","title":"Paper filters","description":"","image_url":"","price":{"amount":350,"currency":"USD"},"variants":[{"id":"gid://v/31","title":"Default","price":{"amount":350,"currency":"USD"},"available":true}]}`
)

func newCustomer(t *testing.T) *customer {
	doc, _ := flow.Parse("commerce.yaml", commerce.Flow)
	p, err := flow.Compile(doc)
	require.NoError(t, err)
	c := &customer{t: t, program: p, replies: map[string]string{}}
	for k, v := range replies {
		c.replies[k] = v
	}
	return c
}

// step gives what the customer sees, calls answered and all, line by line.
func (c *customer) step(ev flow.Event) []string {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	known := map[string]any{"name": "Ana"}
	maps.Copy(known, c.contact)
	out := c.program.Step(flow.Input{State: c.state, Events: []flow.Event{ev}, Now: now,
		Contact: known, Channel: "whatsapp"})
	require.Empty(c.t, out.Faults)
	js, err := json.Marshal(out.State)
	require.NoError(c.t, err)
	c.state = flow.State{}
	require.NoError(c.t, json.Unmarshal(js, &c.state))
	var seen []string
	for _, e := range out.Effects {
		if e.Kind == flow.EffectSend {
			seen = append(seen, lines(e.Content)...)
			continue
		}
		name := strings.TrimPrefix(e.Connector+"."+e.Operation+e.Queue, ".")
		c.done = append(c.done, name+" "+string(e.Input))
		if strings.Contains(string(e.Input), "tag:addon") {
			name = "addons"
		}
		if e.Kind != flow.EffectHandoff {
			seen = append(seen, c.step(c.reply(e.Ref, name))...)
		}
	}
	return seen
}

func (c *customer) reply(ref, name string) flow.Event {
	ev := flow.Event{Kind: flow.EventCallResult, Ref: ref}
	if reply, ok := c.replies[name]; ok {
		ev.Output = json.RawMessage(reply)
	} else {
		ev.Error = &sdk.Error{Class: sdk.Unavailable, Message: "down"}
	}
	return ev
}

func lines(content *sdk.Content) []string {
	out := strings.Split(content.Text, "\n")
	for _, choice := range content.Choices {
		out = append(out, strings.TrimSpace("[ "+choice.Label+" ] "+choice.Description))
	}
	return out
}

func (c *customer) says(text string) []string {
	return c.step(flow.Event{Kind: flow.EventMessage, Message: &sdk.Incoming{Text: text}})
}

// turn is one line of a transcript: what the customer says, and what they see.
type turn struct {
	says string
	sees []string
}

func (c *customer) talks(turns []turn) {
	c.t.Helper()
	for _, turn := range turns {
		require.Equal(c.t, turn.sees, c.says(turn.says), "to %q", turn.says)
	}
}

var menu = []string{"What can I do for you?", "[ Browse ]", "[ My order ]", "[ Talk to a person ]"}

var cartOf2Kilos = []string{
	"Your cart:", "2 × House Espresso, 1 kg · $84.00", "1 × Paper filters · $3.50", "", "Total: *$87.50*",
	"[ Check out ]", "[ Add something else ]", "[ Remove something ]",
}

func TestACustomerBuysSomething(t *testing.T) {
	c := newCustomer(t)
	c.talks([]turn{
		{"Hello!", append([]string{"Hello Ana, welcome to our shop! ☕"}, menu...)},
		{"browse", []string{"What are you in the mood for?", "[ Coffee ]", "[ Tea ]", "[ Something else ]"}},
		{"something else", []string{"What are you looking for?"}},
		{"dark roast", []string{"Here is what we have. Which one would you like to look at?", "[ House Espresso ] $12.50", "[ Mug ] $9.00"}},
		{"house espresso", []string{"*House Espresso*, $12.50", "Dark and sweet.", "Which one would you like?", "[ 250 g ] $12.50", "[ 1 kg ] $42.00"}},
		{"2.", []string{"How many would you like?"}},
		{"lots", []string{"Please write a number from 1 to 20.", "", "How many would you like?"}},
		{"2", []string{"Added to your cart: 2 × House Espresso, 1 kg.", "A little something to go with it?", "[ Paper filters ] $3.50", "[ No, thank you ]"}},
		{"paper filters", append([]string{"Added to your cart: 1 × Paper filters."}, cartOf2Kilos...)},
		{"check out", []string{"One moment, I am preparing your order."}},
	})
	require.Equal(t, []string{
		`shopify.search_products {"limit":10,"query":"dark roast"}`,
		`shopify.search_products {"limit":3,"query":"tag:addon"}`,
		`order {"currency":"USD","lines":[` +
			`{"price":{"amount":4200,"currency":"USD"},"quantity":2,"title":"House Espresso, 1 kg","variant_id":"gid://v/12"},` +
			`{"price":{"amount":350,"currency":"USD"},"quantity":1,"title":"Paper filters","variant_id":"gid://v/31"}]}`,
	}, c.done)
	require.Empty(t, c.state.Block, "the order speaks for itself now")
	require.Equal(t, map[string]any{"cart": []any{}}, c.state.Vars)
}

func TestShelves(t *testing.T) {
	c := newCustomer(t)
	for _, shelf := range []string{"coffee", "tea"} {
		c.talks([]turn{
			{"menu", append([]string{"Hello Ana, welcome to our shop! ☕"}, menu...)},
			{"1", []string{"What are you in the mood for?", "[ Coffee ]", "[ Tea ]", "[ Something else ]"}},
		})
		c.says(shelf)
		require.Equal(t, `shopify.search_products {"limit":10,"query":"tag:`+shelf+`"}`, c.done[len(c.done)-1])
	}
}

func (c *customer) fillsCart() {
	for _, text := range []string{"#", "1", "coffee", "mug", "3", "no, thank you"} {
		c.says(text)
	}
}

func TestTheCart(t *testing.T) {
	c := newCustomer(t)
	c.fillsCart()
	full := []string{"Your cart:", "3 × Mug · $27.00", "", "Total: *$27.00*", "[ Check out ]", "[ Add something else ]", "[ Remove something ]"}
	withCart := append(append([]string{}, menu...), "[ My cart ]")
	c.talks([]turn{
		{"menu", append([]string{"Hello Ana, welcome to our shop! ☕"}, withCart...)},
		{"my cart", full},
		{"remove something", []string{"What shall I take out?", "[ Mug ] 3 × $9.00", "[ Nothing ]"}},
		{"nothing", full},
		{"3", []string{"What shall I take out?", "[ Mug ] 3 × $9.00", "[ Nothing ]"}},
		{"1", append([]string{"Your cart is empty."}, menu...)},
	})
}

func TestACartOutlivesTheConversation(t *testing.T) {
	c := newCustomer(t)
	c.fillsCart()
	require.Equal(t, []string{"Cancelled. Write to me whenever you like."}, c.says("cancel"))
	c.says("hi")
	require.Equal(t, "3 × Mug · $27.00", c.says("my cart")[1])
}

func TestAddOnsAreOfferedOnce(t *testing.T) {
	c := newCustomer(t)
	c.fillsCart()
	for _, text := range []string{"add something else", "coffee", "mug"} {
		c.says(text)
	}
	require.Equal(t, []string{"Added to your cart: 1 × Mug.", "Your cart:"}, c.says("1")[:2])
}

func TestWhenThingsFail(t *testing.T) {
	closed := append([]string{"I cannot reach the shop at the moment, sorry. Please try again in a little while."}, menu...)
	c := newCustomer(t)
	delete(c.replies, "shopify.search_products")
	delete(c.replies, "parley.case_list")
	c.says("hi")
	c.says("browse")
	require.Equal(t, closed, c.says("coffee"))
	require.Equal(t, closed, c.says("my order"))

	c = newCustomer(t)
	delete(c.replies, "addons")
	for _, text := range []string{"#", "1", "coffee", "mug"} {
		c.says(text)
	}
	require.Equal(t, []string{"Added to your cart: 3 × Mug.", "Your cart:"}, c.says("3")[:2], "without add-ons the sale goes on")

	delete(c.replies, "order")
	got := c.says("check out")
	require.Equal(t, []string{"One moment, I am preparing your order.", "I could not place the order, sorry. Your cart is still here.", "Your cart:"}, got[:3])

	c = newCustomer(t)
	c.replies["shopify.search_products"] = `{"products":[]}`
	c.says("hi")
	c.says("browse")
	require.Equal(t, "I found nothing for that, sorry.", c.says("coffee")[0])

	c = newCustomer(t)
	c.replies["shopify.search_products"] = `{"products":[{"id":"p","title":"Gone","price":{"amount":1,"currency":"USD"},"variants":[]}]}`
	c.says("hi")
	c.says("browse")
	c.says("coffee")
	require.Contains(t, c.says("gone"), "This one is sold out at the moment, sorry.")
}

func TestWhereIsMyOrder(t *testing.T) {
	c := newCustomer(t)
	require.Equal(t, append([]string{"You have no order with us yet."}, menu...), c.says("Where is my order?"))

	one := `{"id":"c1","number":"1001","stage":"paid","text":"Order 1001 is paid and being packed.","open":true,"can_cancel":true}`
	two := `{"id":"c2","number":"1002","stage":"sent","text":"Order 1002 is on its way.","open":true,"can_cancel":false}`
	c.replies["parley.case_list"] = `{"cases":[` + one + `]}`
	order := []string{"Order 1001 is paid and being packed.", "[ Back to the menu ]", "[ Talk to a person ]", "[ Cancel this order ]"}
	c.talks([]turn{
		{"2", order},
		{"cancel this order", []string{"Shall I really cancel order 1001?", "[ Yes ]", "[ No ]"}},
		{"no", order},
		{"3", []string{"Shall I really cancel order 1001?", "[ Yes ]", "[ No ]"}},
		{"yes", append([]string{"Your order is cancelled and the money on its way back."}, menu...)},
	})
	require.Equal(t, `parley.case_signal {"case_id":"c1","signal":"cancel"}`, c.done[len(c.done)-1])

	c.replies["parley.case_list"] = `{"cases":[` + one + `,` + two + `]}`
	c.talks([]turn{
		{"my order", []string{"Which order is it about?", "[ Order 1001 ] paid", "[ Order 1002 ] sent"}},
		{"order 1002", []string{"Order 1002 is on its way.", "[ Back to the menu ]", "[ Talk to a person ]"}},
		{"1", menu},
	})

	delete(c.replies, "parley.case_signal")
	c.replies["parley.case_list"] = `{"cases":[` + one + `]}`
	c.says("my order")
	c.says("cancel this order")
	require.Equal(t, []string{"I could not cancel it just now, so I am asking a colleague.", "A colleague will answer you right here."}, c.says("yes"))
}

func TestTheLastOrderIsRememberedWithConsent(t *testing.T) {
	c := newCustomer(t)
	c.fillsCart()
	c.says("check out")
	require.NotContains(t, strings.Join(c.done, "\n"), "contact_remember")

	require.Equal(t, []string{"Shall I remember your last order, so that you need not look for it? Write *forget me* whenever you change your mind.", "[ Yes ]", "[ No ]"}, c.says("remember me"))
	require.Equal(t, append([]string{"I will."}, menu...), c.says("yes"))
	require.Contains(t, c.done, `parley.contact_consent {"granted":true,"purpose":"memory"}`)
	c.contact = map[string]any{"consents": map[string]any{"memory": true}}
	c.fillsCart()
	c.says("check out")
	require.Contains(t, c.done, `parley.contact_remember {"consented":true,"values":{"order":"case-1"}}`)

	c.contact["memory"] = map[string]any{"order": "case-1"}
	c.replies["parley.case_list"] = `{"cases":[{"id":"case-1","number":1042,"stage":"paid","text":"Order 1042 is being packed.","open":true,"can_cancel":false}]}`
	c.talks([]turn{
		{"hi", []string{"Hello Ana, welcome to our shop! ☕", "Is it about order 1042?", "[ Yes ]", "[ Something else ]"}},
		{"yes", []string{"Order 1042 is being packed.", "[ Back to the menu ]", "[ Talk to a person ]"}},
	})
	c.replies["parley.case_list"] = `{"cases":[{"id":"case-1","number":1042,"stage":"delivered","text":"","open":false,"can_cancel":false}]}`
	require.Equal(t, append([]string{"Hello Ana, welcome to our shop! ☕"}, menu...), c.says("hi"), "it is over")
	require.Equal(t, append([]string{"I have forgotten it."}, menu...), c.says("forget me"))
}

func TestTalkingToAPerson(t *testing.T) {
	c := newCustomer(t)
	c.says("hi")
	require.Equal(t, []string{"A colleague will answer you right here."}, c.says("talk to a person"))
	require.Equal(t, []string{"sales "}, c.done)
	require.Empty(t, c.says("hello?"), "the bot is silent meanwhile")
	require.Equal(t, append([]string{"It is me again, the assistant."}, menu...), c.step(flow.Event{Kind: flow.EventReturned}))
}
