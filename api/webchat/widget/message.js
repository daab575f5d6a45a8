// One message as it is shown.

const SHOWN_CHOICES = 8; // of a long list, until all are asked for

/**
 * Makes the element of an entry. choose(entry, choice) is called for a tap.
 * Its name says to a screen reader who speaks.
 */
function renderMessage(entry, name, choose) {
  const { content } = entry;
  const own = entry.from === 'customer';
  const bubble = el('div', { className: 'bubble' });
  bubble.append(el('span', { className: 'sr' }, own ? `${WORDS.you}: ` : `${name}: `));
  if (content.media) bubble.append(renderMedia(content.media));
  if (content.header) bubble.append(el('div', { className: 'header', dir: 'auto' }, content.header));
  if (content.text) bubble.append(format(content.text, el('div', { className: 'text', dir: 'auto' })));
  if (content.location) bubble.append(renderLocation(content.location));
  if (content.footer) bubble.append(el('div', { className: 'footer', dir: 'auto' }, content.footer));
  if (content.link) bubble.append(renderLink(content.link));

  const node = el('div', { className: `message ${own ? 'own' : 'theirs'}` });
  if (entry.from === 'agent') node.append(el('div', { className: 'by' }, WORDS.agent));
  if (bubble.childElementCount > 1) node.append(bubble);
  if (content.choices?.length) node.append(renderChoices(entry, choose));
  node.append(el('div', { className: 'meta' }));
  return node;
}

function renderLink({ url, label }) {
  const anchor = webLink(url, el('span', { dir: 'auto' }, label || WORDS.open), icon('out'));
  if (!anchor) return el('div', { className: 'text' }, label ?? '');
  anchor.className = 'button';
  anchor.append(el('span', { className: 'sr' }, ` (${WORDS.newTab})`));
  return anchor;
}

function renderMedia(media) {
  const src = safeURL(media.url ?? '');
  const caption = media.caption && format(media.caption, el('div', { className: 'text', dir: 'auto' }));
  const name = media.filename || WORDS.kinds[media.kind] || WORDS.kinds.document;
  let shown;
  if (!src) shown = el('div', { className: 'text' }, name);
  else if (media.kind === 'image' || media.kind === 'sticker') {
    const image = el('img', { src, alt: media.caption || name, loading: 'lazy', decoding: 'async', className: media.kind });
    // A picture that cannot be had leaves a link to itself.
    image.onerror = () => image.replaceWith(fileLink(src, name));
    shown = image;
  } else if (media.kind === 'video') shown = el('video', { src, controls: true, preload: 'metadata', playsInline: true });
  else if (media.kind === 'audio') shown = el('audio', { src, controls: true, preload: 'none' });
  else shown = fileLink(src, name);
  return el('div', { className: 'media' }, shown, caption);
}

function fileLink(address, name) {
  const link = webLink(address, icon('file'), el('span', { dir: 'auto' }, name));
  link.className = 'file';
  return link;
}

function renderLocation(place) {
  const { latitude: lat, longitude: lon } = place;
  const link = webLink(`https://www.openstreetmap.org/?mlat=${lat}&mlon=${lon}#map=16/${lat}/${lon}`,
    icon('pin'), el('span', { dir: 'auto' }, place.name || WORDS.place,
      place.address && el('small', {}, place.address)));
  link.className = 'file';
  return link;
}

function renderChoices(entry, choose) {
  const { choices, list_button: title } = entry.content;
  const rows = choices.some((c) => c.description);
  const group = el('div', { className: `choices ${rows ? 'rows' : 'chips'}`, role: 'group', 'aria-label': title || WORDS.choices });
  for (const choice of choices) {
    const label = el('span', { className: 'label', dir: 'auto' }, choice.label);
    const button = el('button', { type: 'button', className: 'choice', onclick: () => choose(entry, choice) },
      rows ? el('span', { className: 'lines' }, label,
        choice.description && el('span', { className: 'description', dir: 'auto' }, choice.description)) : label,
      rows && icon('right'),
      el('span', { className: 'tick' }, icon('check'), el('span', { className: 'sr' }, ` (${WORDS.chosen})`)));
    button.dataset.label = choice.label;
    group.append(button);
  }
  const hidden = [...group.children].slice(SHOWN_CHOICES);
  if (hidden.length > 1) foldChoices(group, hidden);
  return group;
}

function foldChoices(group, hidden) {
  for (const button of hidden) button.hidden = true;
  const more = el('button', {
    type: 'button', className: 'choice more',
    onclick: () => {
      for (const button of hidden) button.hidden = false;
      hidden[0].focus();
      more.remove();
    },
  }, WORDS.more(hidden.length));
  group.append(more);
}

/**
 * Puts a message's choices out of use, the chosen one marked; or, without an
 * answer, into use again.
 */
function spend(node, answer) {
  const group = node.querySelector('.choices');
  if (!group) return;
  group.classList.toggle('spent', answer !== undefined);
  let found = false;
  for (const button of group.children) {
    const chosen = !found && answer !== undefined && button.dataset.label === answer;
    found ||= chosen;
    button.disabled = answer !== undefined;
    button.classList.toggle('chosen', chosen);
  }
}
