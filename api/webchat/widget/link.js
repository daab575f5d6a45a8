// The way to the server: a WebSocket, or long polling where none gets through.
// Messages are kept until they are acknowledged and sent one at a time, so that
// they arrive in order; under their own IDs a repeat is harmless.

const SILENCE = 60_000; // without a beat for so long the socket is dead
const SOCKET_AGAIN = 5 * 60_000; // how long polling lasts before a socket is tried
const PATIENCE = 40_000; // with a request; longer than a poll is held

class Unauthorized extends Error {}

class Link {
  /** on: {state(name), batch(batch), acked(id), refused(id, text), reset()} */
  constructor(base, account, store, on) {
    this.api = `${base}/api/${encodeURIComponent(account)}`;
    this.store = store;
    this.on = on;
    this.cursor = 0;
    this.running = false;
    this.ready = false; // something gets through
    this.failures = 0; // in a row
    this.deaf = 0; // sockets in a row that never got ready
    this.sending = null; // ID of the message under way
    this.calls = new Set(); // requests under way
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.connect();
  }

  stop() {
    this.running = false;
    this.hangUp();
  }

  /** Tries again at once: the network or the page has come back. */
  hurry() {
    if (!this.running || this.ready) return;
    this.failures = 0;
    this.hangUp();
    this.connect();
  }

  /** Keeps a message and sends it as soon as possible. */
  send(message) {
    this.store.put(message);
    this.start();
    this.pump();
  }

  /** Reports what was seen. */
  read(upto) {
    const after = this.store.read;
    if (upto <= after || !this.ready) return;
    this.store.read = upto;
    const range = { after, upto };
    if (this.socket) this.write({ type: 'read', range });
    else this.call('POST', '/read', range).catch(() => {});
  }

  hangUp() {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    clearTimeout(this.retry);
    this.attempt = {}; // whatever is still under way is not ours any more
    for (const call of this.calls) call.abort();
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    this.sending = null;
    socket?.close();
  }

  async connect() {
    const attempt = (this.attempt = {});
    const current = () => this.running && this.attempt === attempt;
    this.on.state(navigator.onLine === false ? 'offline' : 'connecting');
    try {
      if (!this.store.token) await this.newSession();
      if (!current()) return;
      if (this.deaf < 2) this.openSocket(attempt);
      else await this.pollOn(current);
    } catch (error) {
      if (current()) this.failed(error);
    }
  }

  /** Waits longer after each failure, and not the same time as everybody else. */
  failed(error) {
    this.hangUp();
    if (error instanceof Unauthorized) {
      // Another tab may have a new session already.
      if (this.store.token === this.shown) this.store.forget();
      this.cursor = 0;
      this.on.reset();
    }
    this.failures++;
    this.on.state('offline');
    const most = Math.min(30_000, 500 * 2 ** Math.min(this.failures, 10));
    this.timer = setTimeout(() => this.connect(), most * (0.5 + Math.random() / 2));
  }

  /** Something came through. */
  alive() {
    this.failures = 0;
    if (!this.ready) {
      this.ready = true;
      this.on.state('online');
    }
    this.pump();
  }

  async newSession() {
    const { token } = await this.call('POST', '/session');
    // Another tab may have been quicker: both then share its session.
    this.store.token ??= token;
  }

  async call(method, path, body) {
    const call = new AbortController();
    const timer = setTimeout(() => call.abort(), PATIENCE);
    this.calls.add(call);
    try {
      return await this.request(method, path, body, call.signal);
    } finally {
      clearTimeout(timer);
      this.calls.delete(call);
    }
  }

  async request(method, path, body, signal) {
    const headers = {};
    this.shown = this.store.token;
    if (this.shown) headers.Authorization = `Bearer ${this.shown}`;
    if (body) headers['Content-Type'] = 'application/json';
    const answer = await fetch(this.api + path, {
      method, headers, signal, body: body && JSON.stringify(body), credentials: 'omit', cache: 'no-store',
    });
    if (answer.status === 401) throw new Unauthorized();
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      throw Object.assign(new Error(problem.detail ?? answer.statusText), { status: answer.status });
    }
    return answer.status === 204 ? null : answer.json();
  }

  openSocket(attempt) {
    const socket = new WebSocket(this.api.replace(/^http/, 'ws') + '/socket');
    this.socket = socket;
    const mine = () => this.attempt === attempt;
    let greeted = false;
    this.watch(15_000);
    socket.onopen = () => {
      if (!mine()) return;
      this.shown = this.store.token;
      this.write({ type: 'hello', token: this.shown, after: this.cursor });
    };
    socket.onmessage = ({ data }) => {
      if (!mine()) return;
      this.watch(SILENCE);
      const frame = JSON.parse(data);
      if (frame.type === 'ready') {
        greeted = true;
        this.deaf = 0;
      }
      this.take(frame);
    };
    socket.onclose = ({ code }) => {
      if (!mine()) return;
      if (!greeted && code !== 4401 && navigator.onLine !== false) this.deaf++;
      this.failed(code === 4401 ? new Unauthorized() : new Error(`socket closed: ${code}`));
    };
  }

  watch(ms) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      if (!this.ready) this.deaf++;
      this.failed(new Error('silence'));
    }, ms);
  }

  write(frame) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  take(frame) {
    if (frame.token) this.store.token = frame.token;
    switch (frame.type) {
      case 'messages':
        this.cursor = Math.max(this.cursor, frame.cursor);
        this.on.batch(frame);
        this.alive();
        break;
      case 'ack':
        this.done(frame.id);
        this.on.acked(frame.id);
        break;
      case 'refused':
        this.done(frame.id);
        this.on.refused(frame.id, frame.text);
        break;
      case 'retry':
        this.later(frame.retry_ms);
        break;
    }
  }

  async pollOn(current) {
    const until = Date.now() + SOCKET_AGAIN;
    while (current()) {
      const wait = this.ready ? '25s' : '0s';
      const batch = await this.call('GET', `/messages?after=${this.cursor}&wait=${wait}`);
      if (!current()) return;
      this.take(batch);
      if (Date.now() > until) {
        this.deaf = 1;
        this.hangUp();
        this.connect();
        return;
      }
    }
  }

  /** Sends the oldest message that is kept, if none is under way. */
  async pump() {
    if (!this.ready || this.sending) return;
    const message = this.store.outbox[0];
    if (!message) return;
    this.sending = message.id;
    if (this.socket) {
      this.write({ type: 'send', message });
      return;
    }
    const attempt = this.attempt;
    try {
      await this.call('POST', '/messages', message);
      this.take({ type: 'ack', id: message.id });
    } catch (error) {
      if (this.attempt !== attempt) return;
      if (error.status >= 400 && error.status < 500 && error.status !== 429) {
        this.take({ type: 'refused', id: message.id, text: error.message });
      } else if (error instanceof Unauthorized) this.failed(error);
      else this.later(3_000);
    }
  }

  done(id) {
    this.store.drop(id);
    if (this.sending === id) this.sending = null;
    this.pump();
  }

  later(ms) {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => {
      this.sending = null;
      this.pump();
    }, ms);
  }
}
