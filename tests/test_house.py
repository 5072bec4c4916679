"""The tidy rules: what a reader of this house may rely on in every file."""

from __future__ import annotations

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).parents[1]
ROOMS = ("ledger", "projections", "audit", "reports", "api")
ENTRY_POINTS = {"api.cli", "audit.verify"}
"""Modules that people start; every other one is imported by something."""

STAND_ALONE = {"audit.verify": set[str](), "audit.merkle": {"audit.checkpoint"}, "audit.checkpoint": {"audit.merkle"}}
"""What outsiders read and run without us, each with all of ours that it may import."""

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
LONG_FILES = {"audit/verify.py"}  # outsiders copy this one file

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tracked() -> list[Path]:
    """Every file that is, or would be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True).stdout.split("\0")
        files = [HOUSE / name for name in names if name]
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive: no history to ask
        kept = [path for path in HOUSE.iterdir() if path.name in {*ROOMS, "tests", "docs", "examples", ".ci"}]
        files = [path for folder in kept for path in folder.rglob("*") if "__pycache__" not in path.parts]
        files += [path for path in HOUSE.iterdir() if path.is_file()]
    return sorted(path for path in files if path.is_file())


def name_of(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


@cache
def text_of(path: Path) -> str:
    """The file's text; empty for what is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def modules() -> dict[str, ast.Module]:
    """Every Python file of the house, by its name."""
    return {name_of(path): ast.parse(text_of(path)) for path in tracked() if path.suffix == ".py"}


def in_rooms() -> dict[str, ast.Module]:
    return {name: tree for name, tree in modules().items() if name.split("/")[0] in ROOMS}


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def imports(name: str, tree: ast.AST) -> set[str]:
    """Dotted names of what a file imports; for `from a import b` both `a` and `a.b`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = name.split("/")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in modules().items() if not ast.get_docstring(tree)] == []


def test_no_file_is_longer_than_its_reader_can_bear() -> None:
    long = {name for name in modules() if text_of(HOUSE / name).count("\n") > FILE_LINES_MAX}
    assert long - LONG_FILES == set()


def test_no_function_is_longer_than_a_screen_unless_it_is_a_narrative() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in modules().items()
        for node in functions(tree)
        if (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
        and not (ast.get_docstring(node) or "").startswith("Narrative:")
    ]
    assert long == []


def test_what_is_public_is_documented() -> None:
    silent = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in in_rooms().items()
        for node in tree.body
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def asserts(node: ast.AST) -> bool:
    """Whether something is judged here: an assertion, an expected refusal, or a call whose name says it asserts."""
    return any(
        isinstance(each, ast.Assert)
        or (isinstance(each, ast.Call) and re.search(r"assert|raises|warns|\bcheck_|\bexpect_", ast.unparse(each.func)))
        for each in ast.walk(node)
    )


def test_every_test_asserts_something() -> None:
    idle = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in modules().items()
        if name.startswith("tests/")
        for node in functions(tree)
        if node.name.startswith("test_") and not asserts(node)
    ]
    assert idle == []


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b([T]ODO|FIXM[E]|XX[X]|HAC[K])\b")  # brackets: this line is no such mark
    left = [
        f"{name_of(path)}:{number}"
        for path in tracked()
        if path.suffix in {".py", ".sql", ".md", ".toml", ".html", ".js", ".css"} or path.name == "Makefile"
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if marks.search(line)
    ]
    assert left == []


def comment_lines(path: Path) -> set[int]:
    with path.open("rb") as file:
        return {token.start[0] for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT}


def test_whoever_catches_everything_says_why() -> None:
    broad = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)))
        and not comment_lines(HOUSE / name) & {node.lineno - 1, node.lineno, node.lineno + 1}
    ]
    assert broad == []


def test_what_silences_a_check_says_why() -> None:
    silencing = re.compile(r"# (?:noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*|type: ignore\[[a-z-]+\]|pragma: .*?)(.*)")
    bare = [
        f"{name}:{number}"
        for name in modules()
        for number, line in enumerate(text_of(HOUSE / name).splitlines(), 1)
        if (found := silencing.search(line)) and "re.compile" not in line and len(found[1].strip(" -#")) < 3
    ]
    assert bare == []


def test_no_module_is_dead() -> None:
    used = set().union(*(imports(name, tree) for name, tree in modules().items()))
    ours = {name.removesuffix(".py").replace("/", ".") for name in in_rooms() if not name.endswith("__init__.py")}
    assert ours - used - ENTRY_POINTS == set()


def test_the_map_of_the_service_names_each_of_its_modules() -> None:
    said = set(re.findall(r"\w+", ast.get_docstring(modules()["api/http/__init__.py"]) or ""))
    there = {Path(name).stem for name in modules() if name.startswith("api/http/")} - {"__init__"}
    assert there - said == set()


def test_no_sql_file_is_dead() -> None:
    code = "\n".join(text_of(HOUSE / name) for name in modules())
    unread = [
        name_of(path)
        for path in tracked()
        if path.suffix == ".sql" and path.parent.name != "migrations" and path.name not in code
    ]
    assert unread == []
    if any(path.parent.name == "migrations" for path in tracked()):
        assert re.search(r"[\"']migrations[\"']", code), "nothing reads the migrations"


def test_the_proofs_stand_alone() -> None:
    reached = {}
    for module, allowed in STAND_ALONE.items():
        name = module.replace(".", "/") + ".py"
        if name in modules():
            ours = {each for each in imports(name, modules()[name]) if each.split(".")[0] in ROOMS}
            reached[module] = {each for each in ours if not any(f"{each}.".startswith(f"{one}.") for one in allowed)}
            reached[module] -= {"audit"} if allowed else set()
    assert {module: extra for module, extra in reached.items() if extra} == {}


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    hosts = re.compile(r"pypi\.org|python[h]osted|npmjs\.|deb\.debian")
    paths = re.compile(r"(?<![\w.])/(work|root|farm|home/\w+)/")
    named = [
        f"{name_of(path)}:{number}"
        for path in tracked()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if hosts.search(line) or paths.search(line)
    ]
    assert named == []
