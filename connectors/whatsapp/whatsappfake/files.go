package whatsappfake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"parley/connectors/sdk"
	"parley/connectors/sdk/fake"
)

// file is one that a customer sent.
type file struct {
	Kind     string `json:"kind"`
	MIME     string `json:"mime"`
	Filename string `json:"filename,omitempty"`
	URL      string `json:"url,omitempty"`
	SHA256   []byte `json:"sha256"`
	Size     int    `json:"size"`
}

// defaultMIME is each kind's usual type.
var defaultMIME = map[string]string{"image": "image/png", "audio": "audio/ogg; codecs=opus", "video": "video/mp4",
	"document": "application/pdf", "sticker": "image/webp"}

// sendFile keeps a file under a new ID. Where the utterance has no address for
// its bytes, the fake makes some.
func (s *server) sendFile(m sdk.Media) (map[string]any, fake.Shown, error) {
	if m.Kind == "" {
		m.Kind = "document"
	}
	usual, ok := defaultMIME[m.Kind]
	if !ok {
		return nil, fake.Shown{}, errors.New("file.kind must be image, audio, video, document or sticker")
	}
	if m.MIME == "" {
		m.MIME = usual
	}
	id := s.env.NextID("26212333748")
	f := file{Kind: m.Kind, MIME: m.MIME, Filename: m.Filename, URL: m.URL}
	content := f.content(id)
	sum := sha256.Sum256(content)
	f.SHA256, f.Size = sum[:], len(content)
	s.env.State().Put("files", id, f)
	part := map[string]any{"id": id, "mime_type": f.MIME, "sha256": base64.StdEncoding.EncodeToString(f.SHA256)}
	if m.Caption != "" {
		part["caption"] = m.Caption
	}
	switch m.Kind {
	case "document":
		part["filename"] = m.Filename
	case "audio":
		part["voice"] = true
	case "sticker":
		part["animated"] = false
	}
	m.ID = id
	return map[string]any{"type": m.Kind, m.Kind: part}, fake.Shown{Media: &m}, nil
}

func (s *server) file(id string) (file, bool) {
	var f file
	ok := s.env.State().Get("files", id, &f)
	return f, ok
}

// node is the answer of the media endpoint.
func (f file) node(base, id string) map[string]any {
	address := f.URL
	if address == "" {
		address = base + "/_media/" + id
	}
	return map[string]any{"messaging_product": "whatsapp", "id": id, "url": address, "mime_type": f.MIME,
		"sha256": hex.EncodeToString(f.SHA256), "file_size": f.Size}
}

// content is bytes that stand for the file: a picture of one point, or text.
func (f file) content(id string) []byte {
	if f.Kind == "image" {
		return onePoint
	}
	return []byte("sandbox file " + id + "\n")
}

// onePoint is a PNG of 1 by 1 transparent points.
var onePoint, _ = base64.StdEncoding.DecodeString(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

func (s *server) download(w http.ResponseWriter, r *http.Request) {
	f, ok := s.file(r.PathValue("id"))
	if !ok || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.MIME)
	_, _ = w.Write(f.content(r.PathValue("id"))) // the caller has gone away
}
