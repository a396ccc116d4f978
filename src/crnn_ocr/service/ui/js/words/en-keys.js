// English words of the sheet with the keyboard shortcuts.

const page = {
  key_paste: "Paste a picture",
  key_read: "Read again",
  key_open: "Choose pictures",
  key_copy: "Copy all, or what is selected",
  key_search: "Search in the text",
  key_next: "Next line",
  key_before: "Line before",
  key_edit: "Edit the line",
  key_nextFile: "Next file",
  key_fileBefore: "File before",
  key_zoomIn: "Zoom in",
  key_zoomOut: "Zoom out",
  key_fit: "Fit into the window",
  key_turn: "Turn the view",
  key_overlay: "Clean, doubts, all, or text instead of the picture",
  key_alone: "Enlarge the picture",
  key_options: "Options",
  key_history: "History",
  key_theme: "Colours",
  key_language: "Language",
  key_help: "This list",
  key_stop: "Stop, or close",
  key_doubt: "Next doubt",
  key_undo: "Undo",
  key_redo: "Redo",
  key_replace: "Find and replace",
};

export const words = { page };
