// A shop's colour made fit for reading on: contrasts as WCAG 2.2 counts them.

function parseColor(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (hi + 0.05) / (lo + 0.05);
}

/** Moves a colour towards another until it stands out enough from a third. */
function until(color, towards, from, enough) {
  for (let step = 0; step <= 20; step++) {
    const mixed = color.map((v, i) => Math.round(v + ((towards[i] - v) * step) / 20));
    if (contrast(mixed, from) >= enough) return mixed;
  }
  return towards;
}

const WHITE = [255, 255, 255];
const BLACK = [16, 17, 20];

/** The colours that follow from the accent, as custom properties. */
function palette(hex, dark) {
  const accent = parseColor(/^#[0-9a-f]{6}$/i.test(hex) ? hex : '#0f6e56');
  const page = dark ? [22, 23, 27] : [246, 246, 248];
  const surface = dark ? [37, 39, 45] : WHITE;
  const towards = dark ? WHITE : BLACK;
  const fill = until(accent, towards, page, dark ? 2 : 1.6);
  const on = contrast(fill, WHITE) >= 4.5 ? WHITE
    : contrast(fill, WHITE) >= contrast(fill, BLACK) ? WHITE : BLACK;
  const css = (c) => `rgb(${c.join(' ')})`;
  return {
    '--fill': css(fill),
    // Away from the text's colour, so that a shade never costs contrast.
    '--deep': css(fill.map((v, i) => Math.round(v + ((on === WHITE ? BLACK : WHITE)[i] - v) * 0.16))),
    '--on-fill': css(on),
    '--ink': css(until(accent, towards, dark ? surface : page, 4.6)),
    '--wash': `rgb(${fill.join(' ')} / ${dark ? 0.22 : 0.09})`,
  };
}
