// What the page remembers in this browser: its own settings, and the reading options.

const PREFS = "crnn-ocr.prefs";
const OPTIONS = "crnn-ocr.options";

const DEFAULTS = {
  language: null, // null: the browser's
  theme: "auto",
  history: true,
  keys: true,
  overlay: "clean",
  split: 0.5,
  upper: 0, // share of a wide picture above its text; 0: as high as it is
  view: "document", // one of VIEWS
  code: "json",
  format: "docx",
};

/** The tabs of a result. */
export const VIEWS = ["document", "proofread", "data"];

/** The page's settings as they were left. */
export function loadPrefs() {
  const kept = load(PREFS);
  const known = Object.keys(DEFAULTS).filter((key) => typeof kept[key] === typeof DEFAULTS[key] || key === "language");
  const prefs = {
    ...DEFAULTS,
    ...Object.fromEntries(known.filter((key) => key in kept).map((key) => [key, kept[key]])),
  };
  return VIEWS.includes(prefs.view) ? prefs : { ...prefs, view: DEFAULTS.view }; // an earlier page had other tabs
}

/** The reading options that differ from the server's defaults. */
export function loadOptions() {
  return load(OPTIONS);
}

/**
 * Keeps the settings and options of the store whenever they change.
 * @param {Store} store
 */
export function rememberPrefs(store) {
  store.watch(
    (state) => [state.prefs],
    (prefs) => save(PREFS, prefs),
  );
  store.watch(
    (state) => [state.options],
    (options) => save(OPTIONS, options),
  );
}

/**
 * Changes single settings.
 * @param {Store} store
 */
export function setPrefs(store, patch) {
  store.set({ prefs: { ...store.get().prefs, ...patch } });
}

function load(key) {
  try {
    const value = JSON.parse(localStorage.getItem(key));
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

function save(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: the page works, it only forgets.
  }
}
