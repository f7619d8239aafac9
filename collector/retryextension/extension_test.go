package retryextension

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

func client(t *testing.T, next http.RoundTripper) *http.Client {
	t.Helper()
	factory := NewFactory()
	made, err := factory.Create(context.Background(), extension.Settings{ID: component.NewID(factory.Type())}, factory.CreateDefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	wrap, err := made.(middleware).GetHTTPRoundTripper(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	transport, err := wrap(context.Background(), next)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport}
}

func TestWhichAnswersAreTemporary(t *testing.T) {
	for status, want := range map[int]bool{
		200: false, 202: false, 400: false, 401: false, 404: false, 408: true, 413: false, 429: false,
		500: true, 501: false, 502: false, 503: false, 504: false, 505: false, 507: true, 520: true, 599: true,
	} {
		backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "why")
		}))
		response, err := client(t, http.DefaultTransport).Post(backend.URL, "text/plain", strings.NewReader("item"))
		switch {
		case want && (err == nil || !strings.Contains(err.Error(), http.StatusText(status))):
			t.Errorf("%d: not an error that names it: %v", status, err)
		case !want && err != nil:
			t.Errorf("%d: %v", status, err)
		case !want:
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != status || string(body) != "why" || response.Header.Get("Retry-After") != "7" {
				t.Errorf("%d: became %d, %q", status, response.StatusCode, body)
			}
			_ = response.Body.Close()
		}
		backend.Close()
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestAnErrorOfTheConnectionIsHandedOn(t *testing.T) {
	refused := errors.New("refused")
	if _, err := client(t, failing{refused}).Get("http://backend.invalid"); !errors.Is(err, refused) {
		t.Error(err)
	}
}

type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

type answering struct{ response *http.Response }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) { return a.response, nil }

func TestTheConnectionOfATemporaryAnswerIsGivenBack(t *testing.T) {
	answer := &body{Reader: strings.NewReader("why")}
	response := &http.Response{StatusCode: 500, Status: "500 Internal Server Error", Body: answer}
	if _, err := client(t, answering{response}).Get("http://backend.invalid"); err == nil || !answer.closed || answer.Reader.(*strings.Reader).Len() > 0 {
		t.Errorf("%v, closed: %v", err, answer.closed)
	}
}
