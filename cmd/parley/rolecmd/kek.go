package rolecmd

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/awskms"        // awskms://
	_ "gocloud.dev/secrets/azurekeyvault" // azurekeyvault://
	_ "gocloud.dev/secrets/gcpkms"        // gcpkms://
	_ "gocloud.dev/secrets/hashivault"    // hashivault://
	_ "gocloud.dev/secrets/localsecrets"  // base64key://

	"parley/cmd/parley/exit"
	"parley/internal/config"
	"parley/internal/observe"
	"parley/internal/vault"
)

// openKEK opens the key-encryption key that the settings name. Errors never
// quote the URL: that of a local key is the key.
func openKEK(ctx context.Context, c *config.Config) (*secrets.Keeper, error) {
	if c.MasterKeyFile != "" {
		return vault.LocalKEK(c.MasterKeyFile)
	}
	const setting = "vault.master_key_url"
	u, err := url.Parse(c.MasterKeyURL.Reveal())
	if err != nil || u.Scheme == "" {
		return nil, exit.Misused("%s: must be a URL such as awskms://alias/parley?region=eu-central-1", setting)
	}
	mux := secrets.DefaultURLMux()
	if !mux.ValidKeeperScheme(u.Scheme) {
		known := mux.KeeperSchemes()
		slices.Sort(known)
		return nil, exit.Misused("%s: support for %s:// is not compiled into this program, only for %s://; "+
			"build one whose main package imports the driver from gocloud.dev/secrets", setting, u.Scheme, strings.Join(known, "://, "))
	}
	if u.Scheme == "base64key" && u.Host == "" {
		// The driver would make up a key, and all data would be lost at the next start.
		return nil, exit.Misused("%s: base64key:// must be followed by the key: 32 random bytes in URL-safe base64", setting)
	}
	kek, err := mux.OpenKeeperURL(ctx, u)
	if err != nil {
		if u.Scheme == "base64key" {
			return nil, exit.Misused("%s: what follows base64key:// must be 32 bytes in URL-safe base64", setting)
		}
		return nil, fmt.Errorf("%s: the key service cannot be used: %s", setting, observe.ErrText(err))
	}
	return kek, nil
}
