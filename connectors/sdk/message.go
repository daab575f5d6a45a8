package sdk

import (
	"context"
	"time"
)

// Content is a portable message to a customer. It is planned against the
// channel's [Channel] before it is sent, so a [Sender] sees only what its
// channel can carry.
type Content struct {
	Header string `json:"header,omitempty"`
	// Text is the body, with *bold* and _italic_ marks.
	Text   string `json:"text,omitempty"`
	Footer string `json:"footer,omitempty"`

	// Choices are shown as buttons or a list. A tap returns the choice's ID.
	Choices []Choice `json:"choices,omitempty"`
	// ListButton is the label that opens the list, where choices become one.
	ListButton string `json:"list_button,omitempty"`

	// Cards are shown side by side: a carousel, or products.
	Cards []Card `json:"cards,omitempty"`

	Media    *Media    `json:"media,omitempty"`
	Location *Location `json:"location,omitempty"`
	// Contact is somebody's contact card.
	Contact *ContactCard `json:"contact,omitempty"`
	// Link is an address to open, e.g. a payment page, shown as a button where
	// the channel has one.
	Link *Link `json:"link,omitempty"`
	// Template replaces everything else outside the free-form window.
	Template *Template `json:"template,omitempty"`
}

// OnlyTemplate tells whether the content has a template and nothing else.
func (c Content) OnlyTemplate() bool {
	return c.Template != nil && c.Header == "" && c.Text == "" && c.Footer == "" && len(c.Choices) == 0 &&
		len(c.Cards) == 0 && c.Media == nil && c.Location == nil && c.Contact == nil && c.Link == nil
}

// Choice is one thing that a customer can tap.
type Choice struct {
	ID          string `json:"id"`
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
}

// Card is one of several things shown side by side, each with choices of its own.
type Card struct {
	Title    string   `json:"title"`
	Subtitle string   `json:"subtitle,omitempty"`
	ImageURL string   `json:"image_url,omitempty"`
	Choices  []Choice `json:"choices,omitempty"`
	Link     *Link    `json:"link,omitempty"`
}

// ContactCard is how somebody can be reached. Numbers are E.164 digits without +.
type ContactCard struct {
	Name         string   `json:"name"`
	Organization string   `json:"organization,omitempty"`
	Phones       []string `json:"phones,omitempty"`
	Emails       []string `json:"emails,omitempty"`
}

// Link is an address with a label.
type Link struct {
	URL   string `json:"url"`
	Label string `json:"label,omitempty"`
}

// Media is a file by reference; its bytes never travel in messages.
type Media struct {
	// Kind is "image", "video", "audio", "document" or "sticker".
	Kind string `json:"kind"`
	// URL is where the file can be fetched (outgoing).
	URL string `json:"url,omitempty"`
	// ID is the provider's own handle of it (incoming, or uploaded before).
	ID       string `json:"id,omitempty"`
	MIME     string `json:"mime,omitempty"`
	Filename string `json:"filename,omitempty"`
	Caption  string `json:"caption,omitempty"`
	// SHA256 is the file's hash in hexadecimal, where the provider gives it.
	SHA256 string `json:"sha256,omitempty"`
	// Size in bytes of an incoming file, where the provider tells it; 0 if not.
	Size int64 `json:"size,omitempty"`
}

// Location is a point on the map, in degrees (WGS 84).
type Location struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
}

// Template is a message that the provider has approved beforehand.
type Template struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	// Params fill the body's placeholders in order.
	Params []string `json:"params,omitempty"`
}

// Outgoing is one planned message on its way out.
type Outgoing struct {
	// Key is our key for this send. A channel that can carry it to the
	// provider and back must do so.
	Key     string
	To      Address
	Content Content
	// Agent tells that a person wrote it after [Channel.Window] had closed, within
	// AgentWindow: a channel that must be told so marks the message.
	Agent bool
}

// Receipt is what a provider says of a message that it accepted.
type Receipt struct {
	// MessageID is the provider's ID of the message.
	MessageID string `json:"message_id"`
}

// Sender is implemented by connections that carry messages.
type Sender interface {
	// Send hands one message to the provider. An error is an *Error whose Wrote
	// tells whether the request can have reached the provider.
	Send(ctx context.Context, out Outgoing) (Receipt, error)
}

// Channeler is implemented by connections whose channel depends on their
// configuration: one account of a provider is for SMS, another for WhatsApp. The
// manifest's [Connector.Channel] then describes the usual one.
type Channeler interface {
	// Channel is what this connection carries. It does not change.
	Channel() *Channel
}

// Level says how well a channel carries something.
type Level string

const (
	// Native is carried as it is.
	Native Level = "native"
	// Degraded is carried in another form (buttons as numbered text).
	Degraded Level = "degraded"
	// Dropped is left out, and recorded.
	Dropped Level = "dropped"
	// Refused makes the message impossible on this channel.
	Refused Level = "refused"
)

// Channel is what a channel can carry, as data. Lengths are in UTF-16 code
// units or characters as the provider counts them; zero means not at all for
// counts and no limit for lengths.
type Channel struct {
	// Hosted channels are our own: a message is delivered by being stored.
	Hosted bool
	// Effect of a send: Once for most, Keyed where the provider takes our key.
	Effect Effect
	// Echoes tells that the provider's status webhooks carry our key back, so an
	// uncertain send is settled by them.
	Echoes bool
	// SettleAfter is how long to wait for that echo before concluding that an
	// uncertain send never arrived.
	SettleAfter time.Duration

	// Window is how long after a customer's last message free-form messages are
	// allowed; zero means always.
	Window time.Duration
	// AgentWindow is how long after it a person, and no bot, may still write; zero
	// means no longer than Window.
	AgentWindow time.Duration
	// WindowClosedCode is the provider's error code for a message outside the window.
	WindowClosedCode string
	// Templates tells whether approved templates exist on the channel.
	Templates bool

	TextMax, HeaderMax, FooterMax int
	// SegmentsMax is how many short messages one text may become, on channels that
	// are carried (and billed) by SMS; zero elsewhere.
	SegmentsMax int
	// InteractiveTextMax bounds the body of a message with choices or a link.
	InteractiveTextMax int
	// ButtonsMax is how many choices fit as buttons, each with a label of at
	// most ButtonLabelMax.
	ButtonsMax, ButtonLabelMax int
	// RowsMax is how many choices fit as a list, with the row's limits.
	RowsMax, RowLabelMax, RowDescriptionMax int
	ListButtonMax                           int
	ChoiceIDMax                             int
	// LinkButton tells whether a link can be a button with a label of at most
	// LinkLabelMax.
	LinkButton   bool
	LinkLabelMax int
	// Media gives, for each kind of media, its largest size in bytes.
	Media map[string]int64
	// MediaURLOnly tells that media is sent by address only, never by an ID.
	MediaURLOnly bool
	CaptionMax   int
	Location     bool
	// CardsMax is how many cards fit side by side, each with a title of at most
	// CardTitleMax, a subtitle of at most CardSubtitleMax and CardChoicesMax choices.
	CardsMax, CardTitleMax, CardSubtitleMax, CardChoicesMax int
	// Contact tells whether contact cards with a number are carried.
	Contact bool
	// OptOutWords tells that the carrier treats STOP, CANCEL, END and the like as
	// the end of consent, as on SMS; elsewhere only STOP and UNSUBSCRIBE do.
	OptOutWords bool
	// PerSecond and PerRecipient are the documented sending rates: messages a
	// second for the account, and for one recipient one message each interval
	// after a burst.
	PerSecond      int
	RecipientEvery time.Duration
	RecipientBurst int
}
