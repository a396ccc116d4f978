// Which blocks of a page stood side by side. Pure.

import { outlineOf } from "./blocks.js";

const OVERLAP = 0.3; // part of the lower height that blocks side by side share at least

/**
 * Groups the blocks of a page in reading order.
 * @returns {number[][][]} groups one below the other, each with its columns, each with the numbers of its blocks
 */
export function columnsOf(result, blocks) {
  const boxes = blocks.map((block) => boxOf(outlineOf(result, block)));
  const groups = [];
  let columns = [[]]; // of the group that grows, each with its numbers
  const around = (numbers) => union(numbers.map((number) => boxes[number]));
  const close = () => {
    groups.push(...(columns.length > 1 ? parted(columns, boxes) : [columns]));
    columns = [[]];
  };
  boxes.forEach((box, number) => {
    const last = columns.at(-1);
    // Of a single column only what stands left of the block and not above it is beside it: headings over all are not.
    const right = last.findLastIndex((other) => !box || boxes[other].right > box.left + 2) + 1;
    const above = columns.length === 1 && box ? last.findIndex((other) => boxes[other].bottom > box.top) : 0;
    const start = above < 0 ? last.length : Math.max(right, above);
    const left = last.slice(start);
    if (box && left.length > 0 && beside(around(left), box) && (start === 0 || columns.length === 1)) {
      if (start > 0) {
        columns = [last.slice(0, start)];
        close();
        columns = [left];
      }
      columns.push([number]);
    } else if (columns.length === 1 ? boxes[last[0]] !== null && box : box && goesOn(columns, around, box)) {
      last.push(number);
    } else {
      close();
      columns = [[number]];
    }
  });
  close();
  return groups.filter((group) => group[0].length > 0);
}

// What goes on below all other columns has the whole width, whatever its place in the order of reading.
function parted(columns, boxes) {
  const end = (numbers) => Math.max(...numbers.map((number) => boxes[number].bottom));
  const below = [];
  const upper = columns.map((numbers, at) => {
    const others = Math.max(...columns.filter((_, other) => other !== at).map(end));
    const start = numbers.findIndex((number) => boxes[number].top >= others);
    if (start < 1) {
      return numbers;
    }
    below.push(...numbers.slice(start));
    return numbers.slice(0, start);
  });
  return below.length > 0 ? [upper, [below]] : [upper];
}

// The block begins a column: beside the former one, not only below it.
function beside(column, box) {
  const shared = Math.min(column.bottom, box.bottom) - Math.max(column.top, box.top);
  return shared > OVERLAP * Math.min(column.bottom - column.top, box.bottom - box.top);
}

// Whether a block belongs to the last of several columns.
function goesOn(columns, around, box) {
  const edge = around(columns.at(-2)).right;
  const column = around(columns.at(-1));
  return box.left >= edge - 2 && box.top >= column.top && box.left < column.right;
}

function union(boxes) {
  return {
    left: Math.min(...boxes.map((box) => box.left)),
    right: Math.max(...boxes.map((box) => box.right)),
    top: Math.min(...boxes.map((box) => box.top)),
    bottom: Math.max(...boxes.map((box) => box.bottom)),
  };
}

function boxOf(outline) {
  if (!outline) {
    return null;
  }
  const xs = outline.map((point) => point[0]);
  const ys = outline.map((point) => point[1]);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}
