package shopify

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestProductQuery(t *testing.T) {
	for _, c := range []struct{ text, tag, want string }{
		{"", "", `status:active`},
		{"Espresso", "", `status:active AND espresso*`},
		{"café crème", "", `status:active AND café* AND crème*`},
		{"tea AND NOT coffee", "", `status:active AND tea* AND coffee*`},
		{"", "addon", `status:active AND tag:"addon"`},
		{"tag:best-seller tea", "", `status:active AND tag:"best-seller" AND tea*`},
		{`tag:") OR (`, "", `status:active`},
		{"status:draft", "", `status:active AND status* AND draft*`},
		{"-x", "", `status:active AND x*`},
		{"a b c d e f g h i j", "", `status:active AND a* AND b* AND c* AND d* AND e* AND f* AND g* AND h*`},
	} {
		require.Equal(t, c.want, productQuery(c.text, c.tag))
	}
}

// Nothing that a customer writes changes what kind of search it is.
func TestProductQueryIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		query := productQuery(rapid.String().Draw(t, "text"), "")
		for i, term := range strings.Split(query, " AND ") {
			if i == 0 {
				require.Equal(t, "status:active", term)
				continue
			}
			bare := strings.TrimSuffix(term, "*")
			if name, ok := strings.CutPrefix(term, `tag:"`); ok {
				bare = strings.TrimSuffix(name, `"`)
			}
			require.NotEmpty(t, bare)
			require.False(t, strings.ContainsAny(bare, ` :"'()*\<>`), "%q", term)
		}
	})
}
