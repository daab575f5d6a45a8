// Package sandbox stands in for the providers in development and tests: it
// serves every connector's fake at {sandbox}/{connector}/, records each request,
// injects faults, delivers the fakes' webhooks, lets customers speak, and keeps
// all of it over a kill of the process. What it stores is sealed.
//
// It is never part of the parley binary. It has no authentication: it is meant to
// listen on a loopback address only.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/connectors/sdk/fake"
)

// Config says where a sandbox lives and what it serves.
type Config struct {
	// Addr to listen on, host:port; port 0 picks a free one. Empty if only
	// Handler is used, which then needs PublicURL.
	Addr string
	// Dir keeps sandbox.db, the sandbox's only file.
	Dir string
	// Key seals what is stored; KeySize bytes.
	Key []byte
	// PublicURL is where the sandbox is reached; http://Addr if empty.
	PublicURL string
	// Providers are the fakes.
	Providers []fake.Provider
	// Accounts are Parley's connections by connector; nil means those that were
	// last set. Those of connectors without a fake are of no use here and harmless.
	Accounts map[string][]fake.Account
	// Log is slog.Default() if nil.
	Log *slog.Logger
	// Transport carries the webhooks; http.DefaultTransport's like if nil.
	Transport http.RoundTripper
}

// Sandbox serves fakes. Its methods are safe for concurrent use.
type Sandbox struct {
	log       *slog.Logger
	publicURL string
	listener  net.Listener // nil without Addr
	store     *store
	faults    *faultList
	courier   *courier
	mounts    map[string]*mount
	handler   http.Handler

	mu       sync.Mutex
	accounts map[string][]fake.Account

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	once sync.Once
}

// New opens the data folder, starts delivering what is pending and, with an
// Addr, listens, so that [Sandbox.URL] is known; requests are answered once
// [Sandbox.Run] is called. A key that is not the folder's, a folder in use and a
// connector named twice are errors.
func New(cfg Config) (*Sandbox, error) {
	s := &Sandbox{log: cfg.Log, publicURL: strings.TrimRight(cfg.PublicURL, "/"), mounts: map[string]*mount{}}
	if s.log == nil {
		s.log = slog.Default()
	}
	if err := s.listen(cfg.Addr); err != nil {
		return nil, err
	}
	var err error
	if s.store, err = openStore(cfg.Dir, cfg.Key); err != nil {
		return nil, errors.Join(err, s.unlisten())
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.faults = loadFaults(s.store)
	s.store.get(bucketSandbox, keyAccounts, &s.accounts)
	s.courier = newCourier(s.ctx, s.store, transport(cfg.Transport), s.log)
	if cfg.Accounts != nil {
		err = s.SetAccounts(cfg.Accounts)
	}
	if err = errors.Join(err, s.mount(cfg.Providers)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.handler = s.routes()
	s.courier.sign = s.sign
	close(s.courier.ready)
	return s, nil
}

func (s *Sandbox) listen(addr string) (err error) {
	if addr != "" {
		if s.listener, err = net.Listen("tcp", addr); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		if s.publicURL == "" {
			s.publicURL = "http://" + s.listener.Addr().String()
		}
	}
	if u, err := url.Parse(s.publicURL); err != nil || u.Scheme == "" || u.Host == "" {
		return errors.Join(errors.New("sandbox: it needs an Addr to listen on, or a PublicURL like http://host:port"), s.unlisten())
	}
	return nil
}

func (s *Sandbox) unlisten() error {
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

// transport lets many webhooks go to one host at once.
func transport(given http.RoundTripper) http.RoundTripper {
	if given != nil {
		return given
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.MaxIdleConnsPerHost = inFlight
	return t
}

func (s *Sandbox) mount(providers []fake.Provider) error {
	for _, p := range providers {
		if p.Connector == "" || strings.HasPrefix(p.Connector, "_") || s.mounts[p.Connector] != nil {
			return fmt.Errorf("sandbox: the fake %q has no name of its own", p.Connector)
		}
		s.mounts[p.Connector] = &mount{Provider: p, handler: p.New(env{s, p.Connector})}
	}
	return nil
}

// sign has a webhook's headers made anew by the fake whose provider does so.
func (s *Sandbox) sign(p parcel) fake.Delivery {
	if m := s.mounts[p.Connector]; m != nil {
		if signer, ok := m.handler.(fake.Signer); ok {
			return signer.Sign(p.Delivery, time.Now())
		}
	}
	return p.Delivery
}

// URL is where the sandbox is reached, without a trailing slash.
func (s *Sandbox) URL() string { return s.publicURL }

// Handler serves the fakes and the control API.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Connectors lists the names of the fakes, sorted.
func (s *Sandbox) Connectors() []string { return slices.Sorted(maps.Keys(s.mounts)) }

// SetAccounts replaces Parley's connections, by connector, and keeps them.
func (s *Sandbox) SetAccounts(accounts map[string][]fake.Account) error {
	for connector, list := range accounts {
		for _, a := range list {
			if u, err := url.Parse(a.Hook); err != nil || u.Scheme == "" || u.Host == "" {
				return fmt.Errorf("sandbox: the hook of account %q of %s must be a full address", a.Account, connector)
			}
		}
	}
	s.mu.Lock()
	s.accounts = maps.Clone(accounts)
	s.store.put(bucketSandbox, keyAccounts, accounts)
	s.mu.Unlock()
	return s.store.flush()
}

// Run serves on Addr until ctx ends; it then returns nil. It may be called once.
func (s *Sandbox) Run(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("sandbox: it was made without an address to listen on")
	}
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	quit := context.AfterFunc(ctx, func() { _ = server.Close() }) // a cut request is uncertain, which is what it is for
	defer quit()
	if err := server.Serve(s.listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// Close stops the deliveries, writes what is open and releases address and
// folder. What was pending goes on when the folder is opened again.
func (s *Sandbox) Close() (err error) {
	s.once.Do(func() {
		s.stop()
		_ = s.unlisten() // closed already where Run has ended
		s.courier.wg.Wait()
		err = s.store.close()
	})
	return err
}
