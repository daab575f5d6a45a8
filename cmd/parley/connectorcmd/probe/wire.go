package probe

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"parley/connectors/sdk"
)

// wire carries requests, counts those that may write, reads limits from the
// answers, and loses an answer when it is told to. It is safe for concurrent use.
type wire struct {
	next  http.RoundTripper
	learn func(status int, h http.Header) sdk.Pace

	mu     sync.Mutex
	wrote  int
	called string
	last   sdk.Pace
	// lose counts down the writes to the one whose answer is lost; 0 for none.
	lose   int
	struck bool
}

var errLost = errors.New("the answer was lost on purpose")

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if !w.note(r, resp) {
		return resp, nil
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, sdk.MaxResponse))
	return nil, errors.Join(errLost, err, resp.Body.Close())
}

// note records an exchange and tells whether its answer is to be lost.
func (w *wire) note(r *http.Request, resp *http.Response) (lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.called = r.URL.Host
	if w.learn != nil {
		if pace := w.learn(resp.StatusCode, resp.Header); pace.Known {
			w.last = pace
		}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	w.wrote++
	if w.lose == 0 {
		return false
	}
	w.lose--
	w.struck = w.lose == 0
	return w.struck
}

// cut lets the answer of the nth write from now be lost.
func (w *wire) cut(n int) { w.mu.Lock(); w.lose, w.struck = n, false; w.mu.Unlock() }

// uncut ends that and tells whether it has happened.
func (w *wire) uncut() bool { w.mu.Lock(); defer w.mu.Unlock(); w.lose = 0; return w.struck }

func (w *wire) writes() int    { w.mu.Lock(); defer w.mu.Unlock(); return w.wrote }
func (w *wire) host() string   { w.mu.Lock(); defer w.mu.Unlock(); return w.called }
func (w *wire) pace() sdk.Pace { w.mu.Lock(); defer w.mu.Unlock(); return w.last }
