// Talks to the server. Every failure becomes a Problem, so that the page handles one kind only.

/** A failure with the server's stable code; message and hint are the server's own sentences. */
export class Problem extends Error {
  constructor(code, { message = "", hint = "", requestId = "" } = {}) {
    super(message || code);
    this.code = code;
    this.detail = message;
    this.hint = hint;
    this.requestId = requestId;
  }
}

/** Sends one file to be read; resolves to the answer of POST /ocr. */
export async function recognise(file, signal) {
  const response = await send(file, signal);
  const answer = await parse(response);
  if (response.ok && answer.success === true) {
    return answer;
  }
  if (typeof answer.error?.code !== "string") {
    throw new Problem("BAD_ANSWER");
  }
  const { code, message, hint } = answer.error;
  throw new Problem(code, { message, hint, requestId: answer.request_id });
}

async function send(file, signal) {
  try {
    const headers = { "Content-Type": mediaType(file), Accept: "application/json" };
    return await fetch("/ocr", { method: "POST", body: file, headers, signal });
  } catch (error) {
    throw signal.aborted ? error : new Problem("NETWORK");
  }
}

async function parse(response) {
  try {
    return await response.json();
  } catch {
    throw new Problem("BAD_ANSWER");
  }
}

// Browsers guess the type from the name; what is no picture by name may be one by content.
function mediaType(file) {
  const known = file.type.startsWith("image/") || file.type === "application/pdf";
  return known ? file.type : "application/octet-stream";
}
