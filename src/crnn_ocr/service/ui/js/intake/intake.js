// The ways in: file chooser, camera, drop anywhere on the page, paste, and what another app shares.

import { isTyping } from "../core/dom.js";
import { t } from "../words/words.js";
import { filesOfDrop } from "./folders.js";

/**
 * Watches all ways in.
 * @param {{zone: Element, inputs: HTMLInputElement[]}} elements
 * @param {(files: File[], way: "chosen" | "dropped" | "pasted" | "shared") => void} onFiles called with at least one file
 * @param {() => void} onNone called where a drop brings no file that could be read
 */
export function watchIntake({ zone, inputs }, onFiles, onNone) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      hand([...input.files], "chosen", onFiles);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  watchDrop(zone, onFiles, onNone);
  const shared = document.getElementById("shared"); // there where another app has shared files with this page
  if (shared) {
    import("./shared.js").then(({ takeShared }) => hand(takeShared(shared), "shared", onFiles), onNone);
  }
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    // Office programs put a picture beside the text that they copy: in a field the text is what is meant.
    const text = isTyping(event.target) && event.clipboardData?.types.includes("text/plain");
    if (files.length > 0 && !text) {
      event.preventDefault();
      hand(files, "pasted", onFiles);
    }
  });
}

function watchDrop(zone, onFiles, onNone) {
  let depth = 0; // dragenter and dragleave also fire for every child
  const mark = (change) => {
    depth = Math.max(0, change);
    zone.classList.toggle("is-over", depth > 0);
  };
  addEventListener("dragenter", (event) => carriesFiles(event) && mark(depth + 1));
  addEventListener("dragleave", (event) => carriesFiles(event) && mark(depth - 1));
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (carriesFiles(event)) {
      event.preventDefault(); // the browser would leave the page and open the file
      mark(0);
      const files = await filesOfDrop(event.dataTransfer);
      hand(files, "dropped", onFiles);
      if (files.length === 0) {
        onNone();
      }
    }
  });
}

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function hand(files, way, onFiles) {
  if (files.length > 0) {
    onFiles(files, way);
  }
}

/** The name of a file; browsers call every pasted picture "image.png", so a time tells those apart. */
export function nameOf(file, way) {
  if (way === "pasted" && (!file.name || file.name === "image.png")) {
    return `${t("pastedName")} ${new Date().toTimeString().slice(0, 8).replaceAll(":", "-")}.png`;
  }
  return file.name || t("pastedName");
}
