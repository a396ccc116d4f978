// Keyboard commands, and the sheet that lists them. Single keys can be switched off (WCAG 2.1.4).

import { byId, COMMAND_KEY, isTyping } from "../core/dom.js";
import { later } from "../core/later.js";
import { loadWords } from "../words/words.js";

// In the order of the sheet: keys, the name of their words, and whether they are single keys.
const COMMANDS = [
  { keys: [COMMAND_KEY, "V"], name: "paste" },
  { keys: [COMMAND_KEY, "Enter"], name: "read" },
  { keys: ["O"], name: "open", single: true },
  { keys: ["C"], name: "copy", single: true },
  { keys: ["/"], name: "search", single: true },
  { keys: ["J"], name: "next", single: true },
  { keys: ["K"], name: "before", single: true },
  { keys: ["E"], name: "edit", single: true },
  { keys: ["N"], name: "nextFile", single: true },
  { keys: ["P"], name: "fileBefore", single: true },
  { keys: ["+"], name: "zoomIn", single: true },
  { keys: ["-"], name: "zoomOut", single: true },
  { keys: ["0"], name: "fit", single: true },
  { keys: ["R"], name: "turn", single: true },
  { keys: ["B"], name: "overlay", single: true },
  { keys: ["F"], name: "alone", single: true },
  { keys: ["S"], name: "options", single: true },
  { keys: ["H"], name: "history", single: true },
  { keys: ["D"], name: "theme", single: true },
  { keys: ["L"], name: "language", single: true },
  { keys: ["?"], name: "help", single: true },
  { keys: ["Esc"], name: "stop" },
  { keys: ["G"], name: "doubt", single: true },
  { keys: [COMMAND_KEY, "Z"], name: "undo" },
  { keys: [COMMAND_KEY, "Y"], name: "redo" },
  { keys: [COMMAND_KEY, "H"], name: "replace" },
];

/**
 * Wires the keys; `act` has one function per command's name, and `missing()` where the sheet has not arrived.
 * @param {Store} store
 */
export function watchKeys(store, act) {
  const sheet = later("shell/key-list.js", ({ watchKeyList }) => watchKeyList(store, COMMANDS), {
    words: () => loadWords("keys"),
  });
  const showHelp = () => sheet().then(() => byId("help-dialog").showModal(), act.missing);
  byId("help").addEventListener("click", showHelp);
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event, store.get().prefs.keys);
    if (command && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      (command.name === "help" ? showHelp : act[command.name])();
    }
  });
}

function commandOf(event, singles) {
  if (event.defaultPrevented || event.isComposing || event.altKey) {
    return undefined;
  }
  if (event.ctrlKey || event.metaKey) {
    const name = {
      enter: "read",
      ...(isTyping(event.target) ? {} : { z: event.shiftKey ? "redo" : "undo", y: "redo" }),
    }[event.key.toLowerCase()];
    return COMMANDS.find((command) => command.name === name);
  }
  if (isTyping(event.target)) {
    return undefined;
  }
  if (event.key === "Escape") {
    return COMMANDS.find(({ name }) => name === "stop");
  }
  const key = event.key === "=" ? "+" : event.key.toUpperCase();
  return singles ? COMMANDS.find((command) => command.single && command.keys[0] === key) : undefined;
}
