// What all dialogs share: a close button each, and a click beside one closes it.

/** Wires every dialog of the page. */
export function watchDialogs() {
  document.querySelectorAll("dialog").forEach(watchDialog);
}

/** Wires one. */
export function watchDialog(dialog) {
  for (const button of dialog.querySelectorAll("[data-close]")) {
    button.addEventListener("click", () => dialog.close());
  }
  dialog.addEventListener("pointerdown", (event) => {
    // The backdrop belongs to the dialog itself, its content to the sheet inside.
    if (event.target === dialog) {
      dialog.close();
    }
  });
}
