// Parts of the page that few visits need: loaded when they are first asked for, and asked for anew where they have not
// arrived.

const modules = new Map(); // path → { tries, module }

/**
 * A function that resolves to a part of the page, which is loaded and made once.
 * @param {string} path of its module, from js/
 * @param {(module: object) => unknown} [make] what is made of the module
 * @param {{styles?: string[], words?: () => Promise<unknown> | void}} [needs] paths of its stylesheets, from css/, and what
 *   loads its words: nothing is shown without them
 */
export function later(path, make = (module) => module, { styles = [], words = () => {} } = {}) {
  let part = null;
  return () => {
    part ??= Promise.all([load(path), words(), ...styles.map(loadStyle)])
      .then(([module]) => make(module))
      .catch((error) => {
        part = null;
        throw error;
      });
    return part;
  };
}

/** Loads a module; its path is given from js/. */
export function load(path) {
  const entry = modules.get(path) ?? { tries: 0, module: null };
  modules.set(path, entry);
  // Some browsers never ask again for what has failed once under the same address (whatwg/html, issue 6768).
  entry.module ??= import(`/ui/js/${path}${entry.tries > 0 ? `?try=${entry.tries}` : ""}`).catch((error) => {
    entry.module = null;
    entry.tries += 1;
    throw error;
  });
  return entry.module;
}

// Loads a stylesheet; its path is given from css/.
function loadStyle(path) {
  const href = `/ui/css/${path}`;
  if (document.querySelector(`link[href="${href}"]`)) {
    return null;
  }
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  link.dataset.later = ""; // first.js loads the page anew where others are missing
  // Before those for phones and for printing, which have the last word.
  document.querySelector("link[media]").before(link);
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => {
      link.remove();
      reject(new Error(path));
    };
  });
}
