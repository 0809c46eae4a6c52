#!/usr/bin/env python3
"""Holds docs/bits.md against BITS's list of names, our headers and our tests.

Every name of bits_names.txt has one row. A row says what stands for it here, and how that was shown:

    | `BITS name` | `ours`, `and::more` | "name of a test case" |
    | `BITS name` | later: why | |
    | `BITS name` | no meaning: why, and what to use instead | |

Each of ours is a name in namespace bgxfer that compiles, each test case one that exists.

    bits_page.py SOURCE_DIR COMPILER [OPTION...]      the options are those that compile a public header
"""

import collections
import pathlib
import re
import subprocess
import sys

from test_names import names_of_tests

ROW = re.compile(r"^\| `([A-Z][A-Z_]+|I[A-Z]\w+(?:::\w+)?)` \| (.*?) \| ?(.*?) ?\|$", re.MULTILINE)
SYMBOL = re.compile(r"`([A-Za-z_][\w:]*)(?:\([^`]*\))?`")
PYTHON_TEST = re.compile(r"^\s*def (test_\w+)\(", re.MULTILINE)
ENUM = re.compile(r"\benum class (\w+)")
QUOTED = re.compile(r'"([^"]+)"')


def all_tests(root):
    names = set()
    for path in (root / "tests").rglob("*.cpp"):
        names.update(names_of_tests(path, "TEST_CASE", "SUBCASE"))
    for path in (root / "tests").rglob("*.py"):
        names.update(PYTHON_TEST.findall(path.read_text(encoding="utf-8")))
    return names


def program(root, symbols):
    """A program that compiles if every symbol is there."""
    headers = [path.relative_to(root / "include") for path in sorted((root / "include").rglob("*.hpp"))
               if "httplib" not in path.parts and "detail" not in path.parts]
    enums = set(ENUM.findall("\n".join((root / "include" / header).read_text(encoding="utf-8") for header in headers)))
    lines = [f"#include <{header}>" for header in headers]
    for number, symbol in enumerate(sorted(symbols)):
        scope = symbol.rpartition("::")[0]
        last = scope.rpartition("::")[2]
        if last[:1].isupper() and last not in enums:  # A member of a class.
            lines.append(f"struct Check{number} : bgxfer::{scope} {{ using bgxfer::{symbol}; }};")
        else:
            lines.append(f"namespace check_{number} {{ using bgxfer::{symbol}; }}")
    return "\n".join(lines) + "\n"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    wanted = [line for line in (root / "tests/docs/bits_names.txt").read_text(encoding="utf-8").splitlines()
              if line and not line.startswith("#")]
    page = (root / "docs/bits.md").read_text(encoding="utf-8")
    tests = all_tests(root)
    complaints, symbols, counts = [], set(), collections.Counter()
    found = collections.Counter()
    for name, here, shown in ROW.findall(page):
        found[name] += 1
        kind = "later" if here.startswith("later: ") else "no meaning here" if here.startswith("no meaning: ") else "works"
        counts[kind] += 1
        if kind != "works":
            continue
        ours = set(SYMBOL.findall(here))
        symbols |= ours
        if not ours:
            complaints.append(f"{name}: names nothing of ours")
        quoted = QUOTED.findall(shown)
        if not quoted:
            complaints.append(f"{name}: names no test")
        complaints += [f"{name}: there is no test case \"{test}\"" for test in quoted if test not in tests]
    complaints += [f"{name}: has {found[name]} rows" for name in wanted if found[name] != 1]
    complaints += [f"{name}: is no name of BITS's" for name in found if name not in wanted]

    compiled = subprocess.run(sys.argv[2:] + ["-fsyntax-only", "-x", "c++", "-"], input=program(root, symbols), text=True,
                              capture_output=True, check=False)
    if compiled.returncode != 0:
        complaints.append("docs/bits.md names what the headers do not have:\n" +
                          "\n".join(line for line in compiled.stderr.splitlines() if "error" in line))
    if complaints:
        print("\n".join(complaints))
        return 1
    print(f"docs/bits.md: {sum(counts.values())} rows, of which " +
          ", ".join(f"{counts[kind]} {kind}" for kind in ("works", "later", "no meaning here")) +
          f"; {len(symbols)} names of ours compile")
    return 0


if __name__ == "__main__":
    sys.exit(main())
