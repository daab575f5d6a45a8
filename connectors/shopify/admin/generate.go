// Package admin holds the queries that the connector sends to Shopify's GraphQL
// Admin API, version 2026-07, and the Go code that genqlient makes of them.
//
// To generate anew, set PARLEY_SPECS to a folder that has Shopify's SDL in
// shopify/admin_2026-07.graphql and run go generate here. The last two
// steps leave out the comments that genqlient copies from the SDL.
package admin

//go:generate ln -sf $PARLEY_SPECS/shopify/admin_2026-07.graphql schema.graphql
//go:generate go run -modfile=../genqlient.mod github.com/Khan/genqlient genqlient.yaml
//go:generate rm schema.graphql
//go:generate sed -i "1!{/^[[:space:]]*\\/\\//d}" generated.go
//go:generate gofmt -w generated.go
