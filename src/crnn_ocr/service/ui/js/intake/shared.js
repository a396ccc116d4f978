// Files that another app has shared with the installed page: the server has put them into the page (POST /share).

import { t } from "../words/words.js";

const TYPES = [
  ["JVBERi0", "application/pdf", "pdf"],
  ["SUkqA", "image/tiff", "tiff"],
  ["TU0AK", "image/tiff", "tiff"],
];

/** Takes the files out of the page. */
export function takeShared(home) {
  const files = [...home.children].map(({ textContent }, index, all) => {
    const bytes = Uint8Array.from(atob(textContent), (char) => char.charCodeAt(0));
    // The browser finds out by itself what kind of picture it is; of documents it has to be told.
    const [, type, suffix] = TYPES.find(([start]) => textContent.startsWith(start)) ?? ["", "", ""];
    const name = t("sharedName") + (all.length > 1 ? ` ${index + 1}` : "") + (suffix ? `.${suffix}` : "");
    return new File([bytes], name, { type });
  });
  home.remove();
  history.replaceState(null, "", "/"); // another visit is no sharing
  return files;
}
