// Names, sizes and times of files, and handing a file to the browser's downloads.

const STEPS = ["B", "kB", "MB", "GB"];

/** A size for people. */
export function sizeText(bytes) {
  const step = Math.min(STEPS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1000 ** step;
  return `${value >= 10 || step === 0 ? Math.round(value) : value.toFixed(1)} ${STEPS[step]}`;
}

/** A time span for people. */
export function timeText(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** A file's name without its extension. */
export function stem(name) {
  return name.replace(/\.[^.]{1,5}$/, "") || name;
}

/** Lets the browser save text or a blob under a name. */
export function download(name, content, type = "text/plain;charset=utf-8") {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
