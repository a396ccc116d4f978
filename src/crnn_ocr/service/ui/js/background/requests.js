// What the page asks the server about its jobs.

import { keyHeaders } from "../server/key.js";
import { problemOf, Problem } from "../server/problem.js";
import { ask, getJson, readQuery, sendFile } from "../server/request.js";

// What is written at the end besides JSON and text; other formats are made of the JSON when they are asked for.
const FORMATS = ["docx", "pdf", "xlsx", "markdown", "html"];
const MOST_PAGES = 1000; // in one answer
const FIRST_BYTE = 8_000; // milliseconds after which something between here and there holds the events back
const SILENCE = 40_000; // the server is never silent for longer than 15 s

/**
 * Sends a file to be read in the background; resolves to the job. Called again with the same path and the same `key`,
 * it makes no second job.
 */
export async function submit(file, { path, key, signal, onSent }) {
  const { status, answer, header } = await sendFile(path, file, {
    signal,
    onSent,
    headers: { "Idempotency-Key": key },
  });
  if (status === 202 && typeof answer?.id === "string") {
    return answer;
  }
  throw problemOf(status, answer, header);
}

/** The formats that a job is to write, of those that the server can. */
export function formatsOf(schema) {
  return FORMATS.filter((name) => schema?.["x-export-formats"]?.includes(name));
}

/** A random value for a job that is to be sent. */
export function newKey() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

/** The path with the query under which a file is sent. */
export function pathOf({ name }, { options, formats }) {
  return `/jobs?${new URLSearchParams({ ...readQuery(options), formats: formats.join(","), name })}`;
}

/** Resolves to a job. */
export function find(id, how) {
  return getJson(`/jobs/${id}`, how);
}

/** Resolves to the jobs of the key, the newest first. */
export async function list() {
  return (await getJson("/jobs")).jobs;
}

/** Cancels a job, or deletes its results; resolves to the job. It also works while the page is going away. */
export async function remove(id) {
  return (await ask(`/jobs/${id}`, { method: "DELETE", keepalive: true })).json();
}

/** Resolves to what was read on a page. */
export function pageOf(id, { file, number }) {
  return getJson(`/jobs/${id}/pages/${file}/${number}?detail=chars`, { insist: true });
}

/** Resolves to a result as a Blob, and the name that the server gives it. */
export async function resultOf(id, format) {
  const reply = await ask(`/jobs/${id}/result?${new URLSearchParams({ format })}`);
  const [, plain] = /filename="?([^";]+)"?/.exec(reply.headers.get("Content-Disposition") ?? "") ?? [];
  const [, coded] = /filename\*=UTF-8''([^;]+)/.exec(reply.headers.get("Content-Disposition") ?? "") ?? [];
  return { content: await reply.blob(), name: coded ? decodeURIComponent(coded) : (plain ?? id) };
}

/** Tells the pages that have changed since, and resolves to up to where. */
export async function changesSince(id, after, onPages) {
  for (;;) {
    const { pages, next } = await getJson(`/jobs/${id}/pages?after=${after}&limit=${MOST_PAGES}`);
    if (pages.length > 0) {
      onPages(pages);
    }
    if (pages.length < MOST_PAGES) {
      return next;
    }
    after = next;
  }
}

/** The events do not arrive, or not in time. */
export class Silent extends Error {}

/**
 * Follows a job by its events until their stream ends, which it does when the job is over. Not by EventSource, which
 * cannot send a key, and holds one of the browser's six connections for good.
 * @param {string} id
 * @param {{after: number, signal: AbortSignal, onEvents: (events: {kind: string, id: number, data: object}[]) => void}} how
 */
export async function followEvents(id, { after, signal, onEvents }) {
  const control = new AbortController();
  const stop = () => control.abort();
  signal.addEventListener("abort", stop, { once: true });
  let late = false;
  let timer = null;
  const expect = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      late = true;
      stop();
    }, milliseconds);
  };
  expect(FIRST_BYTE);
  try {
    const headers = { Accept: "text/event-stream", ...keyHeaders() };
    const reply = await fetch(`/jobs/${id}/events?after=${after}`, { headers, signal: control.signal });
    if (!reply.ok) {
      throw problemOf(reply.status, await reply.json().catch(() => null), (name) => reply.headers.get(name));
    }
    await readEvents(reply, { expect, onEvents });
  } catch (error) {
    if (late) {
      throw new Silent();
    }
    throw error instanceof Problem || signal.aborted ? error : new Problem("NETWORK");
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    stop();
  }
}

async function readEvents(reply, { expect, onEvents }) {
  if (reply.status === 204 || reply.body === null) {
    return;
  }
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    expect(SILENCE);
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    const events = blocks.map(eventOf).filter(Boolean);
    if (events.length > 0) {
      onEvents(events);
    }
  }
}

// https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as the server uses it.
function eventOf(block) {
  const fields = Object.fromEntries(
    block.split("\n").map((row) => [row.slice(0, row.indexOf(":")), row.slice(row.indexOf(":") + 1).trim()]),
  );
  return fields.data ? { kind: fields.event, id: Number(fields.id), data: JSON.parse(fields.data) } : null;
}
