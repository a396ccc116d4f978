"""Draws a printed page for timing: 1920 × 1080, 29 long lines, about 1,350 Chinese and English characters.

It is drawn anew on every machine with Noto Sans CJK (Debian package ``fonts-noto-cjk``), so that nothing
binary has to be kept. The picture depends on the font's version and Pillow's; its truth does not.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

WIDTH: Final = 1920
HEIGHT: Final = 1080
LINES: Final = 29
CROP: Final = "合计金额 12,860.50 元"
_SIZE = 30  # pixels; with it the text fills 29 lines
_PITCH = 36
_TOP = 8
_INK = (20, 20, 20)
_MARGIN = 24
_RIGHT = 1130
_FONTS = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc"),
)
_SC = 2  # index of the simplified Chinese face in the collection

_TEXT = """
一台普通的办公电脑每天要处理几百张图片:发票、合同、快递面单、会议白板和手机截图,它们大多只需要变成可以搜索的文字。
过去的做法是把图片发送到云端服务,按张计费;网络一断,工作就停了,而合同里的客户姓名与银行账号也一起离开了公司。
Running the recognition on your own CPU removes both problems: nothing leaves the machine, and the cost per page is zero.
本页用于测量速度:二十九行印刷体文字,中文与 English 混排,包含数字 0123456789、日期 2026-11-22 和金额 12,860.50 元。
The detector first finds the text lines, then every line is cut out, scaled to a fixed height and read by the recogniser.
识别网络先用卷积提取特征,再由双向长短期记忆网络读取上下文,最后用 CTC 解码得到字符序列,整个过程不需要逐字切分。
如果一行文字很长,就把它分成互相重叠的窗口分别识别,再按照字符的位置拼接起来,结果与逐段识别完全一致。
Throughput is not the same as latency: a batch may keep all cores busy while a single caller waits longer for the answer.
测试时请关闭其他程序,先预热三次,再交替运行各个引擎,取中位数;同时记录处理器时间,因为墙上时钟容易受邻居影响。
采购部门上周提交了 36 台服务器的报价单,总价为 1,248,000 元,含三年质保,交货期不超过 45 个工作日。
Please send the signed copy to the address below before Friday, and keep the original invoice for at least five years.
会议定于下午三点在二号楼 508 室举行,请各部门负责人携带季度报表,并提前十分钟到场签到,迟到者需要书面说明原因。
仓库温度应保持在 18 至 25 摄氏度之间,相对湿度不高于 65%,每班检查两次,发现异常立即通知值班工程师。
Error rates are given per character and per line; both depend on how white space, dashes and quotation marks are compared.
春天的江南多雨,青石板路上常有积水,行人撑着油纸伞缓缓走过,远处传来卖花人的吆喝声,仿佛回到了旧时光。
软件升级以后,旧版本的配置文件仍然可以使用,但是建议运行一次迁移命令,检查日志中的警告,并备份数据库。
A good tool tells you what went wrong and what to do next; it never answers a broken file with a page full of stack traces.
地铁二号线首班车为早上五点四十分,末班车为晚上十一点一刻,换乘站请听广播,老人和儿童请使用直梯。
实验表明,当图片分辨率低于每字十二像素时,识别率会迅速下降;此时应当重新拍摄,而不是依靠软件放大。
保修服务不包括人为损坏、进水以及擅自拆机,维修前请备份重要资料,服务热线 400-820-6688,全年无休。
"""  # noqa: E501


def _font() -> ImageFont.FreeTypeFont:
    for path in _FONTS:
        if path.exists():
            return ImageFont.truetype(str(path), _SIZE, index=_SC)
    sys.exit("Noto Sans CJK is not installed: apt-get install fonts-noto-cjk")


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a text before a character that would pass the margin; Latin text only at blanks."""
    lines, line = [], ""
    for character in text:
        if font.getlength(line + character) <= width:
            line += character
            continue
        head, blank, tail = line.rpartition(" ")
        in_word = character.isascii() and character.isalnum() and line[-1].isascii() and line[-1].isalnum()
        if in_word and blank:
            lines.append(head)
            line = tail + character
        else:
            lines.append(line)
            line = character.strip()
    return [*lines, line]


def render(path: Path) -> str:
    """Draw the page into ``path`` (PNG) and return its text, lines separated by line feeds."""
    font = _font()
    text = _TEXT.strip().replace("\n", "")
    lines = _wrap(text, font, _RIGHT - _MARGIN)
    if len(lines) != LINES:
        sys.exit(f"This font gives {len(lines)} lines instead of {LINES}: install Debian's fonts-noto-cjk")
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    for index, line in enumerate(lines):
        draw.text((_MARGIN, _TOP + index * _PITCH), line, font=font, fill=_INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return "\n".join(lines)


def render_crop(path: Path) -> str:
    """Draw one short line, tightly cropped, into ``path`` (PNG) and return its text."""
    font = _font()
    image = Image.new("RGB", (round(font.getlength(CROP)) + 16, 46), "white")
    ImageDraw.Draw(image).text((8, 0), CROP, font=font, fill=_INK)
    image.save(path)
    return CROP
