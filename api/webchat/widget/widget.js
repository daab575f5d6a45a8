// The element and the script tag: everything put together.

class ParleyChat extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [sheet];
    this.root = shadow.appendChild(el('div', { className: `root ${this.dataset.position === 'left' ? 'left' : ''}` }));
    this.store = new Store(`${this.dataset.base}:${this.dataset.account}`);
    this.load(0);
  }

  /** Nothing is shown until the chat is known to be there. */
  async load(failures) {
    const address = `${this.dataset.base}/api/${encodeURIComponent(this.dataset.account)}/settings`;
    try {
      const answer = await fetch(address, { credentials: 'omit' });
      if (answer.ok) {
        this.begin(await answer.json());
        return;
      }
      if (answer.status < 500) {
        const problem = await answer.json().catch(() => ({}));
        console.error(`Parley chat: ${problem.detail ?? answer.statusText}`);
        return;
      }
    } catch { /* the network: try again */ }
    setTimeout(() => this.load(failures + 1), Math.min(60_000, 2_000 * 2 ** failures) * (0.5 + Math.random() / 2));
  }

  begin(settings) {
    this.settings = { ...settings, title: this.dataset.title || settings.title, color: this.dataset.color || settings.color };
    this.view = new View(this.root, this.settings, {
      toggle: (open) => (open ? this.open() : this.close()),
      send: (text) => this.say({ text }),
      choose: (entry, choice) => this.say({ text: choice.label, tap: choice.id, reply_to: entry.id }),
    });
    this.link = new Link(this.dataset.base, this.dataset.account, this.store, {
      state: (name) => this.view.setState(name),
      batch: (batch) => this.take(batch),
      acked: (id) => this.view.acked(id),
      refused: (id, text) => this.view.refused(id, text),
      reset: () => {
        this.loaded = false;
        this.latest = 0;
        this.view.clear();
      },
    });
    this.paint();
    this.listen();
    for (const message of this.store.outbox) this.view.addPending(message);
    if (this.store.open && !phone.matches) this.open(false);
    else if (this.store.token || this.store.outbox.length) this.link.start();
  }

  paint() {
    const dark = this.dataset.theme === 'dark' || (this.dataset.theme !== 'light' && night.matches);
    this.root.classList.toggle('dark', dark);
    for (const [name, value] of Object.entries(palette(this.settings.color, dark))) this.root.style.setProperty(name, value);
  }

  listen() {
    night.addEventListener('change', () => this.paint());
    phone.addEventListener('change', () => this.view.layOut());
    addEventListener('online', () => this.link.hurry());
    addEventListener('offline', () => this.link.running && this.view.setState('offline'));
    addEventListener('pageshow', (e) => e.persisted && this.link.hurry());
    // An open socket would keep the page from coming back at once.
    addEventListener('pagehide', () => this.link.hangUp());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      this.link.hurry();
      this.seen();
    });
    // A phone's keyboard covers the page without changing its height.
    visualViewport?.addEventListener('resize', () => this.fit());
    visualViewport?.addEventListener('scroll', () => this.fit());
  }

  fit() {
    const { height, offsetTop } = visualViewport;
    const covered = Math.abs(innerHeight - height) > 60;
    this.root.style.setProperty('--height', covered ? `${height}px` : '100dvh');
    this.root.style.setProperty('--top', covered ? `${offsetTop}px` : '0px');
    this.view.toEnd(false);
  }

  /** Opens the chat. A page may call it. */
  open(focus = true) {
    if (!this.view || this.view.opened) return;
    this.store.open = true;
    this.view.open(focus);
    this.link.start();
    this.seen();
  }

  /** Closes the chat. A page may call it. */
  close() {
    if (!this.view?.opened) return;
    this.store.open = false;
    this.view.close();
  }

  say(words) {
    const message = { id: randomID(), ...words };
    this.view.addPending(message);
    this.link.send(message);
  }

  take({ entries, typing_ms: typing }) {
    this.view.add(entries);
    if (entries.length) {
      this.latest = entries.at(-1).cursor;
      this.view.setTyping(typing);
      const fresh = entries.filter((e) => e.from !== 'customer' && e.cursor > this.store.read).length;
      if (!this.view.opened) this.view.setUnread(this.view.unread + fresh);
    }
    if (!this.loaded) this.view.live();
    this.loaded = true;
    // After the link has taken note of the batch.
    queueMicrotask(() => this.seen());
  }

  seen() {
    if (this.view.opened && !document.hidden && this.latest) this.link.read(this.latest);
  }
}

const night = matchMedia('(prefers-color-scheme: dark)');

function boot() {
  const script = document.currentScript;
  const { account, ...rest } = script?.dataset ?? {};
  if (!account) {
    console.error('Parley chat: the script tag needs data-account="…".');
    return;
  }
  if (!customElements.get('parley-chat')) customElements.define('parley-chat', ParleyChat);
  const base = new URL('.', script.src).href.replace(/\/$/, '');
  const show = () => {
    if (document.querySelector('parley-chat')) return;
    const chat = document.createElement('parley-chat');
    Object.assign(chat.dataset, rest, { account, base });
    document.body.append(chat);
  };
  if (document.body) show();
  else addEventListener('DOMContentLoaded', show, { once: true });
}

boot();
