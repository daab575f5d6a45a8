package roles

import (
	"fmt"

	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"parley/internal/observe"
	"parley/internal/vault"
	"parley/internal/vault/codec"
)

// dial makes a client that seals every payload and every error's text, and
// carries traces.
func dial(c Config, v *vault.Vault, worker bool) (client.Client, error) {
	kind := codec.ForClient(v)
	if worker {
		kind = codec.ForWorker(v)
	}
	dc := codec.DataConverter(kind)
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{Tracer: observe.Tracer(), TextMapPropagator: observe.Propagator})
	if err != nil {
		return nil, fmt.Errorf("temporal: tracing: %w", err)
	}
	metrics, err := sdkMetrics(c)
	if err != nil {
		return nil, err
	}
	o := c.TemporalAccess
	o.HostPort, o.Namespace, o.DataConverter = c.TemporalAddress, c.Namespace, dc
	o.FailureConverter = temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: dc, EncodeCommonAttributes: true})
	o.Logger, o.MetricsHandler = log.NewStructuredLogger(c.Log), metrics
	o.Interceptors = append(c.Proof.interceptors(), tracing)
	o.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{} // sealed payloads do not get smaller
	o.ConnectionOptions.DialOptions = c.Proof.dialOptions()
	t, err := client.NewLazyClient(o)
	if err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	return t, nil
}

// sdkMetrics gives the SDK's own metrics (temporal_…) to the registry: whether
// workers poll, how late tasks are, whether a signal could not be read.
func sdkMetrics(c Config) (client.MetricsHandler, error) {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(c.Registry), otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("temporal: metrics: %w", err)
	}
	meter := metric.NewMeterProvider(metric.WithReader(exporter)).Meter("temporal-sdk-go")
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: meter,
		OnError: func(err error) { c.Log.Warn("a metric of the Temporal SDK is missing", "error", err) }}), nil
}
