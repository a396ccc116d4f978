// Chinese words of the result: its tabs, proofreading.

export const result = {
  // the tabs
  view_document: "文档",
  view_proofread: "校对",
  view_data: "数据",
  codeMore: "这就是刚才发出的请求，一字不差。更多功能见",
  jsonMore: "包含您的修改的文档，可直接交给 POST /export。更多功能见",
  // the document
  figure: "插图",
  tableLabel: ({ rows, cols }) => `表格，${rows} 行 ${cols} 列。方向键移动，回车键编辑。`,
  tableSize: ({ rows, cols }) => `${rows} 行 × ${cols} 列`,
  copyTable: "复制到 Excel",
  tableCopied: "表格已复制，可粘贴到工作表中。",
  editCell: ({ row, col }) => `编辑第 ${row} 行第 ${col} 列的单元格`,
  // proofreading
  confidence: ({ percent }) => `整行完全正确的把握为百分之 ${percent}`,
  checkedLine: ({ percent }) => `已由您确认；识别把握为百分之 ${percent}`,
  doubtsLeft: ({ count }) => `还有 ${count} 处存疑`,
  doubtsNone: "没有存疑之处",
  nextDoubt: "下一处存疑",
  acceptLine: "确认无误（Enter）",
  acceptLineOf: ({ text }) => `确认这一行无误：${text}`,
  undo: "撤销",
  redo: "重做",
  undoDone: "已撤销",
  redoDone: "已重做",
  undoNothing: "没有可撤销的修改",
  redoNothing: "没有可重做的修改",
  replaceOpen: "查找和替换",
  replaceBy: "替换为",
  replaceOne: "替换",
  replaceAll: "全部替换",
  replaced: ({ count }) => (count === 0 ? "没有可替换的内容" : `已替换 ${count} 处`),
};
