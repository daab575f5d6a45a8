package roles

import (
	"fmt"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// TemporalAccess reads how Temporal is reached beside its address: TLS, client
// certificates, an API key, headers. They are Temporal's own settings
// (TEMPORAL_TLS…, TEMPORAL_API_KEY, TEMPORAL_GRPC_META_…), as its CLI and SDKs
// read them, and its configuration file where TEMPORAL_CONFIG_FILE names one.
// Address and namespace are Parley's settings. A nil environment is the process's.
func TemporalAccess(env envconfig.EnvLookup) (client.Options, error) {
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{
		DisableFile: os.Getenv("TEMPORAL_CONFIG_FILE") == "", ConfigFileStrict: true, EnvLookup: env,
	})
	if err != nil {
		return client.Options{}, fmt.Errorf("Temporal's settings (TEMPORAL_…): %w", err)
	}
	return o, nil
}
