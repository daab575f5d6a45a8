// What the widget remembers in the visitor's browser: the session's token, what
// was read, and messages that are not sent yet. Where a page has no storage it
// is remembered until the page is left.

class Store {
  constructor(key) {
    this.key = `parley:${key}:`;
    this.memory = new Map();
  }

  get(name) {
    try {
      return localStorage.getItem(this.key + name) ?? this.memory.get(name) ?? null;
    } catch {
      return this.memory.get(name) ?? null;
    }
  }

  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(this.key + name);
      else localStorage.setItem(this.key + name, value);
      this.memory.delete(name);
    } catch {
      if (value === null) this.memory.delete(name);
      else this.memory.set(name, value);
    }
  }

  get token() { return this.get('token'); }
  set token(value) { this.set('token', value); }

  /** The cursor up to which the visitor has seen the conversation. */
  get read() { return Number(this.get('read')) || 0; }
  set read(cursor) { this.set('read', String(cursor)); }

  /** Messages not acknowledged yet, oldest first. Other tabs share them. */
  get outbox() {
    try {
      const kept = JSON.parse(this.get('outbox') ?? '[]');
      return Array.isArray(kept) ? kept.filter((m) => typeof m?.id === 'string') : [];
    } catch {
      return [];
    }
  }

  put(message) {
    this.set('outbox', JSON.stringify([...this.outbox, message]));
  }

  drop(id) {
    const left = this.outbox.filter((m) => m.id !== id);
    this.set('outbox', left.length ? JSON.stringify(left) : null);
  }

  /** Whether the chat stands open, in this tab only. */
  get open() {
    try {
      return sessionStorage.getItem(this.key + 'open') === '1';
    } catch {
      return false;
    }
  }

  set open(value) {
    try {
      sessionStorage.setItem(this.key + 'open', value ? '1' : '0');
    } catch { /* a page without storage starts closed */ }
  }

  /** Forgets a session that is no longer good. */
  forget() {
    this.token = null;
    this.set('read', null);
  }
}
