// The request of what was just done, as code to copy. Names of files are quoted: they may hold anything.

import { mediaType } from "./request.js";

/** The languages on offer. */
export const LANGUAGES = ["curl", "python", "javascript"];

/**
 * Writes the request.
 * @param {{name: string, file: Blob, path: string, field: string, origin: string, key: boolean}} request `field`: of the
 *   answer, to be shown
 * @param {string} language one of LANGUAGES
 */
export function snippet(request, language) {
  const url = request.origin + request.path;
  return WRITERS[language]({ ...request, url, type: mediaType(request.file) });
}

const WRITERS = {
  curl({ url, type, name, key }) {
    return [
      `curl ${shell(url)} \\`,
      `  -H ${shell(`Content-Type: ${type}`)} \\`,
      ...(key ? ['  -H "Authorization: Bearer $CRNN_OCR_KEY" \\'] : []),
      `  --data-binary ${shell(`@${name}`)}`,
    ].join("\n");
  },
  python({ url, type, name, key, field }) {
    return [
      `import json${key ? ", os" : ""}, urllib.request`,
      "",
      `with open(${literal(name)}, "rb") as file:`,
      "    picture = file.read()",
      `headers = {"Content-Type": ${literal(type)}}`,
      ...(key ? ['headers["Authorization"] = f"Bearer {os.environ[\'CRNN_OCR_KEY\']}"'] : []),
      `request = urllib.request.Request(${literal(url)}, picture, headers)`,
      "with urllib.request.urlopen(request) as response:",
      "    answer = json.load(response)",
      `print(answer["${field}"])`,
    ].join("\n");
  },
  javascript({ url, type, name, key, field }) {
    return [
      'import { readFile } from "node:fs/promises";',
      "",
      `const picture = await readFile(${literal(name)});`,
      `const response = await fetch(${literal(url)}, {`,
      '  method: "POST",',
      key
        ? `  headers: { "Content-Type": ${literal(type)}, Authorization: \`Bearer \${process.env.CRNN_OCR_KEY}\` },`
        : `  headers: { "Content-Type": ${literal(type)} },`,
      "  body: picture,",
      "});",
      "const answer = await response.json();",
      `console.log(answer.${field});`,
    ].join("\n");
  },
};

function shell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// JSON's strings are valid in both languages, but for two line separators that old JavaScript refused.
function literal(text) {
  return JSON.stringify(text).replace(
    /[\u2028\u2029\u007f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
