// The first screen: the ways in, an example that turns from a photo into a document, and what was read before.

import { byId, icon, make } from "../core/dom.js";
import { load } from "../core/later.js";
import { t } from "../words/words.js";

const MOST_RECENT = 4;
// Not on phones, and only over TLS or on this machine.
const canCapture = typeof navigator.mediaDevices?.getDisplayMedia === "function";

// What the samples say: the texts are ours, and the server reads the very same when one clicks.
const EXAMPLES = {
  en: {
    file: "photo.webp",
    page: () => [
      make("span", { class: "demo-title" }, "Chapter 4"),
      make(
        "span",
        { class: "demo-text" },
        "The lighthouse at Harrow Point was built in 1867, after three ships had run aground in a single winter. Its first keeper, Anna Reed, kept a diary of wind and weather for twenty-nine years; on most evenings she noted little more than “calm”.",
      ),
      make(
        "span",
        { class: "demo-text" },
        "On 14 March 1888 she wrote: “Snow since noon, wind from the east. Lamp lit at 17:40. Two boats in the bay, both safe by nightfall.”",
      ),
    ],
  },
  zh: {
    file: "receipt.webp",
    page: () => [
      make("span", { class: "demo-title" }, "青禾生活超市"),
      make("span", { class: "demo-text" }, "单号 20261122-0417　2026-11-22 18:42"),
      make(
        "span",
        { class: "demo-table" },
        ...[
          ["有机纯牛奶 1L × 2", "25.80"],
          ["全麦吐司 400g", "12.50"],
          ["红富士苹果 1.236kg", "15.94"],
          ["USB-C 充电线 1m", "29.90"],
          ["会员优惠", "-4.14"],
          ["合计", "¥80.00"],
        ].flatMap((row) => row.map((cell) => make("span", {}, cell))),
      ),
      make("span", { class: "demo-text" }, "谢谢惠顾，欢迎再次光临！"),
    ],
  },
};

/**
 * Wires it; `act` has `sample(file)`, `captured(file)`, `open(id)`, `missing()` and `recent()`, which resolves to entries of the history.
 * @param {Store} store
 */
export function watchWelcome(store, act) {
  let urls = [];
  byId("capture").hidden = !canCapture;
  byId("capture").addEventListener("click", async () => {
    const capture = await load("intake/capture.js").catch(act.missing);
    const file = await capture?.captureScreen(t("captureName"));
    if (file) {
      act.captured(file);
    }
  });
  byId("demo").addEventListener("click", () => act.sample(exampleOf().file));
  store.watch(
    (state) => [state.prefs.language],
    () => {
      const { file, page } = exampleOf();
      byId("demo-photo").replaceChildren(make("img", { src: `/ui/samples/${file}`, alt: "", decoding: "async" }));
      byId("demo-page").replaceChildren(...page());
    },
  );
  store.watch(
    (state) => [state.jobs.length === 0, state.prefs.language, state.prefs.history],
    (empty) => empty && drawRecent(),
  );

  async function drawRecent() {
    const entries = (await act.recent()).slice(0, MOST_RECENT);
    urls.forEach((url) => URL.revokeObjectURL(url));
    urls = [];
    byId("recent").hidden = entries.length === 0;
    byId("recent-list").replaceChildren(...entries.map(itemOf));
  }

  function itemOf(entry) {
    const picture = make("span", { class: "thumb" }, icon("page"));
    if (entry.thumb) {
      const url = URL.createObjectURL(entry.thumb);
      urls.push(url);
      picture.replaceChildren(make("img", { src: url, alt: "", width: "40", height: "40" }));
    }
    const words = make(
      "span",
      { class: "recent-words" },
      make("span", { class: "recent-name" }, entry.name),
      make("span", { class: "recent-text" }, entry.text || t("noTextShort")),
    );
    return make(
      "li",
      {},
      make("button", { type: "button", class: "recent-item", onclick: () => act.open(entry.id) }, picture, words),
    );
  }
}

function exampleOf() {
  return document.documentElement.lang.startsWith("zh") ? EXAMPLES.zh : EXAMPLES.en;
}
