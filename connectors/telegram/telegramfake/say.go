package telegramfake

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// Say implements fake.Messaging. from is Telegram's number of a user. A Raw is an
// update without its ID; my_chat_member with the status kicked blocks the bot.
func (s *server) Say(_ context.Context, acc fake.Account, from string, u fake.Utterance) error {
	id, err := strconv.ParseInt(from, 10, 64)
	if err != nil || id <= 0 {
		return errors.New("from must be Telegram's number of a user")
	}
	update, shown, err := s.update(id, u)
	if err != nil {
		return err
	}
	s.env.State().Put("people", from, customer{Blocked: strings.Contains(string(u.Raw), `"kicked"`)})
	if shown.ID != "" {
		shown.From = "customer"
		s.phones.Show(from, shown)
	}
	update["update_id"] = s.next("update")
	body, err := json.Marshal(update)
	if err != nil {
		return err
	}
	secret, _, _ := strings.Cut(settingsOf(acc).WebhookSecret, ",")
	s.env.Deliver(fake.Delivery{URL: acc.Hook, Order: from, Body: body, Header: http.Header{
		"Content-Type":                    {"application/json"},
		"X-Telegram-Bot-Api-Secret-Token": {strings.TrimSpace(secret)},
	}})
	return nil
}

// Phone implements fake.Messaging.
func (s *server) Phone(from string) []fake.Shown { return s.phones.Shown(from) }

func (s *server) next(counter string) int64 {
	var n int64
	s.env.State().Update("count", counter, func(old json.RawMessage) any {
		_ = json.Unmarshal(old, &n) // none yet
		n++
		return n
	})
	return n
}

func (s *server) nextMessage() int64 { return s.next("message") }

// update gives an update of one field, and what the customer's device shows.
func (s *server) update(from int64, u fake.Utterance) (map[string]any, fake.Shown, error) {
	if u.Raw != nil {
		var raw map[string]any
		if err := json.Unmarshal(u.Raw, &raw); err != nil {
			return nil, fake.Shown{}, errors.New("raw must be an update of the Bot API")
		}
		return raw, fake.Shown{}, nil
	}
	name := u.Name
	if name == "" {
		name = "Sandbox Customer"
	}
	user := map[string]any{"id": from, "is_bot": false, "first_name": name}
	if u.Tap != "" {
		return s.tap(from, user, u.Tap)
	}
	id := s.nextMessage()
	m := map[string]any{"message_id": id, "date": s.env.Now().Unix(), "from": user,
		"chat": map[string]any{"id": from, "type": "private", "first_name": name}}
	shown := fake.Shown{ID: messageID(from, id)}
	switch {
	case u.File != nil:
		f, err := s.keep(*u.File)
		if err != nil {
			return nil, shown, err
		}
		m[f.field], m["caption"], shown.Media = f.value, u.File.Caption, &f.media
	case u.Location != nil:
		l := *u.Location
		point := map[string]any{"latitude": l.Latitude, "longitude": l.Longitude}
		m["location"], shown.Location = point, &l
		if l.Name != "" {
			m["venue"] = map[string]any{"location": point, "title": l.Name, "address": l.Address}
		}
	case u.Text != "":
		m["text"], shown.Text = u.Text, u.Text
	default:
		return nil, shown, errors.New("say text, tap, file, location or raw")
	}
	return map[string]any{"message": m}, shown, nil
}

func (s *server) tap(from int64, user map[string]any, choice string) (map[string]any, fake.Shown, error) {
	m, c, ok := s.phones.Offer(strconv.FormatInt(from, 10), choice)
	if !ok {
		return nil, fake.Shown{}, errors.New("no message on this phone offers that choice")
	}
	var rows []any
	for _, o := range m.Choices {
		rows = append(rows, []any{map[string]any{"text": o.Label, "callback_data": o.ID}})
	}
	_, number, _ := strings.Cut(m.ID, ":")
	id, _ := strconv.ParseInt(number, 10, 64) // as messageID wrote it
	return map[string]any{"callback_query": map[string]any{"id": s.env.NextID("query"), "from": user, "chat_instance": "1", "data": c.ID,
		"message": map[string]any{"message_id": id, "date": m.At.Unix(), "chat": map[string]any{"id": from, "type": "private"}, "text": m.Text,
			"reply_markup": map[string]any{"inline_keyboard": rows}}}}, fake.Shown{ID: s.env.NextID("tap"), Text: c.Label}, nil
}

type kept struct {
	field string
	value any
	media sdk.Media
}

// keep gives a file an ID under which it can be fetched.
func (s *server) keep(m sdk.Media) (kept, error) {
	m.ID = s.env.NextID("file")
	s.env.State().Put("files", m.ID, true)
	f := map[string]any{"file_id": m.ID, "file_unique_id": m.ID, "file_size": len(picture)}
	if m.MIME != "" {
		f["mime_type"] = m.MIME
	}
	switch m.Kind {
	case "image":
		f["width"], f["height"] = 1, 1
		return kept{"photo", []any{f}, m}, nil
	case "video", "audio", "sticker":
		return kept{m.Kind, f, m}, nil
	case "document":
		f["file_name"] = m.Filename
		return kept{"document", f, m}, nil
	}
	return kept{}, errors.New("file.kind must be image, video, audio, document or sticker")
}
