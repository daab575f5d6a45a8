package temporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	retention       = 30 * 24 * time.Hour
	registerTimeout = 60 * time.Second
)

// SearchAttributes are those that Parley's workflows set. Values are plain
// text in Temporal's database: nothing personal goes into them.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		"Workspace":  enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		"Channel":    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		"Stage":      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		"WaitingFor": enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		"Outcome":    enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		"Deadline":   enumspb.INDEXED_VALUE_TYPE_DATETIME,
	}
}

// register makes sure that the namespace and the search attributes exist. The
// frontend may refuse calls for a moment after its start; these are repeated.
func register(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := retry(ctx, func() error { return registerNamespace(ctx, conn) }); err != nil {
		return fmt.Errorf("registering namespace %s with Temporal: %w", Namespace, err)
	}
	if err := retry(ctx, func() error { return registerAttributes(ctx, conn) }); err != nil {
		return fmt.Errorf("registering search attributes with Temporal: %w", err)
	}
	return nil
}

func registerNamespace(ctx context.Context, conn *grpc.ClientConn) error {
	client := workflowservice.NewWorkflowServiceClient(conn)
	_, err := client.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: Namespace})
	if status.Code(err) != codes.NotFound {
		return err
	}
	_, err = client.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        Namespace,
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	return err
}

func registerAttributes(ctx context.Context, conn *grpc.ClientConn) error {
	client := operatorservice.NewOperatorServiceClient(conn)
	have, err := client.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: Namespace})
	if err != nil {
		return err
	}
	missing := SearchAttributes()
	for name := range have.GetCustomAttributes() {
		delete(missing, name)
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = client.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: Namespace, SearchAttributes: missing,
	})
	return err
}

// retry repeats do while the error is one that passes by itself.
func retry(ctx context.Context, do func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := do()
		if err == nil || !passing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func passing(err error) bool {
	var exists *serviceerror.NamespaceAlreadyExists
	if errors.As(err, &exists) {
		return true // registered just now, not yet to be seen
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.NotFound, codes.ResourceExhausted, codes.AlreadyExists, codes.Aborted:
		return true
	default:
		return false
	}
}

// Ready returns nil if a cluster at addr answers and has the namespace and the
// search attributes.
func Ready(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	have, err := operatorservice.NewOperatorServiceClient(conn).ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: Namespace})
	if err != nil {
		return err
	}
	for name := range SearchAttributes() {
		if _, ok := have.GetCustomAttributes()[name]; !ok {
			return fmt.Errorf("search attribute %s is not registered yet", name)
		}
	}
	return nil
}
