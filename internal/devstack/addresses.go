package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"parley/internal/devstack/port"
)

// Addresses are where the parts listen, each host:port with an IP address.
type Addresses struct {
	API      string `json:"api"`
	Temporal string `json:"temporal"`
	UI       string `json:"ui"`
	Sandbox  string `json:"sandbox"`
}

// DefaultAddresses are used in a folder that has none yet.
var DefaultAddresses = Addresses{
	API: "127.0.0.1:8080", Temporal: "127.0.0.1:7233", UI: "127.0.0.1:8233", Sandbox: "127.0.0.1:8090",
}

// one is one of the addresses with the flag that chooses it.
type one struct {
	flag                  string
	wanted, kept, standby string
	to                    *string
}

// addresses settles where to listen: where the flags say, else where this
// folder's system listened before, else the defaults. Port 0 stands for the
// port kept for this folder, or a free one that is then kept.
func (f *Folder) addresses(wanted Addresses) (Addresses, error) {
	kept, err := f.keptAddresses()
	if err != nil {
		return kept, err
	}
	var out Addresses
	for _, a := range []one{
		{"--api-addr", wanted.API, kept.API, DefaultAddresses.API, &out.API},
		{"--temporal-addr", wanted.Temporal, kept.Temporal, DefaultAddresses.Temporal, &out.Temporal},
		{"--ui-addr", wanted.UI, kept.UI, DefaultAddresses.UI, &out.UI},
		{"--sandbox-addr", wanted.Sandbox, kept.Sandbox, DefaultAddresses.Sandbox, &out.Sandbox},
	} {
		if *a.to, err = a.settle(); err != nil {
			return out, err
		}
	}
	if err := out.distinct(); err != nil {
		return out, err
	}
	raw, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return out, err
	}
	return out, replaceFile(f.Path("addresses.json"), raw)
}

func (f *Folder) keptAddresses() (Addresses, error) {
	var kept Addresses
	raw, err := os.ReadFile(f.Path("addresses.json"))
	if errors.Is(err, os.ErrNotExist) {
		return kept, nil
	}
	if err != nil {
		return kept, err
	}
	if err := json.Unmarshal(raw, &kept); err != nil {
		return kept, fmt.Errorf("%s is damaged: delete it to have addresses chosen again: %w", f.Path("addresses.json"), err)
	}
	return kept, nil
}

func (a one) settle() (string, error) {
	addr := a.wanted
	if addr == "" {
		addr = a.kept
	}
	if addr == "" {
		addr = a.standby
	}
	host, number, err := parseAddress(addr)
	if err != nil {
		return "", fmt.Errorf("%s: %w", a.flag, err)
	}
	if number == 0 {
		if number, err = a.free(host); err != nil {
			return "", err
		}
	}
	addr = net.JoinHostPort(host, strconv.Itoa(number))
	if err := port.Available(host, number); err != nil {
		return "", fmt.Errorf("%s is not free: stop what listens there, or choose another address with %s (port 0 picks a free one): %w", addr, a.flag, err)
	}
	return addr, nil
}

// free returns the port kept for this host, or a free one.
func (a one) free(host string) (int, error) {
	if keptHost, number, err := parseAddress(a.kept); err == nil && keptHost == host && number != 0 {
		return number, nil
	}
	ports, err := port.Free(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// parseAddress takes localhost and an empty host for 127.0.0.1.
func parseAddress(addr string) (host string, number int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not an address like 127.0.0.1:8080", addr)
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	if net.ParseIP(host) == nil {
		return "", 0, fmt.Errorf("%q: the host must be an IP address of this machine", addr)
	}
	number, err = strconv.Atoi(text)
	if err != nil || number < 0 || number > 65535 {
		return "", 0, fmt.Errorf("%q: the port must be a number from 0 to 65535", addr)
	}
	return host, number, nil
}

func (a Addresses) distinct() error {
	seen := map[string]bool{}
	for _, addr := range []string{a.API, a.Temporal, a.UI, a.Sandbox} {
		if seen[addr] {
			return fmt.Errorf("%s is chosen for two parts: give each an address of its own", addr)
		}
		seen[addr] = true
	}
	return nil
}

// webURL is where a browser on this machine reaches a listener.
func webURL(addr string) string {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, number)
}
