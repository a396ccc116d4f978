// English words of the reading options, and of the preview of the enhancement.

const page = {
  noOptions: "The server has not told its options yet.",
  optionsLocked: "The server tells its options to those who have a key.",
  enterKey: "Enter the API key",
  modelDefault: ({ name }) => (name ? `the server's default: ${name}` : "the server's default"),
  choice_off: "off",
  choice_auto: "auto",
  choice_on: "on",
  choice_lines: "lines",
  choice_blocks: "document",
  choice_force: "read anew",
  choice_never: "take it",
  // the preview of the enhancement
  previewBefore: "The picture as it is",
  previewAfter: "The picture as it is read",
  stepNone: "Nothing was changed: the picture needs no enhancement.",
  step_grey: "Colours left out",
  step_denoise: "Noise removed",
  step_stretch: "Contrast stretched",
  step_clahe: "Local contrast raised",
  quality_brightness: "Brightness of the paper",
  quality_contrast: "Contrast",
  quality_noise: "Noise",
  quality_blur: "Blur in pixels",
};

// The schema's own help is written for whoever types the names.
const options = {
  model: { title: "Model", help: "The model that reads the lines." },
  grey: { title: "Colours", help: "Leave out the colours before reading. Auto: as suits the model." },
  clahe: { title: "Contrast", help: "Raise the contrast. Auto: only of pictures that are pale or dark overall." },
  denoise: { title: "Noise", help: "Remove specks and grain. Auto: only where there is much of it." },
  orientation: { title: "Orientation", help: "Turn pictures and lines that lie on their side or stand on their head." },
  recheck: { title: "Second look", help: "Auto: a slower, more exact model reads again what is doubtful." },
  layout: { title: "Layout", help: "Document: headings, paragraphs, lists and tables. Lines: one after the other." },
  ocr: {
    title: "PDF pages with text",
    help: "Auto: take their own text where it is good. Read anew: read the picture all the same. Take it: read no picture.",
  },
  pages: { title: "Pages", help: "Pages to read, such as 1-3,7 or 5-. Empty: all." },
  min_confidence: {
    title: "Leave out what is hardly text",
    help: "Drops what is on average less sure than this, character by character: specks, logos, patterns. The per cents beside a line tell another thing, how sure it is that the whole line is right.",
  },
};

export const words = { page, options };
