package transcript

// shape is what a key may hold.
type shape string

const (
	shapeText    shape = "text"    // a text
	shapeTexts   shape = "texts"   // a text, or a list of them
	shapeMatch   shape = "match"   // what a text must be
	shapeMatches shape = "matches" // a list of those
	shapeValue   shape = "value"   // any value
	shapeObject  shape = "object"  // a mapping
	shapeSpan    shape = "span"    // a time span
	shapeSkip    shape = "skip"    // a time span, or until when
	shapeBool    shape = "bool"
	shapeCount   shape = "count" // a whole number above 0
	shapeShare   shape = "share" // from 0 to 1
	shapeDegrees shape = "degrees"
	shapeClass   shape = "class" // a class of errors
	shapeMedia   shape = "media" // a kind of file
	shapeAgent   shape = "agent" // takes or returns
	shapePlace   shape = "place"
	shapeNone    shape = "none" // nothing: the word alone
)

// key is one key of a line.
type key struct {
	name  string
	shape shape
	doc   string
}

// verb is one sort of line. Its first key is its name.
type verb struct {
	// acts tells that it is something that is done, and not something expected.
	acts bool
	// optional tells that the verb's own value may be left out.
	optional bool
	keys     []key
}

func (v verb) name() string { return v.keys[0].name }

// answerKeys say how a call ends.
var answerKeys = []key{
	{"give", shapeValue, "its output"},
	{"error", shapeClass, "the class of the error that it ends with"},
	{"code", shapeText, "the error's code"},
	{"customer", shapeText, "the error's text for the customer"},
	{"after", shapeSpan, "how long it takes; longer than the call's time-out makes it fail with unavailable"},
}

func with(first key, more ...key) []key { return append([]key{first}, more...) }

// verbs are all lines, in the order in which they are explained.
var verbs = []verb{
	{acts: true, keys: with(key{"customer", shapeTexts, "what the customer writes; a list arrives at once"},
		key{"intent", shapeText, "the intent that an engine finds in it"},
		key{"confidence", shapeShare, "how sure it is; 1 where not said"},
		key{"entities", shapeObject, "what it finds beside the intent"},
		key{"mood", shapeText, "positive, neutral or negative"},
		key{"answer", shapeText, "an answer that it finds"})},
	{acts: true, keys: with(key{"tap", shapeText, "the label or ID of the choice that the customer taps; on a channel without buttons its label is written"})},
	{acts: true, keys: with(key{"enter", shapeText, "the ID of what the customer taps outside of the flow: an ice breaker, an entry of a menu"})},
	{acts: true, keys: with(key{"send", shapeMedia, "the kind of file that the customer sends"},
		key{"url", shapeText, "its address"}, key{"mime", shapeText, "its MIME type"},
		key{"filename", shapeText, "its name"}, key{"caption", shapeText, "what is written below it"})},
	{acts: true, keys: with(key{"location", shapePlace, "the place that the customer sends: latitude, longitude, name, address"})},
	{acts: true, keys: with(key{"skip", shapeSkip, "time that passes: 3 days, 2h, until tomorrow 09:00, until friday 18:00, until 2026-12-01 08:30"})},
	{acts: true, keys: with(key{"agent", shapeAgent, "a person takes the conversation, or returns it"})},
	{acts: true, keys: with(key{"news", shapeText, "news of something that the flow did, such as payment.paid"},
		key{"of", shapeText, "the operation that it is news of; the last payment, or else the last call, where not said"},
		key{"with", shapeObject, "what the news says"})},
	{acts: true, keys: append(with(key{"reply", shapeText, "the operation (connector.operation, connector.*, pay, case.KIND) that is answered so from here on"},
		key{"when", shapeObject, "only if this is part of its input"}, key{"times", shapeCount, "only so many times"}), answerKeys...)},
	{acts: true, keys: with(key{"fault", shapeText, "the operation that fails from here on"},
		key{"error", shapeClass, "how; unavailable where not said"}, key{"code", shapeText, "the error's code"},
		key{"customer", shapeText, "the error's text for the customer"},
		key{"when", shapeObject, "only if this is part of its input"}, key{"times", shapeCount, "only so many times"},
		key{"after", shapeSpan, "how long it takes"})},

	{optional: true, keys: with(key{"bot", shapeMatch, "what the bot says next: the text, a list of which one is said, or {contains, matches, any}"},
		key{"header", shapeMatch, "the line above the text"}, key{"footer", shapeMatch, "the line below it"},
		key{"choices", shapeMatches, "the labels of all buttons or rows, in their order"},
		key{"button", shapeMatch, "the label of the link, or what opens the list"},
		key{"link", shapeMatch, "the address of the link"},
		key{"media", shapeMedia, "the kind of file"}, key{"url", shapeMatch, "the address of the file"},
		key{"cards", shapeMatches, "the titles of all cards"},
		key{"location", shapeMatch, "the name of the place"}, key{"contact", shapeMatch, "the name on the contact card"},
		key{"template", shapeText, "the template that goes out in its place"}, key{"params", shapeMatches, "what fills it"})},
	{optional: true, keys: with(key{"silence", shapeNone, "the bot says nothing more"})},
	{optional: true, keys: with(key{"anything", shapeNone, "whatever else the bot says before the customer's next word is right; a later bot line finds its message among it"})},
	{keys: append(with(key{"call", shapeText, "the operation that is called"}, key{"with", shapeObject, "a part of its input"}), answerKeys...)},
	{keys: append(with(key{"case", shapeText, "the kind of case that is started"}, key{"with", shapeObject, "a part of what it begins with"}), answerKeys...)},
	{optional: true, keys: append(with(key{"pay", shapeMatch, "what is paid for"},
		key{"amount", shapeCount, "the amount in the currency's minor unit"}, key{"currency", shapeText, "the currency"}), answerKeys...)},
	{keys: append(with(key{"signal", shapeText, "what a case is told"}, key{"of", shapeText, "the case's ID"}), answerKeys...)},
	{keys: with(key{"emit", shapeText, "the event that is published"}, key{"with", shapeObject, "a part of what it says"})},
	{keys: with(key{"tag", shapeText, "the tag that is set"}, key{"remove", shapeBool, "it is taken off"})},
	{keys: with(key{"consent", shapeText, "the consent that is recorded"}, key{"granted", shapeBool, "whether it was given; yes where not said"})},
	{keys: with(key{"subscribe", shapeText, "the topic that is subscribed to"}, key{"remove", shapeBool, "the subscription ends"})},
	{keys: with(key{"language", shapeText, "the language that is chosen"})},
	{optional: true, keys: with(key{"handoff", shapeText, "the queue that takes over; any where not said"}, key{"note", shapeMatch, "what the people are told"})},
	{optional: true, keys: with(key{"ends", shapeNone, "no flow is under way any more"})},
	{keys: with(key{"state", shapeObject, "where the flow stands: block, vars (a part of them), handed"})},
	{optional: true, keys: with(key{"trouble", shapeMatch, "the flow itself went wrong, in operators' words; else any such thing fails the transcript"})},
	{optional: true, keys: with(key{"refused", shapeMatch, "the channel refuses the next message, and why; else that fails the transcript"})},
}

func verbNames() []string {
	out := make([]string, len(verbs))
	for i, v := range verbs {
		out[i] = v.name()
	}
	return out
}

func findVerb(name string) (verb, bool) {
	for _, v := range verbs {
		if v.name() == name {
			return v, true
		}
	}
	return verb{}, false
}

// fileKeys are those of a file, settingKeys those of a file and of a transcript.
var (
	settingKeys = []key{
		{"channel", shapeText, "the channel, by its connector's name; whatsapp where not said"},
		{"contact", shapeObject, "what the flow can read of the contact: name, language, tags, consents …"},
		{"vars", shapeObject, "variables that the flow has kept of earlier conversations"},
		{"now", shapeText, "when it begins, as 2026-01-05T09:00:00Z; that moment where not said"},
		{"zone", shapeText, "time zone of times that are written, an IANA name; UTC where not said"},
		{"seed", shapeText, "decides what is chosen at random; the transcript's name where not said"},
		{"conversation", shapeText, "the conversation's ID, by which what is chosen at random is chosen; made of the seed where not said"},
		{"person", shapeText, "the contact's ID, by which split chooses; made of the seed where not said"},
		{"replies", shapeObject, "how connectors answer: operation to one answer, or to a list of which the first that fits counts"},
	}
	fileKeys       = append(with(key{"flow", shapeText, "the flow's file, relative to this one; the one of the same name without _test where not said"}), append(settingKeys, key{"transcripts", shapeObject, "conversations by their names"})...)
	transcriptKeys = append(append([]key{}, settingKeys...), key{"lines", shapeObject, "the conversation"})
	replyKeys      = append([]key{{"when", shapeObject, "only if this is part of the input"}, {"times", shapeCount, "only so many times"}}, answerKeys...)
	stateKeys      = []key{{"block", shapeText, "the block, with an empty text for none"}, {"vars", shapeObject, "a part of the variables"}, {"handed", shapeBool, "whether people have the conversation"}}
	placeKeys      = []key{{"latitude", shapeDegrees, "degrees north"}, {"longitude", shapeDegrees, "degrees east"}, {"name", shapeText, "what it is called"}, {"address", shapeText, "where it is"}}
	matchKeys      = []key{{"contains", shapeTexts, "texts that must be in it"}, {"matches", shapeText, "a regular expression (RE2) that must be found in it; its named groups can be written as {{ name }} from then on"}, {"any", shapeMatches, "of which one must fit"}}
)
