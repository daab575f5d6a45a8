package roles

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// environment is a process's environment for tests.
type environment map[string]string

func (e environment) LookupEnv(key string) (string, bool) { v, ok := e[key]; return v, ok }

func (e environment) Environ() []string {
	var out []string
	for k, v := range e {
		out = append(out, k+"="+v)
	}
	return out
}

func TestTemporalIsReachedAsItsOwnSettingsSay(t *testing.T) {
	o, err := TemporalAccess(environment{})
	require.NoError(t, err)
	require.Nil(t, o.ConnectionOptions.TLS, "plain unless told otherwise")
	require.Nil(t, o.Credentials)

	o, err = TemporalAccess(environment{"TEMPORAL_API_KEY": "planted"})
	require.NoError(t, err)
	require.NotNil(t, o.ConnectionOptions.TLS, "an API key never travels in clear")
	require.NotNil(t, o.Credentials)

	o, err = TemporalAccess(environment{"TEMPORAL_TLS": "true", "TEMPORAL_TLS_SERVER_NAME": "temporal.example"})
	require.NoError(t, err)
	require.Equal(t, "temporal.example", o.ConnectionOptions.TLS.ServerName)

	_, err = TemporalAccess(environment{"TEMPORAL_TLS_CLIENT_CERT_DATA": "not a certificate", "TEMPORAL_TLS_CLIENT_KEY_DATA": "nor a key"})
	require.ErrorContains(t, err, "TEMPORAL_")
}
