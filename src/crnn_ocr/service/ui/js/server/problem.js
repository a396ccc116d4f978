// Failures, all of one kind: with a code, the server's sentences, and how long to wait.

import { errorText } from "../words/words.js";

// The file itself is refused: the same file will be refused again.
const HOPELESS = new Set([
  "TOO_LARGE_TO_SEND",
  "BODY_TOO_LARGE",
  "IMAGE_EMPTY",
  "IMAGE_DECODE_FAILED",
  "IMAGE_TYPE_UNSUPPORTED",
  "IMAGE_TOO_LARGE",
  "IMAGE_KILLED_WORKER",
  "EXTRA_MISSING",
  "PDF_PASSWORD_REQUIRED",
]);

// The server has no room now: for the request, the client, or the file.
const LATER = new Set([429, 503, 507]);

const STATUS_CODES = { 413: "BODY_TOO_LARGE", 429: "RATE_LIMITED", 503: "OVERLOADED" };

/** A failure with the server's stable code; message and hint are the server's own sentences. */
export class Problem extends Error {
  constructor(code, { message = "", hint = "", requestId = "", status = 0, retryAfter = null } = {}) {
    super(message || code);
    this.code = code;
    this.detail = message;
    this.hint = hint;
    this.requestId = requestId;
    this.status = status;
    this.retryAfter = retryAfter; // seconds, or null where waiting does not help
  }

  /** The failure that an error is, or stands for. */
  static of(error) {
    return error instanceof Problem ? error : new Problem("BAD_ANSWER", { message: String(error) });
  }

  /** Whether trying once more cannot help, as it is the file that the server refuses. */
  get hopeless() {
    return HOPELESS.has(this.code);
  }

  /** Whether the server asks to come again later. */
  get passing() {
    return this.retryAfter !== null;
  }
}

/** What happened and what to do, in the user's language where the page knows the code. */
export function explain(problem) {
  const own = errorText(problem.code, { detail: problem.detail });
  // Back-quotes mark code in the server's sentences; here they would only be noise.
  return (own ?? `${problem.detail} ${problem.hint}`.replaceAll("`", "")).trim() || problem.code;
}

/** The problem that an answer tells of; `headers` maps a name to its value or null. */
export function problemOf(status, answer, headers) {
  if (typeof answer?.error?.code !== "string") {
    // Something in front of the server has answered: its status says what this is about.
    return new Problem(STATUS_CODES[status] ?? "BAD_ANSWER", { status, retryAfter: waiting(status, headers) });
  }
  const { code, message, hint } = answer.error;
  return new Problem(code, {
    message,
    hint,
    requestId: answer.request_id,
    status,
    retryAfter: waiting(status, headers),
  });
}

// Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3).
function waiting(status, headers) {
  const value = headers("Retry-After");
  if (value === null || !LATER.has(status)) {
    return null;
  }
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(1, Math.ceil(seconds)), 600) : null;
}
