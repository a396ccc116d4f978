// Copies text; also where the page is served without TLS and the modern interface is missing.

/** Resolves to whether the text is now on the clipboard. */
export async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Permission refused: the old way may still be allowed.
    }
  }
  return copyBySelection({ "text/plain": text });
}

/** The same with HTML beside the text, for programs that know headings and tables. */
export async function copyRich(text, html) {
  const parts = { "text/plain": text, "text/html": html };
  if (navigator.clipboard?.write && window.isSecureContext) {
    try {
      const blobs = Object.entries(parts).map(([type, part]) => [type, new Blob([part], { type })]);
      await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
      return true;
    } catch {
      // As above.
    }
  }
  return copyBySelection(parts);
}

function copyBySelection(parts) {
  const focused = /** @type {HTMLElement} */ (document.activeElement);
  // Inside an open dialog nothing outside it can be selected.
  const home = focused?.closest("dialog") ?? document.body;
  const area = document.createElement("textarea");
  area.className = "visually-hidden";
  area.value = parts["text/plain"] || " ";
  const fill = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    Object.entries(parts).forEach(([type, part]) => event.clipboardData.setData(type, part));
  };
  home.append(area);
  area.select();
  document.addEventListener("copy", fill, { capture: true, once: true });
  try {
    return document.execCommand("copy");
  } finally {
    document.removeEventListener("copy", fill, { capture: true });
    area.remove();
    focused?.focus();
  }
}
