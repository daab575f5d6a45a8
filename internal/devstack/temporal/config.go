package temporal

import (
	"maps"
	"net"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"

	"parley/internal/devstack/port"
)

const (
	mainDatabase       = "temporal"
	visibilityDatabase = "temporal_visibility"

	// historyShards is fixed for ever by the first start on a database.
	historyShards = 32

	// Each of the four services opens a pool of its own to each store.
	mainConnections       = 20
	visibilityConnections = 5

	clusterName = "active"
)

// sqlConfig returns a fresh copy each time: Temporal's tools change theirs.
func (d database) sqlConfig(name string, connections int) *config.SQL {
	return &config.SQL{
		PluginName: postgresql.PluginNamePGX, ConnectProtocol: "tcp", ConnectAddr: d.addr,
		User: d.user, Password: d.password, DatabaseName: name,
		MaxConns: connections, MaxIdleConns: connections, MaxConnLifetime: time.Hour,
	}
}

func clusterConfig(o Options, db database) (*config.Config, error) {
	services, err := services(o.Addr)
	if err != nil {
		return nil, err
	}
	disabled := config.ArchivalNamespaceDefaults{
		History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
		Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
	}
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore: mainDatabase, VisibilityStore: visibilityDatabase, NumHistoryShards: historyShards,
			DataStores: map[string]config.DataStore{
				mainDatabase:       {SQL: db.sqlConfig(mainDatabase, mainConnections)},
				visibilityDatabase: {SQL: db.sqlConfig(visibilityDatabase, visibilityConnections)},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10, MasterClusterName: clusterName, CurrentClusterName: clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: o.Addr},
			},
		},
		Services:            services,
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: o.Addr},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: disabled},
	}
	if o.MetricsAddr != "" {
		cfg.Global.Metrics = &metrics.Config{
			Prometheus: &metrics.PrometheusConfig{ListenAddress: o.MetricsAddr, HandlerPath: "/metrics"},
		}
	}
	return cfg, nil
}

// services gives the frontend the public address and the others free ports of
// 127.0.0.1, which nobody needs to know.
func services(frontend string) (map[string]config.Service, error) {
	host, number, err := split(frontend)
	if err != nil {
		return nil, err
	}
	free, err := port.Free(3)
	if err != nil {
		return nil, err
	}
	local := func(port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, BindOnLocalHost: true}}
	}
	front := local(number)
	if !net.ParseIP(host).Equal(net.IPv4(127, 0, 0, 1)) {
		front.RPC.BindOnLocalHost, front.RPC.BindOnIP = false, host
	}
	return map[string]config.Service{
		"frontend": front,
		"history":  local(free[0]),
		"matching": local(free[1]),
		"worker":   local(free[2]),
	}, nil
}

// dynamicConfig lifts limits that protect a shared cluster from its tenants:
// here there is one tenant, and the machine itself is the limit.
func dynamicConfig(o Options) dynamicconfig.StaticClient {
	const unlimited = 1_000_000
	values := dynamicconfig.StaticClient{
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key():      true,
		dynamicconfig.EnableServerVersionCheck.Key():                     false,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                    10_000,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                     45_000,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                    10_000,
		dynamicconfig.FrontendRPS.Key():                                  unlimited,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():           unlimited,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
		dynamicconfig.HistoryRPS.Key():                                   unlimited,
		dynamicconfig.MatchingRPS.Key():                                  unlimited,
	}
	if o.SkipTime {
		values[dynamicconfig.WorkflowTimeSkippingEnabled.Key()] = true
	}
	maps.Copy(values, custom(o.DynamicConfig))
	return values
}

func custom(values map[string]any) dynamicconfig.StaticClient {
	out := dynamicconfig.StaticClient{}
	for name, value := range values {
		out[dynamicconfig.MakeKey(name)] = value
	}
	return out
}
