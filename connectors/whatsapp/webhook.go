package whatsapp

import (
	"time"

	"parley/connectors/meta"
	"parley/connectors/sdk"
)

// Verify implements [sdk.Receiver].
func (c *connection) Verify(req sdk.WebhookRequest, _ time.Time) error {
	return meta.Verify(c.secrets, req)
}

// Handshake implements [sdk.Handshaker].
func (c *connection) Handshake(req sdk.WebhookRequest) (string, error) {
	return meta.Handshake(c.config.VerifyToken, req)
}
