package flow

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsRememberedIsSeenAtOnceWithConsent(t *testing.T) {
	k := newTalk(t, flowOf(`
  start:
    - remember: {size: M}
    - say: "{{ contact.memory.size ?? 'unknown' }}"
    - consent: memory
    - remember: {size: =upper("l"), order: 1042}
    - say: "{{ contact.memory.size }}, {{ contact.consents.memory }}"
    - remember: {size: null}
    - say: "{{ contact.memory.size ?? 'forgotten' }}, {{ contact.memory.order }}"
    - consent: memory
      granted: false
    - say: "{{ len(contact.memory) }}"
`))
	require.Equal(t, []string{
		`call:parley.contact_remember{"consented":false,"values":{"size":"M"}}`, "unknown",
		`call:parley.contact_consent{"granted":true,"purpose":"memory"}`,
		`call:parley.contact_remember{"consented":true,"values":{"order":1042,"size":"L"}}`, "L, true",
		`call:parley.contact_remember{"consented":true,"values":{"size":null}}`, "forgotten, 1042",
		`call:parley.contact_consent{"granted":false,"purpose":"memory"}`, "0",
	}, k.say("hi"))
}

func TestALargeValueIsNotRemembered(t *testing.T) {
	k := newTalk(t, flowOf("  start:\n    - ask: Well?\n      kind: longtext\n      save: story\n    - remember: {story: =story}\n"))
	k.say("hi")
	long := make([]byte, maxMemory+10)
	for i := range long {
		long[i] = 'a'
	}
	k.say(string(long))
	require.Len(t, k.out.Faults, 1)
	require.Contains(t, k.out.Faults[0], "too large")
}
