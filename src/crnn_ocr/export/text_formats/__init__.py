"""Writers of text: Markdown, CSV, TSV."""
