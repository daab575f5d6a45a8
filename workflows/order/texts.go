package order

import (
	"fmt"
	"strconv"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/money"
)

// updateTemplate is the approved message that carries news outside a channel's
// free-form window: its parameters are the order's number and the news.
const updateTemplate = "order_update"

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func (o *order) title() string { return "Order " + itoa(o.Number) }

func joinNonEmpty(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " ")
}

// update is news of the order, with the template that carries it when the
// customer last wrote long ago.
func update(number int64, text string) sdk.Content {
	return sdk.Content{Text: text, Template: &sdk.Template{Name: updateTemplate, Language: "en",
		Params: []string{itoa(number), strings.Join(strings.Fields(text), " ")}}}
}

func payMessage(number int64, total Money, url string) sdk.Content {
	c := update(number, fmt.Sprintf("Order %d comes to *%s*. Pay here and it is yours:", number, format(total)))
	c.Link = &sdk.Link{URL: url, Label: "Pay now"}
	return c
}

func reminderMessage(number int64, total Money, url string) sdk.Content {
	c := update(number, fmt.Sprintf("Order %d is still waiting for you: *%s*.", number, format(total)))
	c.Link = &sdk.Link{URL: url, Label: "Pay now"}
	return c
}

func failedMessage(number int64, url string) sdk.Content {
	c := update(number, fmt.Sprintf("The payment for order %d did not go through, and nothing was charged. You can try again:", number))
	c.Link = &sdk.Link{URL: url, Label: "Try again"}
	return c
}

func confirmedMessage(number int64, name string, total Money) sdk.Content {
	return update(number, fmt.Sprintf("Thank you! Order %d is confirmed (%s), %s paid. We will tell you when it is on its way.", number, name, format(total)))
}

func textOutage(number int64) string {
	return fmt.Sprintf("We cannot go on with order %d at the moment, because a service that we need is not available. Nothing is lost and you need not do anything: we go on as soon as it is back.", number)
}

// textPaidOnPage stands on the payment page when all is done there.
const textPaidOnPage = "You can go back to the chat: your confirmation is there."

func format(m Money) string { return money.Format(m.Amount, m.Currency) }

// What the customer is told who asks how the order stands.
func textReserving(n int64) string  { return fmt.Sprintf("Order %d is being prepared.", n) }
func textConfirming(n int64) string { return fmt.Sprintf("Order %d is paid and being confirmed.", n) }
func textRefunding(n int64) string {
	return fmt.Sprintf("The money for order %d is on its way back.", n)
}
func textRefunded(n int64) string { return fmt.Sprintf("The money for order %d was given back.", n) }
func textPartRefunded(n int64, sum Money) string {
	return fmt.Sprintf("%s of what you paid for order %d was given back.", format(sum), n)
}
func textMoneyComing(n int64) string {
	return fmt.Sprintf("The payment for order %d is on its way from your bank.", n)
}
func textShipped(n int64) string { return fmt.Sprintf("Order %d is on its way.", n) }

func textAwaiting(total Money) func(int64) string {
	return func(n int64) string { return fmt.Sprintf("Order %d waits for its payment of %s.", n, format(total)) }
}

func textConfirmed(name string) func(int64) string {
	return func(n int64) string { return fmt.Sprintf("Order %d (%s) is confirmed and being packed.", n, name) }
}

func textClosed(outcome string) func(int64) string {
	return func(n int64) string { return fmt.Sprintf("Order %d is closed (%s).", n, outcome) }
}

// What the customer is told unasked.
func textUnavailable(n int64) string {
	return fmt.Sprintf("I am sorry: order %d could not be taken by the shop. Nothing was charged.", n)
}

func textSoldOut(n int64) string {
	return fmt.Sprintf("I am sorry: something in order %d has just sold out. Nothing was charged.", n)
}

func textNoPayment(n int64) string {
	return fmt.Sprintf("I am sorry: the payment for order %d could not be set up. Nothing was charged.", n)
}

func textExpired(n int64) string {
	return fmt.Sprintf("Order %d was not paid in time and is closed. Nothing was charged; say hi to start again.", n)
}

func textCancelled(n int64) string {
	return fmt.Sprintf("Order %d is cancelled. Nothing was charged.", n)
}

func textCancelledRefund(n int64) string {
	return fmt.Sprintf("Order %d is cancelled and the money is on its way back to you.", n)
}

func textShopCancelled(n int64) string {
	return fmt.Sprintf("The shop has cancelled order %d. The money is on its way back to you.", n)
}

func textRefusedRefund(n int64) string {
	return fmt.Sprintf("I am sorry: the shop could not take order %d. The money is on its way back to you.", n)
}

func textLateRefund(n int64) string {
	return fmt.Sprintf("Your payment came after order %d was closed. The money is on its way back to you.", n)
}

func textTooLate(n int64) string {
	return fmt.Sprintf("Order %d is already on its way, so it cannot be cancelled any more. Write to us for a return.", n)
}

func textDelivered(n int64) string {
	return fmt.Sprintf("Order %d was delivered. Enjoy!", n)
}
