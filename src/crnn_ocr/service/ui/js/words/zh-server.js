// Chinese for what the server says in English: errors, warnings, options.

export const warnings = {
  IMAGE_BLURRED: "图片比较模糊，结果可能有误。请拿稳相机、对准焦点后重拍。",
  TEXT_TOO_SMALL: "图中文字太小，结果可能有误。请靠近拍摄，或使用更高的分辨率。",
  TEXT_UNREAD: "图中有像文字的区域未能识别，结果可能有遗漏。请对照原图检查。",
  TEXT_CUT: "图片边缘切断了部分文字。请在文字四周留出空白后重拍。",
  NUMBER_UNSURE: "有的数字没有把握，请对照原图核对。",
  MIXED_ORIENTATION: "图中有的文字行是横放或倒置的，行的顺序可能不对。",
  RECHECK_UNAVAILABLE: "高精度模型无法加载，没有把握的文字未能复读，请联系管理员。",
};

export const errors = {
  NETWORK: "无法连接服务器。服务器恢复后会自动识别此文件。",
  BAD_ANSWER: "服务器的回答无法理解，请稍后重试。",
  TOO_LARGE_TO_SEND: ({ detail }) => `文件超过了服务器的上限（${detail}）。请缩小图片或分成几部分。`,
  IMAGE_EMPTY: "文件是空的，请选择一张图片。",
  IMAGE_DECODE_FAILED: "图片无法解码，文件可能已损坏或不完整。请用看图软件打开并另存后重试。",
  IMAGE_TYPE_UNSUPPORTED: "这不是支持的图片格式。请使用 JPG、PNG、BMP、GIF、TIFF 或 WebP。",
  IMAGE_TOO_LARGE: ({ detail }) => tooManyPages(detail) ?? "图片太大。请缩小图片或分成几部分后重试。",
  BODY_TOO_LARGE: "文件太大，超过了服务器的上限。请换一个较小的文件。",
  PDF_PASSWORD_REQUIRED: "PDF 有密码保护。请去掉密码后重试。",
  IMAGE_KILLED_WORKER:
    "识别这张图片时，服务器的进程崩溃或内存不足，一小时内不再识别它。请缩小图片或另存为其他格式后重试。",
  OPTION_INVALID: "有一个选项的值无效。请在“选项”中恢复默认后重试。",
  EXTRA_MISSING: "服务器没有安装读取这种文件所需的组件。",
  MODEL_BROKEN: "服务器上的识别模型无法加载，请联系管理员。",
  MODEL_TOO_LARGE: "服务器内存不足，无法加载该模型，请联系管理员。",
  MODEL_NOT_FOUND: "服务器上没有这个识别模型。请在“选项”中选择其他模型。",
  MODELS_BUSY: "服务器已加载太多模型，请稍后重试，或使用默认模型。",
  NOT_READY: "识别模型正在加载，请稍后重试。",
  OVERLOADED: "服务器正忙，请稍后重试。",
  WORKER_LOST: "处理该请求的进程意外结束，请重试。",
  HOST_NOT_ALLOWED: "请通过 http://localhost 访问；若要用其他地址，请在服务器上设置 API 密钥。",
  ORIGIN_NOT_ALLOWED: "服务器不接受来自其他网站页面的请求。",
  RATE_LIMITED: "请求过于频繁，请稍后重试。",
  DEADLINE_EXCEEDED: "识别超时。请换一张较小的图片，或等服务器空闲时重试。",
  UPLOAD_TIMEOUT: "上传太慢，已被服务器中断。请换一个更快的网络，或换一个较小的文件。",
  UNAUTHORIZED: "服务器需要 API 密钥，请重试并输入密钥。",
  INTERNAL_ERROR: "服务器处理时出错。请重试；若再次出现，请提供请求编号。",
};

export const models = {
  "crnn-zh-en": "CRNN 中英文识别模型",
  "crnn-zh-en-edge": "小而快的 CRNN 中英文识别模型",
  "ppocrv6-small": "PP-OCRv6 小型识别模型",
  "ppocrv6-det-small": "PP-OCRv6 小型文字检测模型",
  "slanet-plus": "SLANet-plus 表格结构模型",
};

// Under the same code the server refuses files with too many pages; its sentence tells which it is, and how many.
function tooManyPages(detail) {
  const [, most] = /at most (\d+) pages/i.exec(detail) ?? [];
  return most && `文件的页数太多，最多识别 ${most} 页。请拆分文件，或在“选项”中指定页码。`;
}
