// English words of the result: its tabs, proofreading.

export const result = {
  // the tabs
  view_document: "Document",
  view_proofread: "Proofread",
  view_data: "Data",
  codeMore: "The request that has just been made, exactly as it was sent. What else there is:",
  jsonMore: "The document with your edits, as POST /export takes it. What else there is:",
  // the document
  figure: "Figure",
  tableLabel: ({ rows, cols }) => `Table with ${rows} rows and ${cols} columns. Arrow keys move, Enter edits.`,
  tableSize: ({ rows, cols }) => `${rows} × ${cols}`,
  copyTable: "Copy for Excel",
  tableCopied: "The table is copied; paste it into a sheet.",
  editCell: ({ row, col }) => `Edit the cell in row ${row}, column ${col}`,
  // proofreading
  confidence: ({ percent }) => `${percent} per cent sure that the whole line is right`,
  checkedLine: ({ percent }) => `Accepted by you; it was ${percent} per cent sure`,
  doubtsLeft: ({ count }) => (count === 1 ? "1 doubt left" : `${count} doubts left`),
  doubtsNone: "No doubts left",
  nextDoubt: "Next doubt",
  acceptLine: "Accept (Enter)",
  acceptLineOf: ({ text }) => `Accept this line: ${text}`,
  undo: "Undo",
  redo: "Redo",
  undoDone: "Undone",
  redoDone: "Done again",
  undoNothing: "Nothing to undo",
  redoNothing: "Nothing to do again",
  replaceOpen: "Find and replace",
  replaceBy: "Replace with",
  replaceOne: "Replace",
  replaceAll: "Replace all",
  replaced: ({ count }) => (count === 0 ? "Nothing to replace" : `${count} replaced`),
};
