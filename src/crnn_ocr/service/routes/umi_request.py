"""Parses requests in Umi-OCR's form: the picture and its options. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, field

from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api.openapi_components import Json
from crnn_ocr.service.requests.base64_pictures import decode_picture_field
from crnn_ocr.service.routes.umi_layout import PARSERS, Area

FOUND, NO_TEXT = 100, 101
BAD_BASE64, BAD_PICTURE = 300, 301
NO_JSON, EMPTY, NO_PICTURE, NO_OPTIONS, BAD_OPTIONS = 800, 801, 802, 803, 804
FAILED = 902

#: Umi-OCR's settings files for the languages that the default model reads.
_LANGUAGES = {
    "models/config_chinese.txt": "简体中文",
    "models/config_en.txt": "English",
    "models/config_chinese_cht(v2).txt": "繁體中文",
}


class UmiError(Exception):
    """An error as Umi-OCR answers it: HTTP 200, a code and a sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class UmiRequest:
    """The parsed options of a request."""

    options: ReadOptions = field(default_factory=ReadOptions)
    parser: str = "multi_para"
    ignored: tuple[Area, ...] = ()
    as_text: bool = False


def parse_body(body: object) -> tuple[bytes, UmiRequest]:
    """Return the picture and the options of a request.

    Raises:
        UmiError: A field is missing, or its value is not valid.
        OcrError: The picture is not base64, or is empty.
    """
    if not isinstance(body, dict) or not body:
        raise UmiError(EMPTY, "The request is empty: send a JSON object with the field base64.")
    if "base64" not in body:
        raise UmiError(NO_PICTURE, "The request has no field base64.")
    options = body.get("options", {})
    if not isinstance(options, dict):
        raise UmiError(NO_OPTIONS, "The field options must be an object.")
    wanted = parse_options(options)
    return decode_picture_field(body["base64"], "base64"), wanted


def parse_options(options: Json) -> UmiRequest:
    """Return the parsed options; unknown ones are ignored, as in the original.

    Raises:
        UmiError: A value is not valid for its option.
    """
    turn = _flag(options, "ocr.cls", default=_flag(options, "ocr.angle", default=True))
    for name in ("ocr.limit_side_len", "ocr.maxSideLen"):
        if not isinstance(options.get(name, 0), int | float):
            raise UmiError(BAD_OPTIONS, f"The option {name} must be a number.")
    language = options.get("ocr.language", "")
    if not isinstance(language, str) or len(language) > 64:
        raise UmiError(BAD_OPTIONS, "The option ocr.language must be the name of a model.")
    return UmiRequest(
        options=ReadOptions(
            model=None if language in ("", *_LANGUAGES) else language, orientation="auto" if turn else "off"
        ),
        parser=_choice(options, "tbpu.parser", "multi_para", tuple(PARSERS)),
        ignored=_areas(options.get("tbpu.ignoreArea", [])),
        as_text=_choice(options, "data.format", "dict", ("dict", "text")) == "text",
    )


def _flag(options: Json, name: str, *, default: bool) -> bool:
    value = options.get(name, default)
    if not isinstance(value, bool):
        raise UmiError(BAD_OPTIONS, f"The option {name} must be true or false.")
    return value


def _choice(options: Json, name: str, default: str, choices: tuple[str, ...]) -> str:
    value = options.get(name, default)
    if not isinstance(value, str) or value not in choices:
        raise UmiError(BAD_OPTIONS, f"The option {name} must be one of {', '.join(choices)}.")
    return value


def _areas(value: object) -> tuple[Area, ...]:
    """Return rectangles, given by their upper left and lower right corners."""
    try:
        areas = []
        if not isinstance(value, list):
            raise TypeError
        for (left, top), (right, bottom) in value:
            if not all(type(side) in (int, float) for side in (left, top, right, bottom)):
                raise TypeError
            areas.append((left, top, right, bottom))
    except (TypeError, ValueError):
        message = "The option tbpu.ignoreArea must be a list of [[left, top], [right, bottom]]."
        raise UmiError(BAD_OPTIONS, message) from None
    return tuple(areas)


def describe_options(models: list[str]) -> dict[str, Json]:
    """Return descriptions of the options that have an effect here, in the original's form."""
    languages = [*_LANGUAGES.items(), *((name, name) for name in models)]
    return {
        "ocr.language": {
            "title": "识别模型",
            "toolTip": "前三项均使用默认模型，其余为已安装的模型",
            "type": "enum",
            "default": next(iter(_LANGUAGES)),
            "optionsList": [list(pair) for pair in languages],
        },
        "ocr.cls": {
            "title": "识别方向",
            "toolTip": "识别横置或倒置的图片与文字行",
            "type": "boolean",
            "default": True,
        },
        "tbpu.parser": {
            "title": "排版",
            "toolTip": "决定各行之后的结束符 end",
            "type": "enum",
            "default": "multi_para",
            "optionsList": [[name, title] for name, title in PARSERS.items()],
        },
        "tbpu.ignoreArea": {
            "title": "忽略区域",
            "toolTip": "数组，每一项为 [[左,上],[右,下]]，完全位于其中的行被舍弃",
            "type": "var",
            "default": [],
        },
        "data.format": {
            "title": "返回格式",
            "toolTip": "data 是各行的列表，还是整段文本",
            "type": "enum",
            "default": "dict",
            "optionsList": [["dict", "各行及其位置"], ["text", "纯文本"]],
        },
    }
