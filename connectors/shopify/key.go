package shopify

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"parley/connectors/shopify/admin"
)

// keyAttribute is the custom attribute that carries the effect's key in full, and
// workspaceAttribute whose it is. Shopify copies a draft's attributes and tags to
// its order, and a cart's attributes to the order of its checkout, so webhooks of
// the order bring them back.
const (
	keyAttribute       = "parley_key"
	workspaceAttribute = "parley_workspace"
)

const (
	tagPrefix = "parley-"
	// maxTag is the longest tag of an order, in characters.
	maxTag = 40
)

// keyTag is the tag by which the draft or order of a key is found: the key itself
// where it fits into a tag, else the beginning of its SHA-256.
func keyTag(key string) string {
	if len(tagPrefix)+len(key) <= maxTag {
		return tagPrefix + key
	}
	sum := sha256.Sum256([]byte(key))
	return tagPrefix + hex.EncodeToString(sum[:16])
}

// keyQuery is the search for that tag. Keys are of [a-z0-9-], so nothing in it
// needs escaping, but quotes keep the dashes from being read as operators.
func keyQuery(key string) string {
	return `tag:"` + strings.ReplaceAll(keyTag(key), `"`, "") + `"`
}

// carriesKey tells whether what a search found really is the key's: searches by
// tag ignore case, and hashed tags could in theory meet.
func carriesKey(attributes []admin.Attribute, key string) bool {
	for _, a := range attributes {
		if a.Key == keyAttribute {
			return a.Value == key
		}
	}
	return false
}
