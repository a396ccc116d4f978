// What is copied: one line, the selected lines, or everything, as the visible panel shows it.

import { copyText } from "../core/clipboard.js";
import { textOf } from "../reading/formats.js";
import { paragraphsOf } from "../reading/paragraphs.js";

/** Copies the selected lines, or everything where none is selected; resolves to whether it worked. */
export function copyResult(result, selected, joined) {
  return copyText(selected.size > 0 ? selectionText(result, selected, joined) : textOf(result, { joined }));
}

/** The text of the selected lines, in reading order. */
export function selectionText(result, selected, joined) {
  const chosen = [...selected].sort((a, b) => a - b).map((index) => result.lines[index]).filter(Boolean);
  const pages = [...new Set(chosen.map((line) => line.page))];
  const texts = pages.map((page) => {
    const lines = chosen.filter((line) => line.page === page);
    return (joined ? paragraphsOf(lines) : lines.map((line) => line.text)).join("\n");
  });
  return texts.join("\n\n");
}

/** Makes copying a part of the list with the mouse give its text alone, one row per line. */
export function watchCopy(list) {
  list.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (selection.isCollapsed || event.target instanceof HTMLTextAreaElement) {
      return;
    }
    const range = selection.getRangeAt(0);
    const cells = [...list.querySelectorAll(".line-text")].filter((cell) => range.intersectsNode(cell));
    if (cells.length > 0) {
      event.preventDefault();
      event.clipboardData.setData("text/plain", cells.map((cell) => partOf(cell, range)).join("\n"));
    }
  });
}

function partOf(cell, range) {
  const part = document.createRange();
  part.selectNodeContents(cell);
  if (part.comparePoint(range.startContainer, range.startOffset) === 0) {
    part.setStart(range.startContainer, range.startOffset);
  }
  if (part.comparePoint(range.endContainer, range.endOffset) === 0) {
    part.setEnd(range.endContainer, range.endOffset);
  }
  return part.toString();
}
