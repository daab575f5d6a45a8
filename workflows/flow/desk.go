package flow

import (
	"parley/connectors/sdk"
)

// desk is an information desk: answers by the questions that they are for.
//
//	answers:
//	  hours:
//	    questions: [when are you open, what are your opening hours]
//	    say: We are open from 9 to 6.
type desk []information

type information struct {
	pos
	name      string
	Questions wordings `flow:"questions,required" doc:"how customers ask; a list, or one by language"`
	Say       *phrase  `flow:"say,required" doc:"the answer"`
}

func (d *desk) read(r *reader, n *node) {
	if n.kind != mapNode {
		r.fail(n.pos, "\"answers\" must map names to questions and what is said to them")
		return
	}
	for _, p := range n.pairs {
		one := information{pos: p.key.pos, name: p.key.text}
		if !blockName.MatchString(one.name) {
			r.fail(p.key.pos, "%q cannot name an answer", clip(one.name, 60))
		}
		r.record(p.value, &one, "an answer")
		*d = append(*d, one)
	}
}

// answers says the answer that an understanding found, if it did: one of the
// document's by its name, or an engine's own.
func (m *machine) answers() bool {
	m.wanting = true
	if m.heard == nil {
		return false
	}
	text := clip(m.heard.Answer, maxText)
	for i := range m.p.doc.head.Answers {
		if one := &m.p.doc.head.Answers[i]; one.name == m.heard.AnswerID {
			said, err := m.text(one.Say)
			if err != nil {
				m.fault(err)
				return false
			}
			text = said
		}
	}
	if text == "" {
		return false
	}
	m.send(sdk.Content{Text: text})
	m.heard = nil
	return true
}
