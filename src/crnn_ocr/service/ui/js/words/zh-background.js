// Chinese words of documents that the server reads in the background.

const page = {
  // `status`: that of the item on the page, which may have been stopped, or be out of sight
  backgroundStatus: ({ status, state, position, done, failed, count }) => {
    const lost = failed > 0 ? `，${failed} 页失败` : "";
    const lostSight = status === "failed" && ["queued", "running"].includes(state);
    switch (lostSight ? "failed" : status === "cancelled" ? status : state) {
      case "queued":
        return position > 0 ? `排队中，前面还有 ${position} 个任务` : "排队中";
      case "running":
        return count > 0 ? `已识别 ${done + failed} / ${count} 页${lost}` : "正在统计页数";
      case "succeeded":
        return `已识别 ${done} 页`;
      case "partial":
        return `已识别 ${done} / ${count} 页${lost}`;
      case "cancelled":
        return "已停止";
      case "expired":
        return "已过期，服务器已删除";
      default:
        return "失败";
    }
  },
  backgroundProgress: "文档的识别进度",
  backgroundGoesOn: "文档在服务器上识别，关闭本页面也会继续。",
  backgroundKept: ({ time }) => `在服务器上保留至 ${time}`,
  backgroundUnheard: "无法连接服务器。内容不会丢失，本页面会自动重试。",
  backgroundAsksAgain: "本页面会自动重试。",
  backgroundPages: "页面",
  backgroundStarted: ({ name }) => `正在后台识别：${name}`,
  backgroundOver_succeeded: ({ name, done }) => `${name}：已识别 ${done} 页`,
  backgroundOver_partial: ({ name, done, failed }) =>
    `${name}：已识别 ${done} 页，${failed > 0 ? `${failed} 页失败` : "部分内容未能写出"}`,
  backgroundOver_failed: ({ name }) => `${name} 识别失败`,
  backgroundOver_cancelled: ({ name }) => `已停止：${name}`,
  backgroundOver_expired: ({ name }) => `${name} 已过期，服务器已将其删除`,
  backgroundStopping: () => "已停止，已识别的内容将被删除",
  backgroundStopped: "已停止，已识别的内容将被删除。",
  backgroundNotStopped: ({ reason }) => `无法停止：${reason}`,
  backgroundCancelled: "已停止，已识别的内容已被删除。",
  backgroundChooseAgain: "本页面中已没有这个文件，请重新选择后再识别。",
  backgroundQueued: ({ position }) => `正在排队，前面还有 ${position} 个任务。`,
  backgroundCounting: "正在统计页数…",
  pageQueued: "这一页尚未识别。",
  pageRunning: "正在识别这一页…",
  pageLoading: "正在加载这一页",
  pageState: ({ number, state }) => `第 ${number} 页，${state}`,
  pageIs_queued: "等待中",
  pageIs_running: "正在识别",
  pageIs_done: "已识别",
  pageIs_failed: "失败",
  pageRange: ({ first, last, count }) => `${first}–${last} / ${count}`,
  pagesBefore: "前面的页面",
  pagesAfter: "后面的页面",
  pageJump: "跳到第几页",
  backgroundExport: "保存全部页面",
  // the list
  backgroundFormats: "保存为",
  backgroundUnderWay: ({ count }) => `后台任务，${count} 个进行中`,
  backgroundOfKey: "您的 API 密钥的任务。到期后服务器会将其删除。",
  backgroundOfBrowser: "从此浏览器发送的长文档。到期后服务器会将其删除。",
  backgroundNone: "没有任务。",
  backgroundOpen: "打开",
  backgroundOpenOf: ({ name }) => `打开 ${name}`,
  backgroundSave: ({ name, format }) => `将 ${name} 保存为 ${format}`,
  backgroundDelete: "删除",
  backgroundStopNow: "停止",
  backgroundSure: "确定彻底删除？",
  backgroundDeleted: "已删除",
  enterKeyNow: "输入 API 密钥",
  // in the export sheet
  scopeDocument: ({ count }) => `全部 ${count} 页（识别原文）`,
  scopePage: ({ number }) => `第 ${number} 页（含您的修改）`,
  scopeLater: "整个文档识别完成后，可以保存全部页面。",
  exportOnlyWhole: "这种格式需要原文件，只能保存整个文档。",
  exportWhole: "将保存整个文档的识别原文。",
  // a busy server
  delayed_JOBS_TOO_MANY: "正在识别的文档已达服务器上限，此文档随后识别。",
  delayed_JOB_STORAGE_FULL: "服务器暂时没有空间存放此文档。",
};

const errors = {
  JOBS_DISABLED: "此服务器已不再提供后台识别。",
  JOB_NOT_FOUND: "服务器上没有这个任务：它已被删除，或属于另一个 API 密钥。",
  JOB_EXPIRED: "任务已过期，服务器已将其删除。请重新选择文件后再识别。",
  JOB_FAILED: "任务失败。",
  JOBS_TOO_MANY: "正在识别的文档已达服务器上限，请等其中一个完成后重试。",
  JOBS_UNAVAILABLE: "服务器暂时无法访问任务，请稍后重试。",
  JOB_STORAGE_FULL: "服务器暂时没有空间存放此文档。请删除不需要的任务，或稍后重试。",
  JOB_NOT_READY: "尚未识别，请稍后重试。",
};

export const words = { page, errors };
