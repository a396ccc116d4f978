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
  return copyBySelection(text);
}

function copyBySelection(text) {
  const focused = document.activeElement;
  // Inside an open dialog nothing outside it can be selected.
  const home = focused?.closest("dialog") ?? document.body;
  const area = document.createElement("textarea");
  area.className = "visually-hidden";
  area.value = text;
  home.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
    focused?.focus();
  }
}
