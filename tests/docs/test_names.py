"""The names of the test cases in a C++ source, however long lines are wrapped."""

import re

PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"')
CASE = re.compile(r'^\s*(?:TEST_CASE|SUBCASE)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', re.MULTILINE)


def names_of_tests(path):
    text = path.read_text(encoding="utf-8")
    return {"".join(PIECE.findall(literals)) for literals in CASE.findall(text)}
