// Lines to paragraphs: which rows of a page belong together, and how their texts are joined.

const WIDE = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u3000-\u303f]|[\ud840-\ud888][\udc00-\udfff]/u;
const FULL = 1.6; // line heights that a row may end before the column's edge and still be called full
const NEAR = 0.9; // line heights of white space between the rows of a paragraph
const SIMILAR = 1.35; // ratio of heights of rows of one paragraph
const NARROW = 8; // line heights; what is narrower is a list and no running text
const LONG = 0.75; // of the column, which a row of running text reaches at least
const WORDS = 3; // that a row of running text has at least, and one more
const ENDS_OPEN = /[^.!?。！？：:;；…”"』」）)]$/u;

/**
 * Joins the lines of one page to paragraphs.
 * @param {{text: string, polygon: number[][]}[]} lines in reading order
 * @param {number[] | null} blocks how many lines each block holds, where the server tells
 * @returns {string[]} one text per paragraph
 */
export function paragraphsOf(lines, blocks = null) {
  return cut(lines, blocks).flatMap((block) => join(rowsOf(block.map(withFrame))));
}

// No blank between Chinese characters, no hyphen of a divided word.
function joinTexts(first, second) {
  if (!first || !second) {
    return first + second;
  }
  if (WIDE.test(last(first)) || WIDE.test(first_(second))) {
    return first + second;
  }
  if (/\p{Ll}-$/u.test(first) && /^\p{Ll}/u.test(second)) {
    return first.slice(0, -1) + second;
  }
  return `${first} ${second}`;
}

function cut(lines, blocks) {
  if (!blocks || blocks.reduce((sum, count) => sum + count, 0) !== lines.length) {
    return [lines];
  }
  let start = 0;
  return blocks.map((count) => lines.slice(start, (start += count)));
}

// Columns of vertical writing are laid on their side: what follows knows rows only.
function withFrame({ text, polygon }) {
  const xs = polygon.map((point) => point[0]);
  const ys = polygon.map((point) => point[1]);
  // Of a slanting line the frame is higher than the line.
  const height = Math.min(side(polygon[0], polygon[1]), side(polygon[0], polygon[3]));
  const box = { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
  const upright = box.bottom - box.top > 2 * (box.right - box.left) && text.length > 1;
  return upright
    ? { text, height, left: box.top, right: box.bottom, top: -box.right, bottom: -box.left }
    : { text, height, ...box };
}

function side([x, y], [u, v]) {
  return Math.hypot(x - u, y - v);
}

// Neighbours that stand side by side are cells of one row.
function rowsOf(lines) {
  const rows = [];
  for (const line of lines) {
    const row = rows.at(-1);
    const middle = (line.top + line.bottom) / 2;
    if (row && middle > row.top && middle < row.bottom && line.left >= row.right) {
      row.text = `${row.text}\t${line.text}`;
      row.right = line.right;
      row.cells += 1;
    } else {
      rows.push({ ...line, cells: 1 });
    }
  }
  return rows;
}

function join(rows) {
  const column = { left: Math.min(...rows.map((row) => row.left)), right: Math.max(...rows.map((row) => row.right)) };
  const texts = [];
  let above = null;
  for (const row of rows) {
    if (above !== null && continues(above, row, column)) {
      texts.push(joinTexts(texts.pop(), row.text));
    } else {
      texts.push(row.text);
    }
    above = row;
  }
  return texts;
}

function continues(above, row, { left, right: edge }) {
  const height = Math.min(above.height, row.height);
  const similar = Math.max(above.height, row.height) < SIMILAR * height;
  const near = row.top - above.bottom < NEAR * height;
  const open = ENDS_OPEN.test(above.text);
  const full = edge - above.right < FULL * height || (open && (row.left - above.left < -height || saysMore(above, row, edge)));
  const indented = row.left - above.left > 1.2 * height && full && /[.!?。！？]$/u.test(above.text);
  return edge - left > NARROW * height && similar && near && full && !indented && above.cells === 1 && row.cells === 1;
}

// In a photograph lines of one paragraph end at different places: there a small letter tells that it goes on. Not so
// in lists, whose items are short.
function saysMore(above, row, edge) {
  const long = above.right - above.left > LONG * (edge - above.left) && above.text.split(" ").length > WORDS;
  return long && /^\p{Ll}/u.test(row.text);
}

function last(text) {
  return [...text.slice(-2)].at(-1);
}

function first_(text) {
  return [...text.slice(0, 2)][0];
}
