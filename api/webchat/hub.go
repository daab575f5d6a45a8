package webchat

import "sync"

// Hub hands wake-ups to those who wait for them, by key. It is what a [Watch]
// is made of: feed it from the database's notifications. The zero value is
// ready to use, by several goroutines at once.
type Hub struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
}

// Subscribe returns a channel that receives after a Wake of the key, several of
// which may be merged into one, and a function that ends the subscription.
func (h *Hub) Subscribe(key string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[string]map[chan struct{}]struct{}{}
	}
	if h.waiting[key] == nil {
		h.waiting[key] = map[chan struct{}]struct{}{}
	}
	h.waiting[key][ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting[key], ch)
		if len(h.waiting[key]) == 0 {
			delete(h.waiting, key)
		}
	}
}

// Wake wakes those who wait for the key. It never blocks.
func (h *Hub) Wake(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.waiting[key] {
		ring(ch)
	}
}

// WakeAll wakes everybody: for a listener that has lost its connection and
// cannot know what it missed.
func (h *Hub) WakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, chs := range h.waiting {
		for ch := range chs {
			ring(ch)
		}
	}
}

// ring leaves a signal for the channel's reader unless one is already there.
func ring(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
