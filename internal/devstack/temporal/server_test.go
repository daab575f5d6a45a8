package temporal_test

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"parley/internal/devstack/postgres/pgtest"
	"parley/internal/devstack/temporal"
)

const queue = "test"

// echo waits for a signal and returns what it brought.
func echo(ctx workflow.Context) (string, error) {
	var word string
	workflow.GetSignalChannel(ctx, "word").Receive(ctx, &word)
	return word, nil
}

func dial(t *testing.T, s *temporal.Server) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: s.Addr(), Namespace: temporal.Namespace, Logger: silent{}})
	require.NoError(t, err)
	return c
}

func startWorker(t *testing.T, c client.Client) worker.Worker {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(echo, workflow.RegisterOptions{Name: "echo"})
	require.NoError(t, w.Start())
	return w
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

func TestAWaitingWorkflowOutlivesTheCluster(t *testing.T) {
	db := pgtest.Start(t)
	first, err := temporal.Start(t.Context(), temporal.Options{DatabaseURL: db.URL("postgres"), UIAddr: "127.0.0.1:0"})
	require.NoError(t, err)
	checkUI(t, first)
	require.NoError(t, temporal.Ready(t.Context(), first.Addr()))
	c := dial(t, first)
	checkRegistered(t, c)
	require.Error(t, temporal.Polled(t.Context(), first.Addr(), queue, os.Getpid()))
	w := startWorker(t, c)
	require.Eventually(t, func() bool { return temporal.Polled(t.Context(), first.Addr(), queue, os.Getpid()) == nil }, 30*time.Second, 20*time.Millisecond)
	require.Error(t, temporal.Polled(t.Context(), first.Addr(), queue, 1), "another process")
	_, err = c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "one", TaskQueue: queue}, "echo")
	require.NoError(t, err)
	w.Stop()
	c.Close()
	require.NoError(t, first.Stop())
	require.Error(t, temporal.Ready(t.Context(), first.Addr()))

	second, err := temporal.Start(t.Context(), temporal.Options{DatabaseURL: db.URL("postgres")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, second.Stop()) })
	require.Empty(t, second.UIURL())
	c = dial(t, second)
	defer c.Close()
	w = startWorker(t, c)
	defer w.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, c.SignalWorkflow(ctx, "one", "", "word", "hello"))
	var word string
	require.NoError(t, c.GetWorkflow(ctx, "one", "").Get(ctx, &word))
	require.Equal(t, "hello", word)
}

func checkUI(t *testing.T, s *temporal.Server) {
	t.Helper()
	resp, err := http.Get(s.UIURL() + "/api/v1/namespaces/" + temporal.Namespace)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode, "the UI reaches the cluster")
}

func checkRegistered(t *testing.T, c client.Client) {
	t.Helper()
	ns, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: temporal.Namespace})
	require.NoError(t, err)
	require.Equal(t, 30*24*time.Hour, ns.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	attrs, err := c.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: temporal.Namespace})
	require.NoError(t, err)
	for name, kind := range temporal.SearchAttributes() {
		require.Equal(t, kind, attrs.GetCustomAttributes()[name], name)
	}
}

func TestStartRefusesBadOptionsWithoutRepeatingSecrets(t *testing.T) {
	cases := map[string]temporal.Options{
		"form postgres://":  {DatabaseURL: "mysql://root:hunter2@127.0.0.1:1/"},
		"IP address":        {DatabaseURL: "postgres://u:hunter2@127.0.0.1:1/", Addr: "localhost:7233"},
		"not host:port":     {DatabaseURL: "postgres://u:hunter2@127.0.0.1:1/", Addr: "7233"},
		"must be a number":  {DatabaseURL: "postgres://u:hunter2@127.0.0.1:1/", Addr: "127.0.0.1:grpc"},
		"database temporal": {DatabaseURL: "postgres://u:hunter2@127.0.0.1:1/", Addr: "127.0.0.1:0"},
	}
	for want, options := range cases {
		t.Run(want, func(t *testing.T) {
			_, err := temporal.Start(t.Context(), options)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}
