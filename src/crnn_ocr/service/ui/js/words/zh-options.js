// Chinese words of the reading options, and of the preview of the enhancement.

const page = {
  noOptions: "服务器尚未提供选项。",
  optionsLocked: "服务器只向持有密钥的用户提供选项。",
  enterKey: "输入 API 密钥",
  modelDefault: ({ name }) => (name ? `服务器默认：${name}` : "服务器默认"),
  choice_off: "关",
  choice_auto: "自动",
  choice_on: "开",
  choice_lines: "按行",
  choice_blocks: "文档",
  choice_force: "重新识别",
  choice_never: "直接取用",
  // the preview of the enhancement
  previewBefore: "原图",
  previewAfter: "增强后的图片",
  stepNone: "没有任何改动：这张图片不需要增强。",
  step_grey: "去除颜色",
  step_denoise: "去噪",
  step_stretch: "拉伸对比度",
  step_clahe: "增强局部对比度",
  quality_brightness: "纸面亮度",
  quality_contrast: "对比度",
  quality_noise: "噪声",
  quality_blur: "模糊（像素）",
};

const options = {
  model: { title: "模型", help: "用来识别文字行的模型。" },
  grey: { title: "颜色", help: "去掉颜色后再识别。自动：按模型训练时的方式。" },
  clahe: { title: "对比度", help: "增强对比度。自动：只处理整体过淡或过暗的图片。" },
  denoise: { title: "去噪", help: "去除斑点和颗粒。自动：只在噪声明显时使用。" },
  orientation: { title: "方向", help: "把横放或倒置的图片和文字行转正。" },
  recheck: { title: "复读", help: "自动：没有把握的文字由高精度模型再读一遍。" },
  layout: { title: "版面", help: "文档：区分标题、段落、列表和表格。按行：逐行给出文字。" },
  ocr: {
    title: "带文字的 PDF 页",
    help: "自动：文字可靠时直接取用。重新识别：总是识别页面图像。直接取用：不识别图像。",
  },
  pages: { title: "页码", help: "要识别的页，例如 1-3,7 或 5-；留空表示全部。" },
  min_confidence: {
    title: "略去不像文字的内容",
    help: "各字符平均把握低于此值的内容会被略去，例如污点、标志和花纹。行旁的百分数含义不同：它表示整行完全正确的把握。",
  },
};

export const words = { page, options };
