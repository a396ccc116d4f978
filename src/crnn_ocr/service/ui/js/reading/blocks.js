// A page as blocks: headings, paragraphs, lists, tables, and how the lines of a block are joined. Pure.

const WIDE = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u3000-\u303f]|[\ud840-\ud888][\udc00-\udfff]/u;
// As crnn_ocr/layout/blocks/joining.py has them, where they were measured; lengths in heights of a line.
const ON_ROW = 0.4; // most distance of the middles of parts of one row
const SLACK = 1.5; // white space that a full line may leave beyond the next word
const SLACK_WITHIN = 4; // the same where the next line goes on within a sentence
const KEPT_TOGETHER = 2; // characters of a Chinese line that stay together
const FIELD_GAP = 1; // white space between the fields of a form
const MIN_FORM_ROWS = 2;
const MIN_ADDRESS_LINES = 3;
const ADDRESS_LINE = 30; // most characters of its lines, on average
const FURNITURE = new Set(["header", "footer", "page_number"]); // left out of running text, as by the server

/**
 * The blocks of a page; lines are given by their indexes among all lines.
 * @returns {{type: string, level: number, polygon: number[][] | null, lines: number[], table: Table | null}[]}
 */
export function blocksOf(result, page) {
  const { first, count, structure } = result.pages[page];
  const all = Array.from({ length: count }, (_, place) => place);
  const given = structure ?? (count > 0 ? [{ type: "paragraph", lines: all }] : []);
  const indexes = (places) => places.map((place) => first + place);
  return given.map((block) => ({
    type: block.type,
    level: block.level ?? 0,
    polygon: block.polygon ?? null,
    lines: indexes(block.lines),
    table: block.table
      ? { ...block.table, cells: block.table.cells.map((cell) => ({ ...cell, lines: indexes(cell.lines) })) }
      : null,
  }));
}

/** The four corners of a block: its own, or those around its lines; null where it has neither. */
export function outlineOf(result, { polygon, lines }) {
  if (polygon) {
    return polygon;
  }
  const points = lines.flatMap((index) => result.lines[index].polygon);
  if (points.length === 0) {
    return null;
  }
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

/**
 * What stands between the lines of a block when they are joined: nothing between Chinese characters, a blank between
 * words, a line feed where the next word would have had room (addresses, poems); and no hyphen of a divided word.
 * @param {{text: string, polygon: number[][]}[]} lines
 * @returns {{hyphen: boolean, between: string}[]} one for each line but the last; `hyphen`: its last sign goes
 */
export function seamsOf(lines) {
  const spans = lines.map(spanOf);
  const edge = Math.max(...spans.map((span) => span.end));
  const seams = lines.slice(1).map((line, at) => seam(lines[at].text, line.text, spans[at], spans[at + 1], edge));
  if (!isForm(spans) && !isAddress(lines)) {
    return seams;
  }
  return seams.map((each, at) =>
    onRow(spans[at], spans[at + 1]) || each.hyphen ? each : { hyphen: false, between: "\n" },
  );
}

// At least half of the rows are fields side by side, such as a label and its value.
function isForm(spans) {
  const withFields = new Set();
  let rows = 1;
  spans.slice(1).forEach((below, at) => {
    if (!onRow(spans[at], below)) {
      rows += 1;
    } else if (below.start - spans[at].end > FIELD_GAP * spans[at].size) {
      withFields.add(rows);
    }
  });
  return withFields.size >= MIN_FORM_ROWS && 2 * withFields.size >= rows;
}

// Short lines that all begin with a capital or a figure, some of them with figures.
function isAddress(lines) {
  const texts = lines.map(({ text }) => text);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  const begins = texts.every((text) => /^[\p{Lu}\p{Nd}]/u.test(text) && !/[-\u2010\u00ad]$/u.test(text));
  return (
    texts.length >= MIN_ADDRESS_LINES &&
    length <= ADDRESS_LINE * texts.length &&
    begins &&
    texts.some((text) => /\d/.test(text))
  );
}

function onRow(above, below) {
  return Math.abs(above.across - below.across) < ON_ROW * Math.min(above.size, below.size);
}

function seam(first, second, above, below, edge) {
  if (!first || !second) {
    return { hyphen: false, between: "" };
  }
  const wide = WIDE.test([...first.slice(-2)].at(-1)) || WIDE.test([...second.slice(0, 2)][0]);
  if (onRow(above, below)) {
    return { hyphen: false, between: wide && below.start - above.end < above.size / 2 ? "" : " " };
  }
  if (/\p{Ll}[-\u00ad]$/u.test(first) && /^\p{Ll}/u.test(second)) {
    return { hyphen: true, between: "" };
  }
  const within = /^\p{Ll}/u.test(second) || /[，,、\-—]$/u.test(first);
  const word = wide ? KEPT_TOGETHER : second.search(/\s|$/);
  const needed = ((below.end - below.start) * word) / second.length + (within ? SLACK_WITHIN : SLACK) * above.size;
  return { hyphen: false, between: edge - above.end > needed ? "\n" : wide ? "" : " " };
}

// Where a line begins and ends along its direction, where it lies across it, and how high it is, in pixels.
function spanOf({ text, polygon }) {
  const xs = polygon.map((point) => point[0]);
  const ys = polygon.map((point) => point[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const side = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
  const size = Math.min(side(polygon[0], polygon[1]), side(polygon[0], polygon[3])); // of a slanting line the frame is higher
  const upright = bottom - top > 2 * (right - left) && text.length > 1;
  return upright
    ? { start: top, end: bottom, across: -(left + right) / 2, size }
    : { start: left, end: right, across: (top + bottom) / 2, size };
}

/** Lines as one text. */
export function joined(lines) {
  const shown = lines.filter(({ text }) => text !== "");
  const seams = seamsOf(shown);
  return shown
    .map(({ text }, at) => (seams[at]?.hyphen ? text.slice(0, -1) : text) + (seams[at]?.between ?? ""))
    .join("");
}

/** The texts of a table by row and column; that of a cell with spans stands at its first place. */
export function rowsOfTable(result, table) {
  const rows = Array.from({ length: table.rows }, () => Array(table.cols).fill(""));
  for (const cell of table.cells) {
    rows[cell.row][cell.col] = joined(cell.lines.map((index) => result.lines[index]));
  }
  return rows;
}

/** A table as rows with tabs, for spreadsheets: every place of the grid has its field, so no column moves. */
export function tsvOf(result, table) {
  return rowsOfTable(result, table)
    .map((row) => row.map((text) => text.replace(/[\t\r\n]+/g, " ")).join("\t"))
    .join("\n");
}

/** The whole text as people write it: blocks apart, their lines joined; with the layout `lines` every line a row. */
export function flowText(result) {
  if (result.layout !== "blocks") {
    return textOf(result);
  }
  const blocks = result.pages
    .flatMap((_, page) => blocksOf(result, page))
    .filter(({ type }) => !FURNITURE.has(type))
    .map((block) => ({ type: block.type, text: textOfBlock(result, block) }))
    .filter(({ text }) => text.trim() !== "");
  return blocks
    .map(({ type, text }, index) => {
      const gap = index === 0 ? "" : type === "list_item" && blocks[index - 1].type === type ? "\n" : "\n\n";
      return gap + text;
    })
    .join("");
}

/** The text of one block. */
export function textOfBlock(result, block) {
  return block.table ? tsvOf(result, block.table) : joined(block.lines.map((index) => result.lines[index]));
}

/** All lines, one per row; pages are separated by an empty row. */
export function textOf(result) {
  return result.pages
    .map(({ first, count }) =>
      result.lines
        .slice(first, first + count)
        .map((line) => line.text)
        .join("\n"),
    )
    .join("\n\n");
}
