// English words of documents that the server reads in the background.

const count = (value) => value.toLocaleString("en");
const pages = (value) => (value === 1 ? "1 page" : `${count(value)} pages`);

const page = {
  // `status`: that of the item on the page, which may have been stopped, or be out of sight
  backgroundStatus: ({ status, state, position, done, failed, count: all }) => {
    const lost = failed > 0 ? `, ${count(failed)} failed` : "";
    const lostSight = status === "failed" && ["queued", "running"].includes(state);
    switch (lostSight ? "failed" : status === "cancelled" ? status : state) {
      case "queued":
        return position > 0 ? `waiting, ${position === 1 ? "1 job" : `${count(position)} jobs`} ahead` : "waiting";
      case "running":
        return all > 0 ? `${count(done + failed)} of ${pages(all)}${lost}` : "counting the pages";
      case "succeeded":
        return `${pages(done)} read`;
      case "partial":
        return `${count(done)} of ${pages(all)} read${lost}`;
      case "cancelled":
        return "stopped";
      case "expired":
        return "deleted by the server, its time is over";
      default:
        return "failed";
    }
  },
  backgroundProgress: "How far the document has been read",
  backgroundGoesOn: "It is read on the server, also when you close this page.",
  backgroundKept: ({ time }) => `kept on the server until ${time}`,
  backgroundUnheard: "The server cannot be reached. Nothing is lost: this page asks again by itself.",
  backgroundAsksAgain: "This page asks again by itself.",
  backgroundPages: "Pages",
  backgroundStarted: ({ name }) => `Read in the background: ${name}`,
  backgroundOver_succeeded: ({ name, done }) => `${name}: ${pages(done)} read`,
  backgroundOver_partial: ({ name, done, failed }) =>
    `${name}: ${pages(done)} read, ${failed > 0 ? `${count(failed)} failed` : "not all of it could be written"}`,
  backgroundOver_failed: ({ name }) => `${name} could not be read`,
  backgroundOver_cancelled: ({ name }) => `Stopped: ${name}`,
  backgroundOver_expired: ({ name }) => `The server has deleted ${name}: its time is over`,
  backgroundStopping: ({ count: stopped }) =>
    stopped === 1 ? "Stopped; what was read of it is deleted" : "Stopped; what was read of them is deleted",
  backgroundStopped: "Stopped. What was read of it is deleted.",
  backgroundNotStopped: ({ reason }) => `It could not be stopped: ${reason}`,
  backgroundCancelled: "Stopped. What was read of it is deleted.",
  backgroundChooseAgain: "The file is not in this page any more. Choose it again to have it read anew.",
  backgroundQueued: ({ position }) =>
    position === 1 ? "Waiting; 1 job is ahead of it." : `Waiting; ${count(position)} jobs are ahead of it.`,
  backgroundCounting: "The pages are being counted…",
  pageQueued: "This page has not been read yet.",
  pageRunning: "This page is being read…",
  pageLoading: "The page is on its way",
  pageState: ({ number, state }) => `Page ${number}, ${state}`,
  pageIs_queued: "waiting",
  pageIs_running: "being read",
  pageIs_done: "read",
  pageIs_failed: "failed",
  pageRange: ({ first, last, count: all }) => `${first}–${last} of ${count(all)}`,
  pagesBefore: "Pages before",
  pagesAfter: "Next pages",
  pageJump: "Go to page",
  backgroundExport: "Save all pages",
  // the list
  backgroundFormats: "Save as",
  backgroundUnderWay: ({ count: busy }) => `Background jobs, ${count(busy)} under way`,
  backgroundOfKey: "The jobs of your API key. The server deletes them when their time is over.",
  backgroundOfBrowser:
    "Long documents that were sent from this browser. The server deletes them when their time is over.",
  backgroundNone: "There are no jobs.",
  backgroundOpen: "Open",
  backgroundOpenOf: ({ name }) => `Open ${name}`,
  backgroundSave: ({ name, format }) => `Save ${name} as ${format}`,
  backgroundDelete: "Delete",
  backgroundStopNow: "Stop",
  backgroundSure: "Delete for good?",
  backgroundDeleted: "Deleted",
  enterKeyNow: "Enter the API key",
  // in the export sheet
  scopeDocument: ({ count: all }) => `All ${pages(all)}, as they were read`,
  scopePage: ({ number }) => `Page ${number}, with your changes`,
  scopeLater: "All pages can be saved once the document has been read to its end.",
  exportOnlyWhole: "This format is made of the file itself, so only the whole document can be saved in it.",
  exportWhole: "The whole document is saved, as it was read.",
  // a busy server
  delayed_JOBS_TOO_MANY: "As many documents as the server allows are being read. This one follows.",
  delayed_JOB_STORAGE_FULL: "The server has no room for this document now.",
};

const errors = {
  JOBS_DISABLED: "This server reads no documents in the background any more.",
  JOB_NOT_FOUND: "The server does not know this job: it has been deleted, or belongs to another API key.",
  JOB_EXPIRED: "The server has deleted this job: its time is over. Choose the file again to have it read anew.",
  JOB_FAILED: ({ detail }) => detail || "The job has failed.",
  JOBS_TOO_MANY: "As many documents as the server allows are being read. Try again when one of them is done.",
  JOBS_UNAVAILABLE: "The server cannot reach its jobs now. Try again in a moment.",
  JOB_STORAGE_FULL:
    "The server has no room for this document now. Delete jobs that you do not need, or try again later.",
  JOB_NOT_READY: "This has not been read yet. Try again in a moment.",
};

export const words = { page, errors };
