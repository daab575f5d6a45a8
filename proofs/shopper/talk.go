package shopper

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// builtin is what customers say where there are no real dialogues at hand.
var builtin = []string{
	"Do you deliver to the islands too?", "I am not sure yet, what would you recommend?", "Thanks a lot!",
	"my sister says it is the best in town 😀", "Is it organic?", "Könnte ich das auch als Geschenk bekommen?",
	"Sorry, I was away for a moment.", "wait", "what about last week's offer", "No hurry.", "Ça marche, merci",
	"Can I pick it up myself tomorrow at half past five?", "?", "👍👍", "Let me think about it for a moment, please.",
	"I want it without sugar, and is there anything without milk in it as well?",
}

// Talk is what real people said to assistants, from the dialogues in the folder
// that PARLEY_DATA names, else a small set of our own.
func Talk(t testing.TB) []string {
	t.Helper()
	dir := os.Getenv("PARLEY_DATA")
	if dir == "" {
		t.Log("PARLEY_DATA is not set: customers say what is built in")
		return builtin
	}
	raw, err := os.ReadFile(filepath.Join(dir, "dialogues", "sgd-dev-001.json"))
	if err != nil {
		t.Logf("the dialogues of PARLEY_DATA cannot be read: customers say what is built in: %v", err)
		return builtin
	}
	var dialogues []struct {
		Turns []struct {
			Speaker, Utterance string
		}
	}
	if err := json.Unmarshal(raw, &dialogues); err != nil {
		t.Fatalf("the dialogues of PARLEY_DATA are not what was expected: %v", err)
	}
	var out []string
	for _, d := range dialogues {
		for _, turn := range d.Turns {
			if turn.Speaker == "USER" && turn.Utterance != "" {
				out = append(out, turn.Utterance)
			}
		}
	}
	return out
}
