package flow

import (
	"encoding/json"
	"fmt"
	"time"

	"parley/connectors/sdk"
)

// maxOffered bounds the slots that are offered at once.
const maxOffered = 20

// objectBooking is the appointment made last, in State.Objects.
const objectBooking = "booking"

// slotTaken is the code of the error of a slot that another was faster to take.
const slotTaken = "taken"

// bookStep offers the free slots of a calendar of the workspace and makes an
// appointment in the one that is chosen. If somebody else was faster, the customer
// is told and offered others.
//
//   - book: doctor
//     ask: When does it suit you?
//     save: visit
//     none: fully_booked
//     errors: not_booked
type bookStep struct {
	Book fill   `flow:"book,required" doc:"the calendar, by its name in the workspace"`
	Ask  phrase `flow:"ask,required" doc:"the question above the slots"`
	// From is the earliest time that is offered, Offer how many slots at once.
	From  *expr `flow:"from" doc:"the earliest time that is offered: a time, or a text that date() can read; as the calendar has it where not said"`
	Offer *int  `flow:"offer" doc:"how many slots are offered at once, from 1 to 20; 8 where not said"`
	// Move gives an appointment that exists another time, rather than making one.
	Move *expr     `flow:"move" doc:"an appointment that gets the new time in place of making one: what book has saved, or its ID"`
	Save *variable `flow:"save" doc:"the variable that takes {id, calendar, start, end, day, time, when}"`
	// None is where the flow goes when nothing is free, Taken when another was faster.
	None    *target    `flow:"none,required" doc:"where the flow goes when nothing is free"`
	Taken   *target    `flow:"taken" doc:"where it goes when somebody else was faster; other slots are offered where not said"`
	Errors  errorJumps `flow:"errors,required" doc:"where the flow goes by the error's class, or by default"`
	Retry   retries    `flow:"retry" doc:"said before the slots are shown again"`
	Timeout *timeout   `flow:"timeout" doc:"what happens when no answer comes"`
}

func (s *bookStep) finish(r *reader, n *node) {
	if s.Save != nil {
		s.Save.typ = "booking"
	}
	if s.Offer != nil && (*s.Offer < 1 || *s.Offer > maxOffered) {
		r.fail(n.get("offer").pos, "offer must be from 1 to %d", maxOffered)
	}
}

func (s *bookStep) exits() exits {
	e := saving(s.Save)
	e.waits = true
	return s.Errors.jumps(e).jump(s.None, false).jump(s.Taken, true).unanswered(s.Timeout)
}

func (s *bookStep) rules(*machine) rules { return rules{} }

func (s *bookStep) offer() int {
	if s.Offer == nil {
		return 8
	}
	return *s.Offer
}

func (s *bookStep) run(m *machine) move {
	m.st.Asked = Asked{}
	from := ""
	if s.From != nil {
		at, err := m.timeOf(s.From)
		if err != nil {
			return m.trouble(err)
		}
		from = at.UTC().Format(time.RFC3339)
	}
	return s.look(m, from)
}

// look asks for free slots, with one more than are offered to see whether there is.
func (s *bookStep) look(m *machine, from string) move {
	calendar, err := m.text(&s.Book.phrase)
	if err != nil {
		return m.trouble(err)
	}
	input := map[string]any{"calendar": calendar, "limit": s.offer() + 1}
	if from != "" {
		input["from"] = from
	}
	m.engine("slots", input)
	m.st.Pending, m.st.Choices, m.st.Asked.Slots = m.out.Effects[len(m.out.Effects)-1].Ref, nil, nil
	return park
}

func (s *bookStep) result(m *machine, ev *Event) move {
	booking := len(m.st.Asked.Picked) > 0
	switch {
	case ev.Error != nil && booking && ev.Error.Code == slotTaken:
		if s.Taken != nil {
			return s.Taken.to
		}
		m.st.Asked = Asked{Taken: true}
		return s.look(m, "")
	case ev.Error != nil:
		return m.finishCall(ev, nil, s.Errors)
	case booking:
		return s.booked(m, ev)
	}
	var found struct {
		Slots []struct {
			Start string `json:"start"`
		} `json:"slots"`
	}
	if json.Unmarshal(ev.Output, &found) != nil {
		return m.trouble(errNotJSON)
	}
	if len(found.Slots) == 0 {
		return s.None.to
	}
	for i, slot := range found.Slots {
		if i > maxOffered {
			break
		}
		m.st.Asked.Slots = append(m.st.Asked.Slots, clip(slot.Start, 40))
	}
	m.st.Pending, m.st.Misses = "", 0
	why := ""
	if m.st.Asked.Taken {
		m.st.Asked.Taken = false
		why = m.textOr(m.p.texts.SlotTaken, "")
	}
	return s.put(m, why)
}

// put offers the slots; one more than are shown leads to later ones.
func (s *bookStep) put(m *machine, why string) move {
	if len(m.st.Asked.Slots) == 0 {
		return s.run(m) // while they were looked for, people had the conversation
	}
	text, err := m.text(&s.Ask)
	if err != nil {
		return m.trouble(err)
	}
	c := sdk.Content{Text: paragraphs(why, text), ListButton: m.textOr(m.p.texts.List, "")}
	for i, start := range m.st.Asked.Slots {
		if i == s.offer() {
			c.Choices = append(c.Choices, sdk.Choice{ID: m.choiceID("=later="), Label: clip(m.textOr(m.p.texts.LaterSlots, "Later"), maxLabel)})
			break
		}
		c.Choices = append(c.Choices, sdk.Choice{ID: m.choiceID(start), Label: when(start, m.language())})
	}
	m.st.Choices = c.Choices
	m.send(c)
	m.arm(s.Timeout)
	return park
}

func (s *bookStep) hear(m *machine, msg *sdk.Incoming) move {
	if m.st.Pending != "" {
		return m.moment()
	}
	i := m.chosen(msg)
	if i < 0 || i >= len(m.st.Asked.Slots) {
		return m.miss(s.Retry.at(m.st.Misses, m.p.texts.Choose), s)
	}
	start := m.st.Asked.Slots[i]
	if m.st.Choices[i].ID == m.choiceID("=later=") {
		return s.look(m, start)
	}
	input := map[string]any{"start": start}
	operation := "book"
	if s.Move == nil {
		calendar, err := m.text(&s.Book.phrase)
		if err != nil {
			return m.trouble(err)
		}
		input["calendar"] = calendar
	} else {
		id, err := m.booking(s.Move)
		if err != nil {
			return m.trouble(err)
		}
		operation, input["booking_id"] = "booking_move", id
	}
	m.engine(operation, input)
	m.st.Pending, m.st.Wait = m.out.Effects[len(m.out.Effects)-1].Ref, nil
	m.st.Asked.Picked, m.st.Misses = []string{start}, 0
	return park
}

func (s *bookStep) booked(m *machine, ev *Event) move {
	out := map[string]any{}
	if json.Unmarshal(ev.Output, &out) != nil {
		return m.trouble(errNotJSON)
	}
	id, _ := out["id"].(string)
	start, _ := out["start"].(string)
	m.keepObject(objectBooking, Object{ID: id, Ref: m.st.Pending})
	if s.Save == nil {
		return advance
	}
	out["when"] = when(start, m.language())
	if err := m.store(s.Save.name, out); err != nil {
		return m.trouble(err)
	}
	return advance
}

func (s *bookStep) timeUp(m *machine) move {
	if m.st.Pending != "" {
		return park
	}
	return m.unanswered(s.Timeout, s)
}

// booking gives the ID of an appointment: of what an expression names, else of the
// one made last.
func (m *machine) booking(of *expr) (string, error) {
	if of == nil {
		return m.st.Objects[objectBooking].ID, nil
	}
	v, err := m.eval(of)
	if err != nil {
		return "", err
	}
	if made, ok := v.(map[string]any); ok {
		v = made["id"]
	}
	return text(v), nil
}

// unbookStep gives an appointment's place back.
//
//   - unbook: visit
//     errors: not_cancelled
type unbookStep struct {
	Unbook optionalExpr `flow:"unbook,required" doc:"the appointment: what book has saved, or its ID; the one made last in the conversation where not said"`
	Errors errorJumps   `flow:"errors,required" doc:"where the flow goes by the error's class, or by default"`
}

func (s *unbookStep) exits() exits { return s.Errors.jumps(exits{next: true}) }

func (s *unbookStep) run(m *machine) move {
	id, err := m.booking(s.Unbook.expr)
	if err != nil {
		return m.trouble(err)
	}
	if id == "" {
		return m.finishCall(&Event{Error: &sdk.Error{Class: sdk.NotFound, Code: "no_booking"}}, nil, s.Errors)
	}
	m.engine("booking_cancel", map[string]any{"booking_id": id})
	m.st.Pending = m.out.Effects[len(m.out.Effects)-1].Ref
	return park
}

func (s *unbookStep) result(m *machine, ev *Event) move { return m.finishCall(ev, nil, s.Errors) }

// when writes a time for people, by the clock that its offset is of: the weekday,
// day and month in the languages of the engine's own texts, digits in others. What
// is no time stays as it is.
func when(rfc3339, language string) string {
	t, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		return rfc3339
	}
	names, ok := dayNames[language]
	if !ok {
		return t.Format("2006-01-02 15:04")
	}
	return fmt.Sprintf("%s %d %s, %s", names.days[t.Weekday()], t.Day(), names.months[t.Month()-1], t.Format("15:04"))
}

type calendarNames struct {
	days   [7]string // from Sunday
	months [12]string
}

// dayNames are abbreviations where a language has common ones (CLDR 46).
var dayNames = map[string]calendarNames{
	"en": {[7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
		[12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}},
	"hi": {[7]string{"रवि", "सोम", "मंगल", "बुध", "गुरु", "शुक्र", "शनि"},
		[12]string{"जन॰", "फ़र॰", "मार्च", "अप्रैल", "मई", "जून", "जुल॰", "अग॰", "सित॰", "अक्टू॰", "नव॰", "दिस॰"}},
	"es": {[7]string{"dom", "lun", "mar", "mié", "jue", "vie", "sáb"},
		[12]string{"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"}},
	"pt": {[7]string{"dom.", "seg.", "ter.", "qua.", "qui.", "sex.", "sáb."},
		[12]string{"jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."}},
	"fr": {[7]string{"dim.", "lun.", "mar.", "mer.", "jeu.", "ven.", "sam."},
		[12]string{"janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."}},
	"ar": {[7]string{"الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت"},
		[12]string{"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"}},
	"id": {[7]string{"Min", "Sen", "Sel", "Rab", "Kam", "Jum", "Sab"},
		[12]string{"Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"}},
}
