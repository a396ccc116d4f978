"""`python -m crnn_ocr` is the same as `crnn-ocr`."""

from crnn_ocr.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
