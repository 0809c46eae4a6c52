"""The names of the test cases in a C++ source, however long lines are wrapped."""

import re

LITERAL = r'"((?:[^"\\]|\\.)*)"'


def names_of_tests(path, *macros):
    """Those that one of `macros` gives: TEST_CASE, SUBCASE."""
    case = re.compile(rf"^\s*(?:{'|'.join(macros)})\(\s*((?:{LITERAL}\s*)+)", re.MULTILINE)
    return {"".join(re.findall(LITERAL, found.group(1))) for found in case.finditer(path.read_text(encoding="utf-8"))}
