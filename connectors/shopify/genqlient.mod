// The module file with which genqlient itself is built (go run -modfile): the
// released genqlient asks for a golang.org/x/tools that does not compile with
// today's Go.
module parley

go 1.26.8

require (
	github.com/Khan/genqlient v0.8.1
	golang.org/x/tools v0.49.0
)

require (
	github.com/agnivade/levenshtein v1.2.2 // indirect
	github.com/alexflint/go-arg v1.5.1 // indirect
	github.com/alexflint/go-scalar v1.2.0 // indirect
	github.com/bmatcuk/doublestar/v4 v4.6.1 // indirect
	github.com/vektah/gqlparser/v2 v2.5.64 // indirect
	golang.org/x/mod v0.39.0 // indirect
	golang.org/x/sync v0.22.0 // indirect
	gopkg.in/yaml.v2 v2.4.0 // indirect
)
