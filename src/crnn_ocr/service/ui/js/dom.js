// Small helpers to build elements. Text only ever becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; strings become text nodes. */
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG elements. */
export function makeSvg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** The element of the page with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Scrolls a container, and nothing around it, until the element is inside its visible part. */
export function reveal(container, element) {
  const frame = container.getBoundingClientRect();
  const target = element.getBoundingClientRect();
  if (target.top < frame.top) {
    container.scrollTop -= frame.top - target.top;
  } else if (target.bottom > frame.bottom) {
    container.scrollTop += target.bottom - frame.bottom;
  }
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
