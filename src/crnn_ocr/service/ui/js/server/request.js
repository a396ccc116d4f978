// Talks to the server. Every failure becomes a Problem, so that the page handles one kind only.

import { Problem, problemOf } from "./problem.js";
import { keyHeaders, withKey } from "./key.js";

const PAUSE = 1000; // milliseconds before a request that did not get through is made once more

// Headings, paragraphs and tables, so that what is saved is a document, unless the options say otherwise.
const BLOCKS = { layout: "blocks" };

/**
 * Sends one file to be read; resolves to the answer of POST /ocr.
 * @param {Blob} file
 * @param {{options: Options, signal: AbortSignal, onSent: (share: number) => void}} how `onSent` hears how much
 *   of the file has left; 1 means that the server is reading
 */
export async function readFile(file, { options, signal, onSent }) {
  const { status, answer, header } = await sendFile(readPath(options), file, { signal, onSent });
  if (status === 200 && answer?.success === true && Array.isArray(answer.lines)) {
    return answer;
  }
  throw problemOf(status, answer, header);
}

/** Sends a file as the body of a request; resolves to the status, the JSON of the answer, and its headers. */
export async function sendFile(path, file, { signal, onSent, headers = {} }) {
  const reply = await withKey(() => twice(() => upload(path, file, { signal, onSent, headers }), signal));
  return { status: reply.status, answer: parse(reply.body), header: reply.header };
}

/** The path with the query under which a file is sent to be read. */
export function readPath(options) {
  return `/ocr?${new URLSearchParams({ ...readQuery(options), detail: "chars" })}`;
}

/** The reading options as a query. */
export function readQuery(options) {
  return { ...BLOCKS, ...optionText(options) };
}

/** Sends a request; an answer that is no success becomes a Problem. Where the server wants a key, the user is asked. */
export async function ask(path, init = {}) {
  const reply = await withKey(() => reach(path, init));
  if (!reply.ok) {
    throw problemOf(reply.status, parse(await reply.text()), (name) => reply.headers.get(name));
  }
  return reply;
}

/** Asks for JSON; where the server wants a key, `insist` asks the user for it. */
export async function getJson(path, { insist = false } = {}) {
  const send = () => reach(path, {});
  const response = await (insist ? withKey(send) : send());
  const answer = parse(await response.text());
  if (!response.ok || answer === null) {
    throw problemOf(response.status, answer, (name) => response.headers.get(name));
  }
  return answer;
}

/**
 * Lets the server write a document as a file of a format; resolves to a Blob.
 * @param {object} document
 * @param {string} format
 * @param {Blob | null} file what was read, for formats that are built on it or show parts of it
 * @param {Options} options with which it was read: they may have chosen its pages
 */
export async function exportFile(document, format, file = null, options = {}) {
  const query = new URLSearchParams({ ...(file ? optionText(options) : {}), format });
  const json = JSON.stringify(document);
  /** @type {RequestInit} */
  let init = { method: "POST", body: json, headers: { "Content-Type": "application/json" } };
  if (file) {
    const form = new FormData();
    form.append("document", new Blob([json], { type: "application/json" }), "document.json");
    form.append("image", file);
    init = { method: "POST", body: form };
  }
  return (await ask(`/export?${query}`, init)).blob();
}

/** Asks for plain text. */
export async function getText(path) {
  const response = await reach(path, {});
  if (!response.ok) {
    throw problemOf(response.status, null, (name) => response.headers.get(name));
  }
  return response.text();
}

/**
 * Asks for one page of a file as a picture.
 * @param {Blob} file
 * @param {{page: number, stage: "original" | "enhanced", options?: Options, signal?: AbortSignal}} what
 * @returns {Promise<{picture: Blob, header: (name: string) => string | null}>}
 */
export async function previewPage(file, { page, stage, options = {}, signal }) {
  const query = new URLSearchParams({ ...optionText(options), page: String(page), stage });
  const headers = { "Content-Type": mediaType(file) };
  const reply = await ask(`/preview?${query}`, { method: "POST", body: file, headers, signal });
  return { picture: await reply.blob(), header: (name) => reply.headers.get(name) };
}

/** Options as they stand in a query string. */
export function optionText(options) {
  const given = Object.entries(options).filter(([, value]) => value !== null && value !== "");
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

/** The media type to announce: browsers guess it from the name, and what is no picture by name may be one. */
export function mediaType(file) {
  const known = file.type.startsWith("image/") || file.type === "application/pdf";
  return known ? file.type : "application/octet-stream";
}

function reach(path, init) {
  return twice(async () => {
    try {
      return await fetch(path, { ...init, headers: { Accept: "application/json", ...init.headers, ...keyHeaders() } });
    } catch (error) {
      throw init.signal?.aborted ? error : new Problem("NETWORK");
    }
  }, init.signal);
}

// A connection breaks for reasons of its own, such as another network or a server that restarts. All that the page
// asks for may be asked twice.
async function twice(send, signal) {
  try {
    return await send();
  } catch (problem) {
    if (problem.code !== "NETWORK") {
      throw problem;
    }
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  signal?.throwIfAborted();
  return send();
}

// XMLHttpRequest, because fetch does not tell how much of the body has been sent.
function upload(path, file, { signal, onSent, headers }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Content-Type", mediaType(file));
    request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries({ ...headers, ...keyHeaders() })) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", ({ loaded, total }) => onSent(total ? loaded / total : 0));
    request.upload.addEventListener("load", () => onSent(1));
    request.addEventListener("load", () =>
      resolve({
        status: request.status,
        body: request.responseText,
        header: (name) => request.getResponseHeader(name),
      }),
    );
    request.addEventListener("error", () => reject(new Problem("NETWORK")));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
