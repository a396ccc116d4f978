// The API key, where the server asks for one: kept for this tab's session only.

import { byId } from "../core/dom.js";

const KEY = "crnn-ocr.key";
let key = stored();
let asking = null;
let answers = 0;

/** The headers that carry the key; none where there is no key. */
export function keyHeaders() {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** Whether a key is in use. */
export function hasKey() {
  return key !== "";
}

/**
 * Sends a request; where the server wants a key, or another one, asks the user and sends it again.
 * @template {{status: number}} Reply
 * @param {() => Promise<Reply>} send
 */
export async function withKey(send) {
  for (;;) {
    const before = answers;
    const reply = await send();
    // Several requests may be refused at once: the user is asked once, and the answer counts for all of them.
    const given = reply.status === 401 && (answers === before ? await ask() : hasKey());
    if (!given) {
      return reply;
    }
  }
}

function ask() {
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
        field.value = "";
        asking = null;
        answers += 1;
        resolve(given);
      },
      { once: true },
    );
    dialog.showModal();
  });
  return asking;
}

function stored() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function keep(given) {
  key = given;
  try {
    if (given) {
      sessionStorage.setItem(KEY, given);
    } else {
      sessionStorage.removeItem(KEY);
    }
  } catch {
    // Without storage the key is gone with the page.
  }
}
