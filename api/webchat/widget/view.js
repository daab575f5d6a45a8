// What is seen: the launcher, the panel, the messages in it and the field below.

const WORDS = {
  open: 'Open', close: 'Close chat', launch: 'Open chat', send: 'Send message', field: 'Your message', write: 'Write a message…',
  conversation: 'Conversation', log: 'Messages', you: 'You', agent: 'Team', choices: 'Choices', chosen: 'chosen', place: 'Place',
  newTab: 'opens in a new tab', sending: 'Sending…', sent: 'Sent', failed: 'Not sent', latest: 'New messages',
  online: 'Online', connecting: 'Connecting…', offline: 'Reconnecting…',
  banner: 'No connection. Your messages are sent when it is back.', back: 'The connection is back.',
  today: 'Today', yesterday: 'Yesterday',
  typing: (name) => `${name} is typing…`,
  unread: (n) => (n === 1 ? '1 new message' : `${n} new messages`),
  more: (n) => `Show ${n} more`,
  kinds: { image: 'Picture', video: 'Video', audio: 'Sound', document: 'File', sticker: 'Sticker' },
};

const TOGETHER = 5 * 60_000; // messages within it stand together
const BANNER_AFTER = 2_500; // short gaps are nobody's concern

class View {
  /** on: {toggle(open), send(text), choose(entry, choice)} */
  constructor(root, settings, on) {
    this.settings = settings;
    this.on = on;
    this.nodes = new Map(); // message ID → {node, entry, pending}
    this.opened = false;
    this.unread = 0;
    this.build(root);
    this.layOut();
  }

  build(root) {
    const { settings } = this;
    this.launcher = el('button', {
      type: 'button', className: 'launcher', 'aria-label': WORDS.launch, 'aria-expanded': 'false', 'aria-haspopup': 'dialog',
      onclick: () => this.on.toggle(!this.opened),
    }, icon('chat', true), icon('down'), (this.badge = el('span', { className: 'badge', hidden: true, 'aria-hidden': 'true' })));

    this.status = el('span', { className: 'status' }, WORDS.connecting);
    const head = el('header', { className: 'head' },
      el('span', { className: 'avatar', 'aria-hidden': 'true' }, initials(settings.title)),
      el('div', { className: 'who' }, el('h2', { id: 'title', dir: 'auto' }, settings.title), this.status),
      el('button', { type: 'button', className: 'icon', 'aria-label': WORDS.close, onclick: () => this.on.toggle(false) }, icon('close')));

    this.suggestions = el('div', { className: 'choices chips suggestions' }, ...settings.suggestions.map((text) => el('button', {
      type: 'button', className: 'choice', onclick: () => this.submit(text),
    }, el('span', { className: 'label', dir: 'auto' }, text))));
    this.log = el('div', { className: 'log', role: 'log', 'aria-label': WORDS.log, 'aria-live': 'off', 'aria-relevant': 'additions' });
    this.dots = el('div', { className: 'typing', 'aria-hidden': 'true', hidden: true }, el('i'), el('i'), el('i'));
    this.scroller = el('div', { className: 'scroller', tabIndex: 0, role: 'region', 'aria-label': WORDS.conversation, onscroll: () => this.scrolled() },
      el('div', { className: 'thread' },
        el('div', { className: 'intro' }, el('span', { className: 'avatar', 'aria-hidden': 'true' }, initials(settings.title)),
          el('p', { dir: 'auto' }, settings.greeting)),
        this.log, this.suggestions, this.dots));
    this.latest = el('button', { type: 'button', className: 'latest', hidden: true, onclick: () => this.toEnd(true) }, WORDS.latest, icon('down'));

    this.banner = el('div', { className: 'banner', hidden: true }, WORDS.banner);
    this.news = el('div', { className: 'sr', role: 'status' });
    this.panel = el('div', {
      className: 'panel', role: 'dialog', 'aria-labelledby': 'title', hidden: true, onkeydown: (e) => this.keys(e),
    }, head, this.banner, el('div', { className: 'body' }, this.scroller, this.latest), this.buildComposer(), this.news);
    root.append(this.panel, this.launcher);
  }

  buildComposer() {
    this.field = el('textarea', {
      rows: 1, placeholder: this.settings.placeholder, 'aria-label': WORDS.field, dir: 'auto', maxLength: 8000,
      enterKeyHint: 'send', autocomplete: 'off', oninput: () => this.fieldChanged(),
      onkeydown: (e) => {
        this.newline = e.shiftKey;
        // While an input method composes, Enter takes its suggestion; Safari
        // says so by the key code alone.
        if (e.key === 'Enter' && !e.shiftKey && !e.isComposing && e.keyCode !== 229) this.enter(e);
      },
      // Keyboards on a screen often name no key.
      onbeforeinput: (e) => e.inputType === 'insertLineBreak' && !this.newline && !e.isComposing && this.enter(e),
    });
    this.sender = el('button', { type: 'submit', className: 'send', 'aria-label': WORDS.send, disabled: true }, icon('send'));
    return el('form', {
      className: 'composer',
      onsubmit: (e) => {
        e.preventDefault();
        this.submit(this.field.value);
      },
    }, el('div', { className: 'field' }, this.field, this.sender));
  }

  submit(text) {
    text = text.trim();
    if (!text) return;
    this.on.send(text);
    this.field.value = '';
    this.fieldChanged();
    if (!coarse()) this.field.focus();
  }

  enter(event) {
    event.preventDefault();
    this.submit(this.field.value);
  }

  choose(entry, choice) {
    this.on.choose(entry, choice);
    // The choice is spent and can hold the focus no longer.
    if (coarse()) this.rest();
    else this.field.focus({ preventScroll: true });
  }

  fieldChanged() {
    this.sender.disabled = !this.field.value.trim();
    this.field.style.height = 'auto';
    this.field.style.height = `${Math.min(this.field.scrollHeight, 132)}px`;
  }

  // Opening and closing.

  open(focus) {
    this.opened = true;
    this.panel.hidden = false;
    this.launcher.setAttribute('aria-expanded', 'true');
    this.launcher.classList.add('opened');
    this.setUnread(0);
    this.layOut();
    this.toEnd(false);
    // On a touch screen focus would raise the keyboard over the messages.
    if (!focus) return;
    if (coarse()) this.rest();
    else this.field.focus();
  }

  /** Puts the focus on the messages, where it raises no keyboard and needs no ring. */
  rest() {
    this.scroller.focus({ preventScroll: true, focusVisible: false });
  }

  close() {
    const inside = this.panel.contains(this.panel.getRootNode().activeElement);
    this.opened = false;
    this.panel.hidden = true;
    this.launcher.setAttribute('aria-expanded', 'false');
    this.launcher.classList.remove('opened');
    this.setUnread(0);
    this.layOut();
    if (inside) this.launcher.focus();
  }

  /** On a phone the panel covers the page, which then must not scroll or get the focus. */
  layOut() {
    const covers = this.opened && phone.matches;
    this.panel.ariaModal = covers ? 'true' : null;
    this.launcher.hidden = covers;
    if (covers === (this.lock !== undefined)) return;
    const style = document.documentElement.style;
    if (covers) {
      this.lock = style.overflow;
      style.overflow = 'hidden';
    } else {
      style.overflow = this.lock;
      this.lock = undefined;
    }
  }

  keys(event) {
    if (event.key === 'Escape' && !event.isComposing) {
      event.stopPropagation();
      this.on.toggle(false);
    }
    if (event.key !== 'Tab' || !phone.matches) return;
    const stops = [...this.panel.querySelectorAll('button, a[href], textarea, video, audio, [tabindex="0"]')]
      .filter((n) => !n.disabled && n.getClientRects().length);
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (event.target !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  }

  setUnread(n) {
    this.unread = n;
    this.badge.hidden = n === 0;
    this.badge.textContent = n > 9 ? '9+' : String(n);
    this.launcher.setAttribute('aria-label', this.opened ? WORDS.close : n ? `${WORDS.launch}, ${WORDS.unread(n)}` : WORDS.launch);
  }

  // State of the connection.

  setState(state) {
    this.status.textContent = WORDS[state];
    this.status.dataset.state = state;
    clearTimeout(this.bannerTimer);
    if (state === 'online') {
      if (!this.banner.hidden) this.announce(WORDS.back);
      this.banner.hidden = true;
    } else {
      this.bannerTimer = setTimeout(() => {
        this.banner.hidden = false;
        this.announce(WORDS.banner);
      }, BANNER_AFTER);
    }
  }

  announce(text) {
    this.news.textContent = text;
  }

  setTyping(ms) {
    clearTimeout(this.typingTimer);
    const on = ms > 0;
    if (on && this.dots.hidden) this.announce(WORDS.typing(this.settings.title));
    if (!on && !this.dots.hidden) this.announce('');
    this.dots.hidden = !on;
    if (on) this.typingTimer = setTimeout(() => this.setTyping(0), ms);
    if (on && this.atEnd) this.toEnd(false);
  }

  // Messages.

  /** Adds what the server told, in order. */
  add(entries) {
    const stay = !this.atEnd;
    let news = false;
    for (const entry of entries) {
      const known = this.nodes.get(entry.id);
      if (known && !known.pending) continue;
      if (known) this.settle(known, entry);
      else this.insert(entry, false);
      news ||= entry.from !== 'customer';
    }
    this.arrange();
    if (!stay) this.toEnd(false);
    else if (news) this.latest.hidden = false;
  }

  /** Shows a message that is on its way. */
  addPending(message) {
    if (this.nodes.has(message.id)) return;
    this.insert({ id: message.id, from: 'customer', at: new Date().toISOString(), content: { text: message.text } }, true);
    this.arrange();
    this.toEnd(true);
  }

  insert(entry, pending) {
    const name = entry.from === 'agent' ? WORDS.agent : this.settings.title;
    const node = renderMessage(entry, name, (from, choice) => this.choose(from, choice));
    for (const image of node.querySelectorAll('img')) {
      image.addEventListener('load', () => this.atEnd && this.toEnd(false));
    }
    node.classList.toggle('pending', pending);
    this.nodes.set(entry.id, { node, entry, pending });
    if (pending) this.log.append(node);
    else this.log.insertBefore(node, this.firstPending());
  }

  firstPending() {
    return this.log.querySelector('.message.pending, .message.failed');
  }

  /** A message on its way has arrived: it takes its place among the others. */
  settle(known, entry) {
    known.node.classList.remove('pending', 'failed');
    known.entry = entry;
    known.pending = false;
    const first = this.firstPending();
    if (first && first.compareDocumentPosition(known.node) & Node.DOCUMENT_POSITION_FOLLOWING) {
      this.log.insertBefore(known.node, first);
    }
  }

  acked(id) {
    const known = this.nodes.get(id);
    if (!known?.pending) return;
    known.acked = true;
    this.arrange();
  }

  refused(id, text) {
    const known = this.nodes.get(id);
    if (!known?.pending) return;
    known.node.classList.add('failed');
    known.why = text;
    this.announce(`${WORDS.failed}. ${text}`);
    this.arrange();
  }

  clear() {
    for (const [id, known] of this.nodes) {
      if (known.pending) continue;
      known.node.remove();
      this.nodes.delete(id);
    }
    this.arrange();
  }

  /** Groups, days, times and spent choices follow from the order. */
  arrange() {
    for (const day of this.log.querySelectorAll('.day')) day.remove();
    const all = [...this.nodes.values()].sort((a, b) =>
      (a.node.compareDocumentPosition(b.node) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
    let answer; // the customer's next message, going backwards
    for (let i = all.length - 1; i >= 0; i--) {
      const { entry, node, why } = all[i];
      if (entry.from === 'customer') {
        if (!why) answer = entry;
      } else spend(node, answer?.content.text);
    }
    all.forEach((known, i) => this.place(known, all[i - 1], all[i + 1]));
    this.suggestions.hidden = all.length > 0;
    this.field.placeholder = all.length ? WORDS.write : this.settings.placeholder;
  }

  place(known, before, after) {
    const { node, entry } = known;
    const day = dayOf(entry);
    const follows = before && dayOf(before.entry) === day;
    if (!follows) node.before(el('div', { className: 'day', 'aria-hidden': 'true' }, dayName(entry)));
    node.classList.toggle('first', !follows || !together(before.entry, entry));
    const last = !after || dayOf(after.entry) !== day || !together(entry, after.entry);
    node.classList.toggle('last', last);
    const meta = node.querySelector('.meta');
    // A time stands where a stretch of the conversation ends.
    let text = !after || dayOf(after.entry) !== day || apart(entry, after.entry) ? timeOf(entry) : '';
    if (known.why) text = `${WORDS.failed}. ${known.why}`;
    else if (known.pending && !known.acked) text = last ? WORDS.sending : '';
    else if (entry.from === 'customer' && !after) text = `${WORDS.sent} · ${text}`;
    if (meta.textContent !== text) meta.textContent = text;
  }

  /** From now on additions are read out; what was there before is not. */
  live() {
    // Screen readers act on additions a little after them.
    requestAnimationFrame(() => requestAnimationFrame(() => this.log.setAttribute('aria-live', 'polite')));
  }

  // Scrolling.

  get atEnd() {
    const s = this.scroller;
    return this.panel.hidden || s.scrollHeight - s.scrollTop - s.clientHeight < 80;
  }

  scrolled() {
    if (this.atEnd) this.latest.hidden = true;
  }

  toEnd(smooth) {
    this.latest.hidden = true;
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: smooth && !calm.matches ? 'smooth' : 'instant' });
  }
}

const phone = matchMedia('(max-width: 479.98px)');
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const coarse = () => matchMedia('(pointer: coarse)').matches;

const apart = (a, b) => Date.parse(b.at) - Date.parse(a.at) >= TOGETHER;
const together = (a, b) => a.from === b.from && !apart(a, b);
const dayOf = (entry) => new Date(entry.at).toDateString();
const timeOf = (entry) => new Date(entry.at).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });

function dayName(entry) {
  const day = dayOf(entry);
  const now = new Date();
  if (day === now.toDateString()) return WORDS.today;
  now.setDate(now.getDate() - 1);
  if (day === now.toDateString()) return WORDS.yesterday;
  return new Date(entry.at).toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long' });
}

function initials(title) {
  return title.split(/\s+/).filter((w) => /^[\p{L}\p{N}]/u.test(w)).slice(0, 2)
    .map((w) => [...w][0].toUpperCase()).join('') || '•';
}
