// Small helpers to build elements. Text only ever becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** What the key of the system's own commands is called here. */
export const COMMAND_KEY = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

/** An element with attributes, listeners (`onclick: …`) and children; strings become text nodes. */
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG elements. */
export function makeSvg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** A symbol of the page's own set, hidden from screen readers: its control carries the name. */
export function icon(name) {
  const use = makeSvg("use", { href: `#i-${name}` });
  return makeSvg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, use);
}

/** A button with a symbol and an accessible name that shows as a tip. */
export function iconButton(name, label, onclick, extra = "") {
  return make(
    "button",
    { type: "button", class: `icon-button ${extra}`.trim(), "aria-label": label, title: label, onclick },
    icon(name),
  );
}

/**
 * The element of the page with this id.
 * @template {string} Id
 * @param {Id} id
 */
export function byId(id) {
  return /** @type {ElementOf<Id>} */ (document.getElementById(id));
}

/**
 * Scrolls a container, and nothing around it, until the element is inside its visible part. Where the container does
 * not scroll by itself, as on a phone, the page does.
 */
export function reveal(container, element, margin = 0) {
  if (getComputedStyle(container).overflowY === "visible") {
    element.scrollIntoView({ block: "nearest" });
    return;
  }
  const frame = container.getBoundingClientRect();
  const target = element.getBoundingClientRect();
  container.scrollTop += shortfall(target.top, target.bottom, frame.top, frame.bottom, margin);
  container.scrollLeft += shortfall(target.left, target.right, frame.left, frame.right, margin);
}

// How far to scroll so that a span lies inside another; of one that is too long, its beginning.
function shortfall(low, high, first, last, margin) {
  if (low - margin < first || high - low + 2 * margin > last - first) {
    return low - margin - first;
  }
  return Math.max(0, high + margin - last);
}

let announced = null;

/** Resolves once the styles are there that the page announces but needs with the first file only. */
export function laterStyles() {
  announced ??= Promise.all(
    [...document.querySelectorAll("link[disabled]")].map(
      (link) =>
        new Promise((resolve) => {
          link.addEventListener("load", resolve);
          link.addEventListener("error", resolve);
          link.removeAttribute("disabled");
        }),
    ),
  );
  return announced;
}

/** Whether what is typed now goes into a field. */
export function isTyping(target) {
  return (
    target instanceof Element && target.closest("input:not([type=checkbox],[type=range]), textarea, select") !== null
  );
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) {
      element.addEventListener(key.slice(2), value);
    } else if (value === true) {
      element.setAttribute(key, "");
    } else if (value !== false && value !== undefined && value !== null) {
      element.setAttribute(key, value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
