// The API key, where the server asks for one: kept for this tab's session only.

import { byId } from "../core/dom.js";

const KEY = "crnn-ocr.key";
let asking = null;

/** The headers that carry the key; none where there is no key. */
export function keyHeaders() {
  const key = kept();
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** Whether a key is in use. */
export function hasKey() {
  return Boolean(kept());
}

/** Asks the user for the key, once for all who wait; resolves to whether one was given. */
export function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = byId("key-dialog");
    const field = byId("key-field");
    byId("key-wrong").hidden = !hasKey();
    field.value = "";
    dialog.returnValue = "";
    dialog.addEventListener(
      "close",
      () => {
        const given = dialog.returnValue === "use" && /^[\x21-\x7e]+$/.test(field.value.trim());
        keep(given ? field.value.trim() : "");
        asking = null;
        resolve(given);
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}

function kept() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(key) {
  try {
    if (key) {
      sessionStorage.setItem(KEY, key);
    } else {
      sessionStorage.removeItem(KEY);
    }
  } catch {
    // Without storage the key would be asked for every time; there is no better place.
  }
}
