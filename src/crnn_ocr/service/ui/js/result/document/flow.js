// How the blocks of a page follow each other in the document, and the lines within a block.

import { make } from "../../core/dom.js";
import { blocksOf, seamsOf } from "../../reading/blocks.js";
import { columnsOf } from "../../reading/columns.js";

/** The elements of blocks in their order: items that follow each other are one list, and what stood side by side stands so again. */
export function flow(result, blocks, elements) {
  return columnsOf(result, blocks)
    .map((columns) => {
      const inner = columns.map((numbers) =>
        lists(numbers.map((number) => ({ type: blocks[number].type, element: elements[number] }))),
      );
      return inner.length === 1
        ? inner[0]
        : [make("div", { class: "doc-columns" }, ...inner.map((parts) => make("div", {}, ...parts)))];
    })
    .flat();
}

/** The lines of a block that are shown, each with its index, and what stands between them. */
export function seamedLines(result, block) {
  const lines = block.lines.map((index) => ({ ...result.lines[index], index })).filter(({ text }) => text !== "");
  return [
    lines,
    result.layout === "blocks" ? seamsOf(lines) : lines.slice(1).map(() => ({ hyphen: false, between: "\n" })),
  ];
}

/** What can be searched on a page: the texts as they are shown, and how to get the elements that show them. */
export function textsOfPage(result, page, elementOf) {
  return blocksOf(result, page).flatMap((block, number) => {
    const key = `${page}/${number}`;
    if (block.table) {
      const text = (cell) => cell.lines.map((index) => result.lines[index].text).join("");
      return block.table.cells.map((cell, at) => ({
        text: text(cell),
        element: () => elementOf(key).querySelector(`[data-cell="${at}"] .cell`),
      }));
    }
    const [lines, seams] = seamedLines(result, block);
    const text = lines.map(
      (line, at) => (seams[at]?.hyphen ? line.text.slice(0, -1) : line.text) + (seams[at]?.between ?? ""),
    );
    return [{ text: text.join(""), element: () => elementOf(key) }];
  });
}

/** The index of the line at an element, or null; of a cell its first. */
export function lineAt(target) {
  const element = target instanceof Element ? target.closest(".doc-line, td, th") : null;
  const line = element?.matches(".doc-line") ? element : element?.querySelector(".doc-line");
  return line ? Number(line.dataset.index) : null;
}

function lists(parts) {
  const found = [];
  for (const { type, element } of parts) {
    if (type !== "list_item") {
      found.push(element);
    } else if (found.at(-1)?.matches(".doc-list")) {
      found.at(-1).append(element);
    } else {
      found.push(make("ul", { class: "doc-list" }, element));
    }
  }
  return found;
}
