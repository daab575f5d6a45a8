package connectors_test

import (
	"net/url"

	"parley/connectors/sdk/connectortest"
)

func init() {
	work := func(form url.Values) func(*connectortest.Rig) {
		return func(r *connectortest.Rig) {
			r.Post("/desk/"+r.Output("chat_start")["id"].(string), form)
		}
	}
	const unsigned = "LiveChat signs nothing: a secret stands in the body, which is compared"
	subjects["livechat"] = connectortest.Subject{
		Triggers: map[string]func(*connectortest.Rig){
			"agent.said":       work(url.Values{"action": {"say"}, "text": {"Hello, Smith here."}}),
			"chat.closed":      work(url.Values{"action": {"close"}}),
			"chat.transferred": work(url.Values{"action": {"transfer"}, "group": {"1"}}),
		},
		Waive: map[string]string{"webhook/altered_body": unsigned, "webhook/altered_signature": unsigned, "webhook/unsigned": unsigned},
	}
}
