package api_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/api"
)

func TestTemplates(t *testing.T) {
	e := start(t, nil)
	e.put["wa"] = api.NewConnection{Connector: "whatsapp"}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/connections/wa/templates", `{"name":"parcel_left","language":"en_US","category":"utility","body":"It has left."}`, 200},
		{"POST", "/v1/connections/wa/templates", `{"name":"parcel_left","language":"en_US","category":"advertising","body":"It has left."}`, 422},
		{"POST", "/v1/connections/wa/templates", `{"name":"parcel_left"}`, 422},
		{"GET", "/v1/connections/wa/templates", "", 200},
		{"DELETE", "/v1/connections/wa/templates/parcel_left/en_US", "", 204},
		{"GET", "/v1/connections/none/templates", "", 404},
	} {
		status, answer := e.call(t, c.method, c.path, c.body)
		require.Equal(t, c.status, status, answer)
	}
	require.Equal(t, []string{"submit parcel_left", "templates", "delete parcel_left en_US"}, e.seen)
}
