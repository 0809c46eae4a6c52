#!/usr/bin/env python3
"""Holds the documents against the files that they speak of.

A block of code that follows `<!-- from FILE [NAME] -->` is what lies between the two lines `// [NAME]` of FILE, moved to
the left. Links to files of the repository lead somewhere. What is announced with a number of lines has fewer. The small
projects that show the quickstart show the one that there is.

    doc_snippets.py SOURCE_DIR [--write]      --write: put the code of the files into the documents
"""

import pathlib
import re
import sys
import textwrap

BLOCK = re.compile(r"(<!-- from (\S+) \[(\w+)\](?: in under (\d+) lines)? -->\n```cpp\n)(.*?)(```\n)", re.DOTALL)
MARK = re.compile(r"<!-- from ")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def snippet(root, name, marker):
    path = root / name
    if not path.is_file():
        raise LookupError(f"there is no {name}")
    parts = re.split(rf"^[ \t]*// \[{marker}\]\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if len(parts) != 3:
        raise LookupError(f"{name} has {len(parts) - 1} lines `// [{marker}]` instead of two")
    return textwrap.dedent(parts[1])


def check(root, page, write):
    complaints = []
    shown = page.relative_to(root)
    text = page.read_text(encoding="utf-8")

    def put(match):
        opening, name, marker, lines_max, found, closing = match.groups()
        try:
            wanted = snippet(root, name, marker)
        except LookupError as error:
            complaints.append(f"{shown}: {error}")
            return match.group(0)
        if lines_max and wanted.count("\n") >= int(lines_max):
            complaints.append(f"{shown}: {name} [{marker}] has {wanted.count(chr(10))} lines, not under {lines_max}")
        if found != wanted and not write:
            complaints.append(f"{shown}: the block differs from {name} [{marker}]; doc_snippets.py --write mends it")
        return opening + wanted + closing

    filled = BLOCK.sub(put, text)
    if len(BLOCK.findall(text)) != len(MARK.findall(text)):
        complaints.append(f"{shown}: a line `<!-- from ... -->` is not followed by a block of C++")
    for target in LINK.findall(FENCE.sub("", text)):
        if "://" not in target and not (page.parent / target).exists():
            complaints.append(f"{shown}: a link leads to {target}, which is not there")
    if write and filled != text:
        page.write_text(filled, encoding="utf-8")
    return complaints


def check_embedded(root):
    """The programs of examples/embed that say so are the quickstart, but for their includes."""
    code = lambda text: text[text.index("asio::awaitable<void> fetch"):]
    wanted = code(snippet(root, "examples/quickstart.cpp", "quickstart"))
    programs = [path for path in sorted(root.glob("examples/embed/*/main.cpp")) if "quickstart" in path.read_text(encoding="utf-8")]
    different = [path for path in programs if code(path.read_text(encoding="utf-8")) != wanted]
    return [f"{path.relative_to(root)}: differs from examples/quickstart.cpp" for path in different]


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = sorted(root.glob("*.md")) + sorted(root.glob("docs/**/*.md"))
    complaints = [line for page in pages for line in check(root, page, "--write" in sys.argv)]
    complaints += check_embedded(root)
    print("\n".join(complaints) if complaints else f"{len(pages)} pages agree with the files")
    return 1 if complaints or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
