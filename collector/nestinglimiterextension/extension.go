// Package nestinglimiterextension has an OTLP receiver refuse requests that are nested deeper than
// can be decoded:
//
//	extensions:
//	  nesting_limiter:
//	    max_depth: 500
//	receivers:
//	  otlp:
//	    protocols:
//	      grpc: {middlewares: [{id: nesting_limiter}]}
//	      http: {middlewares: [{id: nesting_limiter}]}
//
// Requests are decoded by recursion. Of lists within each other, which take ten bytes each and are
// nothing when compressed, a request of 16 MiB holds a million and more: the decoder's stack is
// over its limit of a gigabyte then, and the process ends, over gRPC before anyone has looked at the
// sender's token.
package nestinglimiterextension

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

var componentType = component.MustNewType("nesting_limiter")

// Config is what may be set.
type Config struct {
	// MaxDepth is how many lists and maps of a request may be within each other.
	MaxDepth int `mapstructure:"max_depth"`
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	if c.MaxDepth < 1 {
		return errors.New("max_depth has to be positive")
	}
	return nil
}

// NewFactory returns the factory the distribution's components list.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		componentType,
		func() component.Config { return &Config{MaxDepth: 500} },
		func(_ context.Context, _ extension.Settings, cfg component.Config) (extension.Extension, error) {
			return &limiter{depth: cfg.(*Config).MaxDepth}, nil
		},
		component.StabilityLevelBeta,
	)
}

// limiter implements extensionmiddleware.HTTPServer and extensionmiddleware.GRPCServer.
type limiter struct {
	component.StartFunc
	component.ShutdownFunc
	depth int
}

// GetHTTPHandler returns what goes around a receiver's handler. It is within what decompresses.
func (l *limiter) GetHTTPHandler(context.Context) (func(context.Context, http.Handler) (http.Handler, error), error) {
	return func(_ context.Context, next http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Content-Type"), "json") {
				r.Body = &body{r.Body, &jsonScanner{limit: l.depth}}
			} else if root, known := rootOf(r.URL.Path); known {
				r.Body = &body{r.Body, newScanner(root, l.depth)}
			}
			next.ServeHTTP(w, r)
		}), nil
	}, nil
}

// rootOf is what a request is by its path, or by the name of its type.
func rootOf(name string) (message, bool) {
	for part, root := range map[string]message{
		"/traces": tracesRequest, ".ExportTraceServiceRequest": tracesRequest,
		"/metrics": metricsRequest, ".ExportMetricsServiceRequest": metricsRequest,
		"/logs": logsRequest, ".ExportLogsServiceRequest": logsRequest,
	} {
		if strings.HasSuffix(name, part) {
			return root, true
		}
	}
	return 0, false
}

// body is looked at while it is read.
type body struct {
	io.ReadCloser
	scanner interface{ scan(part []byte) error }
}

// Read implements io.Reader.
func (b *body) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if found := b.scanner.scan(into[:n]); found != nil {
		return n, found
	}
	return n, err
}

// GetGRPCServerOptions returns what has a receiver's server decode by way of the limiter.
func (l *limiter) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	return []grpc.ServerOption{grpc.ForceServerCodecV2(codec{encoding.GetCodecV2(proto.Name), l.depth})}, nil
}

type codec struct {
	encoding.CodecV2
	depth int
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, into any) error {
	if root, known := rootOf(fmt.Sprintf("%T", into)); known {
		scanner := newScanner(root, c.depth)
		for _, part := range data {
			if err := scanner.scan(part.ReadOnlyData()); err != nil {
				return err
			}
		}
	}
	return c.CodecV2.Unmarshal(data, into)
}
