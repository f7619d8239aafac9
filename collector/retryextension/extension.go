// Package retryextension has an OTLP/HTTP exporter try again what a backend answered with an error
// of its own:
//
//	extensions:
//	  retry_server_errors:
//	exporters:
//	  otlp_http/backend:
//	    middlewares: [{id: retry_server_errors}]
//
// OTLP has 429, 502, 503 and 504 tried again and everything else taken as final. Backends answer
// 500 when a disk or a part behind them fails, load balancers have more such numbers, and what was
// acknowledged would be deleted from the queue for it.
package retryextension

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

var componentType = component.MustNewType("retry_server_errors")

// NewFactory returns the factory the distribution's components list.
func NewFactory() extension.Factory {
	return extension.NewFactory(
		componentType,
		func() component.Config { return &struct{}{} },
		func(context.Context, extension.Settings, component.Config) (extension.Extension, error) {
			return middleware{}, nil
		},
		component.StabilityLevelBeta,
	)
}

// middleware implements extensionmiddleware.HTTPClient, which is not named here because it would
// bring gRPC with it.
type middleware struct {
	component.StartFunc
	component.ShutdownFunc
}

// GetHTTPRoundTripper returns what goes around an exporter's transport.
func (middleware) GetHTTPRoundTripper(context.Context) (func(context.Context, http.RoundTripper) (http.RoundTripper, error), error) {
	return func(_ context.Context, next http.RoundTripper) (http.RoundTripper, error) {
		return roundTripper{next}, nil
	}, nil
}

type roundTripper struct{ next http.RoundTripper }

// RoundTrip makes an error of what is temporary: exporters try again when there is no answer.
func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(request)
	if err != nil || !temporary(response.StatusCode) {
		return response, err
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64*1024) // so that the connection can be used again
	_ = response.Body.Close()
	return nil, fmt.Errorf("it answered %s, which is taken as temporary", response.Status)
}

// temporary says of which statuses, that exporters take as final, the same request may be taken later.
func temporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout:
		return true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false // known to exporters, which go by its Retry-After as well
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= http.StatusInternalServerError
}
