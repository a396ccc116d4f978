// Small pictures of documents that the browser cannot draw: asked of the server one by one, once nothing is read.

import { previewPage } from "../server/request.js";
import { jobOf, UNDER_WAY } from "./jobs.js";

/**
 * Fetches first pages while the server has nothing else to do for this page.
 * @param {Store} store
 * @param {(id: number, picture: Blob) => Promise<void>} onPicture
 * @returns {(id: number) => void} to be called for every job that has been read
 */
export function watchFirstPages(store, onPicture) {
  const wanted = new Set();
  let asking = false;
  store.watch((state) => [state.jobs], next);
  return (id) => {
    wanted.add(id);
    void next();
  };

  async function next() {
    const state = store.get();
    if (asking || wanted.size === 0 || state.jobs.some((job) => UNDER_WAY.has(job.status))) {
      return;
    }
    const [id] = wanted;
    wanted.delete(id);
    asking = true;
    await draw(jobOf(state, id), state.current).catch(() => {}); // the entry keeps its symbol
    asking = false;
    void next();
  }

  async function draw(job, current) {
    // The page that is shown is drawn for the picture anyway.
    if (job && job.thumb === null && job.id !== current && job.file.size > 0) {
      const { picture } = await previewPage(job.file, { page: 1, stage: "original" });
      await onPicture(job.id, picture);
    }
  }
}
