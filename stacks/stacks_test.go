package stacks_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"parley/stacks"
	"parley/workflows/flow"
)

func TestEveryStackIsReadyToUse(t *testing.T) {
	require.NotEmpty(t, stacks.Names())
	for _, name := range stacks.Names() {
		t.Run(name, func(t *testing.T) {
			s, err := stacks.Load(name)
			require.NoError(t, err)
			require.Equal(t, name, s.Name)
			require.NotEmpty(t, s.Title)
			require.NotEmpty(t, s.Flows)
			for _, f := range s.Flows {
				doc, _ := flow.Parse(f.File, f.Source)
				require.Empty(t, flow.Check(doc, nil))
				for _, name := range doc.Roles() {
					require.Contains(t, s.Roles, string(name))
				}
				for _, c := range doc.Connectors() {
					if c != "parley" {
						require.Contains(t, s.Connectors, c)
					}
				}
			}
		})
	}
}

func TestAnUnknownStackNamesThoseThatExist(t *testing.T) {
	_, err := stacks.Load("comerce")
	require.EqualError(t, err, `there is no stack "comerce"; there are: commerce, customer-service, leads`)
}

func TestAStackIsTheCallersOwn(t *testing.T) {
	s, err := stacks.Load("commerce")
	require.NoError(t, err)
	s.Flows[0].Source[0], s.Connectors[0] = '!', "changed"
	again, err := stacks.Load("commerce")
	require.NoError(t, err)
	require.NotEqual(t, s.Flows[0].Source[0], again.Flows[0].Source[0])
	require.NotEqual(t, s.Connectors[0], again.Connectors[0])
}
