package house

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// room says what the packages of a part of the house may import of the house,
// beside their own sub-packages. The first room that fits a package is its own.
type room struct {
	at  string
	may []string
}

// rooms is DESIGN's "imports point one way", from the inside out.
var rooms = []room{
	// The seam for integrators stands alone.
	{"./connectors/sdk/fake", []string{"./connectors/sdk"}},
	{"./connectors/sdk", []string{"./connectors/sdk"}},
	{"./connectors/fakes", []string{"./connectors/*/*fake", "./connectors/sdk/fake"}},
	{"./connectors/declared", []string{"./connectors/declared", "./connectors/sdk"}}, // connectors as data
	{"./connectors/http", []string{"./connectors/declared", "./connectors/sdk"}},     // runs as a declared one does
	{"./connectors/meta", []string{"./connectors/sdk"}},
	// Meta's products share a platform.
	{"./connectors/whatsapp", []string{"./connectors/meta", "./connectors/sdk"}},
	{"./connectors/messenger/messengerfake", []string{"./connectors/meta/metafake"}},
	{"./connectors/instagram/instagramfake", []string{"./connectors/meta/metafake"}},
	{"./connectors/messenger", []string{"./connectors/meta", "./connectors/sdk"}},
	{"./connectors/instagram", []string{"./connectors/meta", "./connectors/sdk"}},
	{"./connectors/*", []string{"./connectors/sdk"}}, // one provider, one folder: never another's
	{"./connectors", []string{"./connectors"}},       // the list

	// Workflows know what can be connected, and nothing of how anything is done.
	{"./workflows/flow/*", []string{"./workflows/flow", "./connectors/sdk"}}, // what is made of documents and programs
	{"./workflows/flow", []string{"./connectors/sdk"}},
	{"./workflows/process", []string{"./connectors/sdk"}},
	{"./workflows/conversation", []string{"./connectors/sdk", "./workflows/process"}},
	{"./workflows/*", []string{"./connectors/sdk", "./workflows/process"}}, // cases

	{"./stacks", []string{"./stacks"}},

	// What is durable; order among themselves is in floors.
	{"./internal/devstack", []string{"./internal/devstack"}},
	{"./internal/transcript", []string{"./internal/transcript", "./connectors/sdk", "./internal/planner", "./workflows/flow"}}, // plays flows
	{"./internal/sandbox", []string{"./internal/sandbox", "./connectors/sdk", "./internal/observe"}},
	{"./internal", []string{"./internal", "./connectors/sdk"}},

	// The edge knows ports; the wiring puts the engine behind them.
	{"./api/codec", []string{"./api/problem", "./internal/access", "./internal/observe", "./internal/vault"}},
	{"./api/webchat", []string{"./api/problem", "./connectors/sdk", "./connectors/webchat", "./internal/observe"}},
	{"./api", []string{"./api", "./connectors/sdk", "./internal/observe"}},

	{"./activities", []string{"./activities", "./workflows", "./connectors/sdk", "./internal"}},

	{"./cmd/internal", []string{"./cmd/internal", "./api", "./activities", "./workflows", "./connectors", "./internal", "./stacks"}},
	{"./cmd/parley/program", []string{"./cmd/parley", "./connectors", "./internal/config"}},
	{"./cmd/parley/*", []string{"./cmd/internal", "./cmd/parley/apiclient", "./cmd/parley/connected", "./cmd/parley/exit", "./cmd/parley/source", "./api", "./workflows", "./connectors", "./internal", "./stacks"}},
	{"./cmd", []string{"./cmd", "./workflows", "./connectors", "./internal", "./stacks"}},

	// The proofs drive the programs from outside.
	{"./proofs", []string{"./proofs", "./connectors/sdk", "./internal/devstack", "./internal/sandbox"}},
}

// equipment is for tests only: it may use the devstack, and no program imports it.
var equipment = []string{"./internal/store/storetest", "./internal/devstack/postgres/pgtest", "./internal/house", "./api/webchat/tab", "./workflows/replay", "./proofs"}

// floors are the packages of internal that a part of the engine is made of. One
// imports only from floors beneath its own, and its own sub-packages.
var floors = [][]string{
	{"./internal/store", "./internal/vault", "./internal/observe", "./internal/outbound", "./internal/planner", "./internal/nlu"},
	{"./internal/access", "./internal/audit", "./internal/bookings", "./internal/bus", "./internal/checkup", "./internal/config", "./internal/connections",
		"./internal/contacts", "./internal/flows", "./internal/ledger", "./internal/models", "./internal/outages"},
	{"./internal/cases", "./internal/conversations", "./internal/oauth", "./internal/chores", "./internal/misses", "./internal/reconcile", "./internal/templates"},
	{"./internal/intake"},
	{"./internal/transcript"},
}

// apart are the packages of internal that are no part of the engine.
var apart = []string{"./internal/devstack", "./internal/sandbox", "./internal/house"}

// ban keeps libraries out of rooms, directly or through anything linked.
type ban struct {
	in, except []string
	// what is banned; linked says that it must not be reached either.
	what   []string
	linked bool
	why    string
}

const (
	pgx      = "github.com/jackc/pgx/v5"
	gin      = "github.com/gin-gonic/gin"
	server   = "go.temporal.io/server"
	temporal = "go.temporal.io/sdk"
	anywhere = "./*" // in this module
)

var bans = []ban{
	{in: []string{"./workflows"}, linked: true,
		what: []string{pgx, gin, "database/sql", "github.com/IBM/sarama", "github.com/twmb/franz-go", "github.com/pressly/goose",
			"./internal", "./activities", "./api", "./cmd"},
		except: []string{"database/sql/driver"}, // UUIDs implement its interfaces
		why:    "workflows reach no network, database or bus code"},
	{in: []string{"./workflows"}, what: []string{"os", "net", "math/rand", "crypto/rand", "log", "io/fs", "path/filepath"},
		except: []string{"net/mail", "./workflows/replay"}, why: "workflows are deterministic and do no I/O"},
	{in: []string{"./workflows/flow"}, linked: true, what: []string{"go.temporal.io"}, why: "the language knows no Temporal"},
	{in: []string{"./connectors"}, linked: true, what: []string{"go.temporal.io", pgx, gin},
		why: "a connector knows its provider and nothing of the engine"},
	{in: []string{"./api"}, except: []string{"./api/codec"}, linked: true, what: []string{"go.temporal.io", pgx, "./activities", "./workflows"},
		why: "the edge knows ports only"},
	{in: []string{anywhere}, what: []string{temporal},
		except: []string{"./workflows", "./activities", "./internal/vault/codec", "./api/codec", "./internal/devstack/temporal", "./cmd/internal/roles", "./cmd/parley/benchcmd", "./proofs"},
		why:    "activities are the one place where Temporal meets the engine; beside them only the codecs and the wiring speak it"},
	{in: []string{anywhere}, except: []string{"./internal/devstack/temporal", "./cmd/parley-dev"}, linked: true, what: []string{server},
		why: "only the devstack embeds Temporal's server; it takes minutes to build"},
	{in: []string{"./cmd/parley"}, linked: true,
		what: []string{"./internal/sandbox", "./internal/devstack", "./connectors/sdk/fake", "./connectors/sdk/*test", "./connectors/fakes", "./connectors/*/*fake", "./proofs"},
		why:  "what pretends to be a provider does not go into production"},
	{in: []string{anywhere}, what: []string{"testing", "github.com/stretchr/testify"},
		except: slices.Concat(equipment, []string{"./connectors/sdk"}), why: "what is for tests stays in tests"},
}

func TestImportsPointOneWay(t *testing.T) {
	report(t, direction(packages(t)))
}

func TestFloorsOfInternal(t *testing.T) {
	report(t, order(packages(t)))
}

func TestBannedImports(t *testing.T) {
	report(t, banned(packages(t), bans))
}

// TestTestsDoNotLinkTheServer keeps the tests of everything else quick to build.
func TestTestsDoNotLinkTheServer(t *testing.T) {
	all := packages(t)
	deps := map[string][]string{}
	for _, u := range all {
		deps[u.Path] = u.Deps
	}
	for _, u := range all {
		if under(u.Path, "./internal/devstack/temporal", "./cmd/parley-dev") {
			continue
		}
		for _, i := range u.TestImports {
			if under(i, server) || slices.ContainsFunc(deps[i], func(d string) bool { return under(d, server) }) {
				t.Errorf("the tests of %s import %s, which links %s: drive a built parley-dev instead", u.Path, i, server)
			}
		}
	}
}

func direction(all []unit) (findings []string) {
	for _, u := range all {
		i := slices.IndexFunc(rooms, func(r room) bool { return under(u.Path, r.at) })
		if i < 0 {
			findings = append(findings, fmt.Sprintf("%s has no room: give it one in rooms", u.Path))
			continue
		}
		for _, imported := range u.Imports {
			switch {
			case !under(imported, anywhere), under(imported, u.Path), under(imported, rooms[i].may...):
			case under(u.Path, equipment...):
			default:
				findings = append(findings, fmt.Sprintf("%s imports %s; %s may import only %s", u.Path, imported, rooms[i].at, strings.Join(rooms[i].may, ", ")))
				continue
			}
			if under(imported, equipment...) && !under(u.Path, equipment...) {
				findings = append(findings, fmt.Sprintf("%s imports %s, which is for tests", u.Path, imported))
			}
		}
	}
	return findings
}

// order holds floors and what is apart.
func order(all []unit) (findings []string) {
	floor := func(p string) int {
		return slices.IndexFunc(floors, func(f []string) bool { return under(p, f...) })
	}
	for _, u := range all {
		if !under(u.Path, "./internal") || under(u.Path, apart...) || under(u.Path, equipment...) {
			continue
		}
		own := floor(u.Path)
		if own < 0 {
			findings = append(findings, fmt.Sprintf("%s stands on no floor: give it one in floors", u.Path))
			continue
		}
		for _, i := range u.Imports {
			if under(i, "./internal") && floor(i) >= own && !sameFolder(u.Path, i) || floor(i) < 0 && under(i, apart...) {
				findings = append(findings, fmt.Sprintf("%s imports %s, which does not stand beneath it", u.Path, i))
			}
		}
	}
	return findings
}

// sameFolder tells whether two packages are in one folder of internal, such as
// vault and vault/codec.
func sameFolder(a, b string) bool {
	return strings.SplitN(a, "/", 4)[2] == strings.SplitN(b, "/", 4)[2]
}

func banned(all []unit, bans []ban) (findings []string) {
	for _, b := range bans {
		for _, u := range all {
			if !under(u.Path, b.in...) || under(u.Path, b.except...) {
				continue
			}
			reached := u.Imports
			if b.linked {
				reached = slices.Concat(u.Imports, u.Deps)
			}
			for _, i := range reached {
				if under(i, b.what...) && !under(i, b.except...) {
					findings = append(findings, fmt.Sprintf("%s reaches %s: %s", u.Path, i, b.why))
					break
				}
			}
		}
	}
	return findings
}

// TestRulesFind shows that each rule finds what it is for.
func TestRulesFind(t *testing.T) {
	imports := func(p string, imported ...string) unit { return unit{Path: p, Imports: imported} }
	reaches := func(p string, linked ...string) unit { return unit{Path: p, Deps: linked} }
	for name, u := range map[string]unit{
		"a connector, the engine":     imports("./connectors/stripe", "./internal/store"),
		"a connector, its sibling":    imports("./connectors/stripe", "./connectors/shopify"),
		"a product of Meta, another":  imports("./connectors/messenger", "./connectors/instagram"),
		"a connector, a sibling's":    imports("./connectors/stripe", "./connectors/shopify/admin"),
		"the seam, a connector":       imports("./connectors/sdk", "./connectors/stripe"),
		"a case, another":             imports("./workflows/kyc", "./workflows/order"),
		"a workflow, activities":      imports("./workflows/order", "./activities"),
		"the edge, activities":        imports("./api", "./activities"),
		"the edge, the store":         imports("./api", "./internal/store"),
		"a command, its sibling":      imports("./cmd/parley/flowcmd", "./cmd/parley/connectorcmd"),
		"the store, the wiring":       imports("./internal/store", "./cmd/internal/roles"),
		"a program, test equipment":   imports("./internal/bus", "./internal/store/storetest"),
		"a package without a room":    imports("./elsewhere"),
		"the engine, the connectors":  imports("./internal/intake", "./connectors/stripe"),
		"the sandbox, a real adapter": imports("./internal/sandbox", "./connectors/stripe"),
	} {
		require.NotEmpty(t, direction([]unit{u}), name)
	}
	for name, u := range map[string]unit{
		"upwards":     imports("./internal/bus", "./internal/intake"),
		"sideways":    imports("./internal/contacts", "./internal/bus"),
		"the sandbox": imports("./internal/intake", "./internal/sandbox"),
		"no floor":    imports("./internal/attic"),
	} {
		require.NotEmpty(t, order([]unit{u}), name)
	}
	for name, u := range map[string]unit{
		"pgx in a workflow":         reaches("./workflows/order", pgx+"/pgxpool"),
		"os in a workflow":          imports("./workflows/order", "os"),
		"net/http in a workflow":    imports("./workflows/flow", "net/http"),
		"Temporal in the language":  reaches("./workflows/flow", temporal+"/workflow"),
		"Temporal in the store":     imports("./internal/store", temporal+"/client"),
		"pgx in a connector":        reaches("./connectors/stripe", pgx),
		"the server in the program": reaches("./cmd/parley", server+"/temporal"),
		"the server in the wiring":  reaches("./cmd/internal/roles", server+"/temporal"),
		"a fake in production":      reaches("./cmd/parley/rolecmd", "./connectors/stripe/stripefake"),
		"the sandbox in production": reaches("./cmd/parley", "./internal/sandbox"),
		"testing in a program":      imports("./internal/store", "testing"),
		"database in the edge":      reaches("./api/ingress", pgx),
	} {
		require.NotEmpty(t, banned([]unit{u}, bans), name)
	}
	good := []unit{
		imports("./connectors/shopify", "./connectors/shopify/admin", "./connectors/sdk/money", "net/http"),
		imports("./workflows/kyc", "./workflows/process", "./connectors/sdk", "net/mail", temporal+"/workflow"),
		imports("./internal/vault/codec", "./internal/vault", temporal+"/converter"),
		imports("./internal/store/storetest", "./internal/store", "./internal/devstack/postgres"),
		reaches("./cmd/parley-dev", server+"/temporal", "./internal/sandbox"),
	}
	require.Empty(t, slices.Concat(direction(good), order(good), banned(good, bans)))
}
