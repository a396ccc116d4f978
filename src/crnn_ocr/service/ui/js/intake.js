// The three ways in: file chooser, drop anywhere on the page, paste.

/**
 * Watches all ways in.
 * @param {{zone: Element, input: HTMLInputElement, button: HTMLButtonElement}} elements
 * @param {(files: File[]) => void} onFiles called with at least one file
 */
export function watchIntake({ zone, input, button }, onFiles) {
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    hand([...input.files], onFiles);
    input.value = ""; // so that the same file can be chosen again
  });
  watchDrop(zone, onFiles);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) {
      event.preventDefault();
      hand(files, onFiles);
    }
  });
}

function watchDrop(zone, onFiles) {
  let depth = 0; // dragenter and dragleave also fire for every child
  const mark = (change) => {
    depth = Math.max(0, change);
    zone.classList.toggle("is-over", depth > 0);
  };
  addEventListener("dragenter", (event) => carriesFiles(event) && mark(depth + 1));
  addEventListener("dragleave", (event) => carriesFiles(event) && mark(depth - 1));
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (carriesFiles(event)) {
      event.preventDefault(); // the browser would leave the page and open the file
      mark(0);
      hand([...event.dataTransfer.files], onFiles);
    }
  });
}

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function hand(files, onFiles) {
  if (files.length > 0) {
    onFiles(files);
  }
}
