package shopify_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	gql "github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	gqlparse "github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

var apis = map[string]string{
	"admin":      "shopify/admin_2026-07.graphql",
	"storefront": "shopify/storefront-graphql_2026-07.graphql",
}

// queries reads all the queries of a package as one document, since they share
// fragments.
func queries(t *testing.T, dir string) *gql.QueryDocument {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.graphql"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := &gql.QueryDocument{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		doc, err := gqlparse.ParseQuery(&gql.Source{Name: f, Input: string(raw)})
		require.NoError(t, err)
		all.Operations = append(all.Operations, doc.Operations...)
		all.Fragments = append(all.Fragments, doc.Fragments...)
	}
	return all
}

func TestQueriesAreValidAgainstShopifysSchema(t *testing.T) {
	specs := os.Getenv("PARLEY_SPECS")
	if specs == "" {
		t.Skip("PARLEY_SPECS is not set: it names a folder with Shopify's SDL in shopify/")
	}
	for dir, file := range apis {
		t.Run(dir, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(specs, file))
			require.NoError(t, err)
			schema, err := gqlparser.LoadSchema(&gql.Source{Name: file, Input: string(raw)})
			require.NoError(t, err)
			problems := validator.ValidateWithRules(schema, queries(t, dir), rules.NewDefaultRules())
			require.Empty(t, problems)
		})
	}
}

// TestGeneratedCodeIsFresh compares the queries inside the generated code with the
// .graphql files.
func TestGeneratedCodeIsFresh(t *testing.T) {
	for dir := range apis {
		t.Run(dir, func(t *testing.T) {
			source := queries(t, dir)
			generated := generatedQueries(t, filepath.Join(dir, "generated.go"))
			require.Len(t, generated, len(source.Operations), "run go generate in %s", dir)
			for _, op := range source.Operations {
				doc, err := gqlparse.ParseQuery(&gql.Source{Input: generated[op.Name]})
				require.NoError(t, err)
				want := &gql.QueryDocument{Operations: gql.OperationList{op}}
				for _, f := range doc.Fragments {
					want.Fragments = append(want.Fragments, source.Fragments.ForName(f.Name))
				}
				require.Equal(t, format(want), format(doc), "run go generate in %s", dir)
			}
		})
	}
}

func format(doc *gql.QueryDocument) string {
	var out bytes.Buffer
	formatter.NewFormatter(&out).FormatQueryDocument(doc)
	return out.String()
}

// generatedQueries returns the constants NAME_Operation of a Go file.
func generatedQueries(t *testing.T, file string) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	out := map[string]string{}
	for _, decl := range parsed.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			value := spec.(*ast.ValueSpec)
			if name, ok := strings.CutSuffix(value.Names[0].Name, "_Operation"); ok {
				text, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				out[name] = text
			}
		}
	}
	return out
}
