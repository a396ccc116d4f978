// A table of the document: real cells with spans, moved through and edited by keys, copied for spreadsheets.

import { icon, make } from "../../core/dom.js";
import { copyRich } from "../../core/clipboard.js";
import { rowsOfTable, tsvOf } from "../../reading/blocks.js";
import { t } from "../../words/words.js";
import { editIn } from "../editor.js";
import { marked } from "../marked.js";

/**
 * Makes the element of a table.
 * @param {Result} result
 * @param {Block} block with its table
 * @param {{edit: (cell: number, rows: string[]) => void, say: (words: string) => void, redraw: () => void,
 *   grid: () => void, gridOpen: boolean}} act `edit` gets the number of a cell and its new rows; `redraw` makes the
 *   table anew; `grid` shows or hides the lines of the grid over the picture
 */
export function tableOf(result, block, act) {
  const { table } = block;
  const cells = table.cells.map((cell, number) => cellOf(result, table, cell, number));
  const parts = [[], []]; // head, body
  for (let row = 0; row < table.rows; row += 1) {
    const own = cells.filter((_, number) => table.cells[number].row === row);
    parts[row < table.header_rows ? 0 : 1].push(make("tr", {}, ...own));
  }
  const grid = make(
    "table",
    { class: "grid", role: "grid", "aria-label": t("tableLabel", { rows: table.rows, cols: table.cols }) },
    ...(parts[0].length ? [make("thead", {}, ...parts[0])] : []),
    make("tbody", {}, ...parts[1]),
  );
  cells[0]?.setAttribute("tabindex", "0");
  const open = (element) => edit(result, table, element, act);
  grid.addEventListener("keydown", (event) => onKey(event, table, cells, open));
  let touched = null; // a second tap edits, where there is no double click
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("td, th");
    focusOn(cells, cell);
    if (event.pointerType === "touch" && cell && cell === touched && !event.target.closest("textarea")) {
      open(cell);
    }
    touched = cell;
  });
  grid.addEventListener("dblclick", (event) => {
    event.stopPropagation(); // outside tables it opens the list of lines
    if (!event.target.closest("textarea")) {
      open(event.target.closest("td, th"));
    }
  });
  const copy = make(
    "button",
    { type: "button", class: "button button-small", onclick: () => copyTable(result, table, act.say) },
    icon("copy"),
    make("span", {}, t("copyTable")),
  );
  const lines = make(
    "button",
    {
      type: "button",
      class: "button button-small grid-toggle",
      "aria-pressed": String(act.gridOpen),
      onclick: act.grid,
    },
    icon(act.gridOpen ? "check" : "edit"),
    make("span", {}, t(act.gridOpen ? "gridDone" : "gridEdit")),
  );
  const size = make("span", { class: "grid-size" }, t("tableSize", { rows: table.rows, cols: table.cols }));
  const help = act.gridOpen ? make("p", { class: "grid-help" }, t("gridHelp")) : null;
  return make(
    "div",
    {},
    make("div", { class: "grid-tools" }, size, lines, copy, help),
    make("div", { class: "grid-frame" }, grid),
  );
}

/** A table as plain HTML for other programs: text alone, spans kept, every empty cell in its place. */
export function plainTable(result, table) {
  const texts = rowsOfTable(result, table);
  const rows = Array.from({ length: table.rows }, () => make("tr"));
  for (const cell of table.cells) {
    rows[cell.row].append(
      make(cell.row < table.header_rows ? "th" : "td", spans(cell), ...rowsWithBreaks(texts[cell.row][cell.col])),
    );
  }
  return make("table", { border: "1" }, ...rows);
}

/** A text whose rows are parted by `<br>`. */
export function rowsWithBreaks(text) {
  return text.split("\n").flatMap((row, index) => (index ? [make("br"), row] : [row]));
}

async function copyTable(result, table, say) {
  const done = await copyRich(tsvOf(result, table), plainTable(result, table).outerHTML);
  say(t(done ? "tableCopied" : "copyFailed"));
}

function cellOf(result, table, cell, number) {
  const head = cell.row < table.header_rows;
  const lines = cell.lines.filter((index) => result.lines[index].text !== "");
  const inner = lines.flatMap((index, at) => [
    ...(at ? [make("br")] : []),
    make("span", { class: "doc-line", "data-index": index }, ...marked(result.lines[index])),
  ]);
  const names = {
    "data-cell": number,
    tabindex: "-1",
    ...spans(cell),
    ...(head ? { scope: "col", role: "columnheader" } : { role: "gridcell" }),
  };
  return make(head ? "th" : "td", names, make("div", { class: "cell" }, ...inner));
}

function spans({ row_span: rows, col_span: cols }) {
  return { ...(rows > 1 ? { rowspan: rows } : {}), ...(cols > 1 ? { colspan: cols } : {}) };
}

function edit(result, table, element, act) {
  if (!element) {
    return;
  }
  const number = Number(element.dataset.cell);
  const cell = table.cells[number];
  const text = cell.lines
    .map((index) => result.lines[index].text)
    .filter(Boolean)
    .join("\n");
  const label = t("editCell", { row: cell.row + 1, col: cell.col + 1 });
  // The table may be drawn anew by the change: the next cell is found by its number.
  const home = element.closest(".doc-block");
  const key = home.dataset.block;
  const place = home.parentElement.closest("[id]");
  const focus = (to) => {
    const found = place.querySelector(`.doc-block[data-block="${key}"] [data-cell="${to}"]`);
    found?.setAttribute("tabindex", "0");
    found?.focus({ preventScroll: false });
    return found;
  };
  editIn(element.querySelector(".cell"), { text, label, rows: true }, (value, how) => {
    if (value === text) {
      act.redraw();
    } else {
      act.edit(number, value === "" ? [] : value.split("\n"));
    }
    const step = { next: 1, before: -1 }[how] ?? 0;
    if (how !== "leave" && table.cells[number + step]) {
      const target = focus(number + step);
      if (step && target) {
        target.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
      }
      return true;
    }
    return false;
  });
}

function onKey(event, table, cells, open) {
  const element = event.target.closest?.("td, th");
  if (!element || event.target !== element || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const number = Number(element.dataset.cell);
  const { row, col, row_span: rows, col_span: cols } = table.cells[number];
  const at = {
    ArrowRight: [row, col + cols],
    ArrowLeft: [row, col - 1],
    ArrowDown: [row + rows, col],
    ArrowUp: [row - 1, col],
    Home: [row, 0],
    End: [row, table.cols - 1],
  }[event.key];
  if (at) {
    const next = table.cells.findIndex((cell) => holds(cell, at));
    event.preventDefault();
    event.stopPropagation();
    focusOn(cells, cells[next]);
  } else if (event.key === "Enter" || event.key === "F2") {
    event.preventDefault();
    event.stopPropagation();
    open(element);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    open(element);
    const field = element.querySelector("textarea");
    field.value = "";
  } else if (event.key.length === 1 && event.key !== " ") {
    event.stopPropagation(); // what is typed goes into the cell, as in a spreadsheet, and is no command
    open(element);
    element.querySelector("textarea").select(); // the key that is being pressed takes the place of all
  }
}

function holds(cell, [row, col]) {
  return row >= cell.row && row < cell.row + cell.row_span && col >= cell.col && col < cell.col + cell.col_span;
}

function focusOn(cells, element) {
  if (element && !element.querySelector("textarea")) {
    cells.forEach((cell) => cell.setAttribute("tabindex", "-1"));
    element.setAttribute("tabindex", "0");
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}
