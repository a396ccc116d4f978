// Chinese words of the sheet with the keyboard shortcuts.

const page = {
  key_paste: "粘贴图片",
  key_read: "重新识别",
  key_open: "添加图片",
  key_copy: "复制全部或所选",
  key_search: "在结果中查找",
  key_next: "下一行",
  key_before: "上一行",
  key_edit: "编辑这一行",
  key_nextFile: "下一个文件",
  key_fileBefore: "上一个文件",
  key_zoomIn: "放大",
  key_zoomOut: "缩小",
  key_fit: "适应窗口",
  key_turn: "旋转视图",
  key_overlay: "切换：原图、存疑、全部、文字",
  key_alone: "放大图片区域",
  key_options: "选项",
  key_history: "历史",
  key_theme: "配色",
  key_language: "语言",
  key_help: "显示此列表",
  key_stop: "停止或关闭",
  key_doubt: "下一处存疑",
  key_undo: "撤销",
  key_redo: "重做",
  key_replace: "查找和替换",
};

export const words = { page };
