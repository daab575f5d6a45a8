// What a message's text may show: *bold*, _italic_, and links to web pages.

const MARKS = /https?:\/\/[^\s<>"']+|(?<![\p{L}\p{N}*_])([*_])(?=\S)([^\n]+?)(?<=\S)\1(?![\p{L}\p{N}*_])/gu;

/** Appends the text to a node, marks and links made into elements. */
function format(text, into) {
  let at = 0;
  for (const match of text.matchAll(MARKS)) {
    into.append(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1]) {
      const marked = el(match[1] === '*' ? 'strong' : 'em');
      format(match[2], marked);
      into.append(marked);
      continue;
    }
    // A full stop or bracket after an address is the sentence's.
    const shown = match[0].replace(/[.,!?;:)\]}*_]+$/, '');
    at -= match[0].length - shown.length;
    into.append(webLink(shown, shown) ?? shown);
  }
  into.append(text.slice(at));
  return into;
}

/** A link that opens a page of its own, or null if the address is none. */
function webLink(address, ...label) {
  const href = safeURL(address);
  return href && el('a', { href, target: '_blank', rel: 'noopener noreferrer' }, ...label);
}
