// Building elements. Nothing here parses markup, so nothing that a person wrote
// can become any.

/** Makes an element; props are properties, attributes with a dash, or handlers. */
function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== 'role') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

const ICONS = {
  chat: 'M12 3c5.5 0 9.8 3.7 9.8 8.4s-4.3 8.4-9.8 8.4c-1.1 0-2.1-.1-3.1-.4l-4.1 2.1c-.6.3-1.3-.2-1.1-.9l.9-3.6C3.1 15.5 2.2 13.6 2.2 11.4 2.2 6.7 6.5 3 12 3Z',
  close: 'M6.4 6.4 17.6 17.6 M17.6 6.4 6.4 17.6',
  down: 'm5.5 9 6.5 6.5L18.5 9',
  send: 'M12 19.5V5 M5.5 11.5 12 5l6.5 6.5',
  right: 'm9 5.5 6.5 6.5L9 18.5',
  out: 'M9 6h9v9 M18 6 6.5 17.5',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  pin: 'M12 21s7-6.3 7-11.5A7 7 0 0 0 5 9.5C5 14.7 12 21 12 21Z M12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  file: 'M7 3h7l5 5v13H7Z M14 3v5h5',
};

/** Draws one of the icons, for the eye only. */
function icon(name, filled = false) {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  for (const [k, v] of Object.entries({
    viewBox: '0 0 24 24', width: '24', height: '24', 'aria-hidden': 'true',
    fill: filled ? 'currentColor' : 'none', stroke: filled ? 'none' : 'currentColor',
    'stroke-width': '2', 'stroke-linecap': 'round', 'stroke-linejoin': 'round',
  })) svg.setAttribute(k, v);
  const path = document.createElementNS(ns, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/** Returns the address if it is one that a page may open, else null. */
function safeURL(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}

/** An identifier of 128 random bits. */
function randomID() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
