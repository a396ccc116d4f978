// Wheel, drag, pinch and keys over the picture, told as moves of the view.

const CLICK = 5; // CSS pixels that a pointer may stray and still click
const WHEEL = 0.0022; // zoom per CSS pixel of the wheel
const STEP = 60; // CSS pixels per arrow key

/**
 * Watches an element.
 * @param {HTMLElement} element
 * @param {{zoom: (factor: number, x: number, y: number) => void, pan: (dx: number, dy: number) => void,
 *   click: (event: PointerEvent) => void, zoomed: () => boolean,
 *   scrolls: () => boolean}} act `scrolls`: the wheel is the browser's own
 */
export function watchGestures(element, act) {
  const pointers = new Map();
  let strayed = false;
  let start = null;

  element.addEventListener(
    "wheel",
    (event) => {
      if (act.scrolls() && !event.ctrlKey && !event.metaKey) {
        return; // the pages move by themselves
      }
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1);
      // A pinch on a touchpad arrives as a wheel with Ctrl and small steps.
      const factor = Math.exp(-Math.max(-300, Math.min(300, pixels)) * WHEEL * (event.ctrlKey ? 4 : 1));
      const [x, y] = placeIn(element, event.clientX, event.clientY);
      act.zoom(factor, x, y);
    },
    { passive: false },
  );

  element.addEventListener("pointerdown", (event) => {
    // Over text the mouse selects; the middle button, and fingers, move the picture there, too.
    const selects = event.pointerType === "mouse" && event.button === 0 && event.target.closest(".lens-line");
    if (event.button > 1 || event.target.closest("button, [data-grip]") || selects || onScrollbar(element, event)) {
      return;
    }
    pointers.set(event.pointerId, event);
    start = event;
    strayed = pointers.size > 1;
  });

  element.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) {
      return;
    }
    if (!strayed && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > CLICK) {
      strayed = true;
      element.setPointerCapture(event.pointerId);
      element.classList.add("is-moving");
    }
    if (strayed) {
      if (pointers.size === 2) {
        pinch(before, event);
      } else if (event.pointerType !== "touch" || act.zoomed()) {
        act.pan(event.clientX - before.clientX, event.clientY - before.clientY);
      }
      pointers.set(event.pointerId, event);
    }
  });

  function pinch(before, now) {
    const other = [...pointers.values()].find((pointer) => pointer.pointerId !== now.pointerId);
    const distance = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
    const [x, y] = placeIn(element, (now.clientX + other.clientX) / 2, (now.clientY + other.clientY) / 2);
    act.zoom(distance(now) / Math.max(1, distance(before)), x, y);
    act.pan((now.clientX - before.clientX) / 2, (now.clientY - before.clientY) / 2);
  }

  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    element.addEventListener(name, (event) => {
      if (pointers.delete(event.pointerId) && !strayed && name === "pointerup") {
        act.click(event);
      }
      if (pointers.size === 0) {
        element.classList.remove("is-moving");
      }
    });
  }

  element.addEventListener("keydown", (event) => {
    if (event.target !== element || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const moves = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    const move = moves[event.key];
    if (move) {
      act.pan(move[0], move[1]);
      event.preventDefault();
    }
  });
}

function onScrollbar(element, { clientX, clientY }) {
  const [x, y] = placeIn(element, clientX, clientY);
  return x >= element.clientWidth || y >= element.clientHeight;
}

function placeIn(element, clientX, clientY) {
  const frame = element.getBoundingClientRect();
  return [clientX - frame.left, clientY - frame.top];
}
