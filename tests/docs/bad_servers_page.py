#!/usr/bin/env python3
"""Holds docs/bad_servers.md against the tests: each row from 1 to 74 is there once, and names tests that exist.

A row without a test says "not tested: why". Each test whose name begins with "bad-servers" is named on the page.

    bad_servers_page.py SOURCE_DIR
"""

import collections
import pathlib
import re
import sys

from test_names import names_of_tests

ROWS = range(1, 75)
ROW = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \| ?(.*?) ?\|$", re.MULTILINE)
QUOTED = re.compile(r'"([^"]+)"')


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    page = (root / "docs/bad_servers.md").read_text(encoding="utf-8")
    tests, ours = set(), set()
    for path in (root / "tests").rglob("*_test.cpp"):
        names = names_of_tests(path, "TEST_CASE")
        tests.update(names)
        if path.parent.name == "badservers":
            ours.update(names)

    complaints, found, untested, named = [], collections.Counter(), 0, set()
    for row, _, here, shown in ROW.findall(page):
        found[int(row)] += 1
        quoted = QUOTED.findall(shown)
        named.update(quoted)
        if "not tested: " in here:
            untested += 1
        elif not quoted:
            complaints.append(f"row {row}: names no test, and does not say why")
        complaints += [f'row {row}: there is no test case "{test}"' for test in quoted if test not in tests]
    complaints += [f"row {row}: is there {found[row]} times" for row in ROWS if found[row] != 1]
    complaints += [f"row {row}: is no row of the catalogue" for row in found if row not in ROWS]
    complaints += [f'"{test}" is not on the page' for test in sorted(ours - named)]
    if complaints:
        print("\n".join(complaints))
        return 1
    print(f"docs/bad_servers.md: {len(found)} rows, {untested} not tested; {len(ours)} tests on real sockets")
    return 0


if __name__ == "__main__":
    sys.exit(main())
