package connectorcmd

import (
	"encoding/json"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"parley/cmd/parley/connected"
	"parley/cmd/parley/exit"
	"parley/connectors/sdk"
)

// verdict is what verify prints.
type verdict struct {
	Valid  bool   `json:"valid"`
	Reason string `json:"reason,omitempty"`
	// Events of a valid request, in the provider's order.
	Events []event `json:"events,omitzero"`
	// Response is the body that answers a provider's check of the address.
	Response string `json:"response,omitempty"`
}

// event is the printed form of an [sdk.Event].
type event struct {
	ID       string             `json:"id"`
	Kind     sdk.EventKind      `json:"kind"`
	Type     string             `json:"type,omitempty"`
	Account  string             `json:"account,omitempty"`
	At       time.Time          `json:"at,omitzero"`
	Message  *sdk.Incoming      `json:"message,omitempty"`
	Status   *sdk.Status        `json:"status,omitempty"`
	Provider *sdk.ProviderEvent `json:"provider,omitempty"`
}

func verifyCommand(list []sdk.Connector) *cobra.Command {
	var config, request, address, now string
	cmd := &cobra.Command{
		Use:   "verify NAME --config FILE --request FILE",
		Short: "Verify and parse a webhook kept in a file",
		Long: `Verifies a raw HTTP/1.1 request (request line, headers, blank line, body) as
the connector verifies a webhook, and prints its events.

Exit code 0: {"valid":true,"events":[…]}. 1: {"valid":false,"reason":"…"}.
2: wrong usage.`,
		Args: exit.Args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := find(list, args[0])
			if err != nil {
				return err
			}
			req, err := readRequest(request, address)
			if err != nil {
				return err
			}
			at := time.Now()
			if now != "" {
				if at, err = time.Parse(time.RFC3339, now); err != nil {
					return exit.Misused("--now must be a time like 2026-07-01T12:00:00Z")
				}
			}
			settings, err := readConfig(config)
			if err != nil {
				return err
			}
			return judge(cmd, c, settings, req, at)
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "file with the connection's configuration, YAML or JSON (required)")
	cmd.Flags().StringVar(&request, "request", "", "file with the raw request (required)")
	cmd.Flags().StringVar(&address, "url", "", "full public address that was called, for providers that sign it; from Host and the request line unless given")
	cmd.Flags().StringVar(&now, "now", "", "time of the check, RFC 3339; the present unless given")
	return cmd
}

func readRequest(path, address string) (sdk.WebhookRequest, error) {
	if path == "" {
		return sdk.WebhookRequest{}, exit.Misused("--request FILE is missing: the raw HTTP/1.1 request")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return sdk.WebhookRequest{}, exit.Misused("--request: %v", err)
	}
	req, err := parseRequest(raw)
	if err != nil {
		return req, exit.Misused("--request: %v", err)
	}
	if address != "" {
		req.URL = address
	}
	return req, nil
}

func judge(cmd *cobra.Command, c sdk.Connector, settings json.RawMessage, req sdk.WebhookRequest, now time.Time) error {
	conn, err := connected.Open(c, settings)
	if err != nil {
		return fail(cmd, err)
	}
	receiver, ok := conn.(sdk.Receiver)
	if !ok {
		return exit.Misused("%s has no webhooks", c.Name)
	}
	v := verdict{Valid: true, Events: []event{}}
	if hs, ok := conn.(sdk.Handshaker); ok && req.Method == http.MethodGet {
		v.Response, err = hs.Handshake(req)
	} else {
		v.Events, err = events(receiver, req, now)
	}
	if err != nil {
		v = verdict{Reason: reason(err)}
	}
	if perr := printJSON(cmd.OutOrStdout(), v); perr != nil || v.Valid {
		return perr
	}
	return exit.Failed()
}

func events(r sdk.Receiver, req sdk.WebhookRequest, now time.Time) ([]event, error) {
	if err := r.Verify(req, now); err != nil {
		return nil, err
	}
	parsed, err := r.Parse(req)
	out := []event{}
	for _, e := range parsed {
		out = append(out, event(e))
	}
	return out, err
}

// reason is the message alone of an error of the seam: its class says nothing
// here that valid does not.
func reason(err error) string {
	e := sdk.AsError(err)
	if e.Err == err {
		return err.Error() // a plain error of Verify
	}
	return e.Message
}
