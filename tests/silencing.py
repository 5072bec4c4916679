"""A check taken out of a program, so that a test can ask what only that check catches.

A check is a function and a sentence that it says. `silenced` puts in the function's place one that is the same but
never says that sentence: where it would raise, return or note it, it goes on as if all were well. All else stays.
"""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any


class NotSaidThere(AssertionError):
    """The function named says no such sentence."""


Check = tuple[ModuleType, str]
"""A function of a module, by its name there: `function` or `Class.method`."""


@contextmanager
def silenced(sentences: Iterable[tuple[Check, str]]) -> Iterator[None]:
    """The programs without these checks: each with the sentence that it says.

    The function's code is exchanged, so that whoever holds the function has it too. Raises NotSaidThere.
    """
    said: dict[Check, list[str]] = {}
    for check, sentence in sentences:
        said.setdefault(check, []).append(sentence)
    nodes = {check: muted(check, *texts) for check, texts in said.items()}
    before: list[tuple[FunctionType, CodeType]] = []
    try:
        for (module, name), node in nodes.items():
            function = plain(module, name)
            before.append((function, function.__code__))
            function.__code__ = compiled(module, node)
            forget(module)
        yield
    finally:
        for function, code in before:
            function.__code__ = code
        for module, _ in nodes:
            forget(module)


def plain(module: ModuleType, name: str) -> FunctionType:
    """The function itself, without what decorates it."""
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    found = getattr(found, "__func__", getattr(found, "__wrapped__", found))
    assert isinstance(found, FunctionType)
    return found


def compiled(module: ModuleType, node: ast.FunctionDef) -> CodeType:
    """The code of a function of the module."""
    bare = copy.copy(node)
    bare.decorator_list = []
    made: dict[str, Any] = {}
    tree = ast.fix_missing_locations(ast.Module([bare], []))
    exec(compile(tree, str(module.__file__), "exec"), vars(module), made)  # noqa: S102 - the program's own source
    function = made[node.name]
    assert isinstance(function, FunctionType)
    return function.__code__


def forget(module: ModuleType) -> None:
    """Empties what the module's functions remember of earlier answers."""
    for each in vars(module).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


def muted(check: Check, *sentences: str) -> ast.FunctionDef:
    """The source of the check without the sentences. Raises NotSaidThere."""
    muting = Muting(sentences)
    node: ast.FunctionDef = muting.visit(function_of(*check))
    if not muting.found:
        raise NotSaidThere(f"{check[1]} says none of {sentences}")
    return node


@cache
def says(check: Check, sentence: str) -> int:
    """How many characters of the sentence stand in the function, 0 when it does not say it. Raises NotSaidThere."""
    muting = Muting([sentence])
    muting.visit(function_of(*check))
    return muting.longest


@cache
def functions_of(module: ModuleType) -> dict[str, bytes]:
    """All functions of a module and of its classes, by name: pickled, which takes a tenth of a deep copy's time."""
    found: dict[str, ast.FunctionDef] = {}
    for node in ast.parse(Path(str(module.__file__)).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{own.name}": own for own in node.body if isinstance(own, ast.FunctionDef)}
    return {name: pickle.dumps(node) for name, node in found.items()}


def function_of(module: ModuleType, name: str) -> ast.FunctionDef:
    """The source of a function, to be changed at will. Raises NotSaidThere when there is none of that name."""
    if name not in functions_of(module):
        raise NotSaidThere(f"{module.__name__} has no {name}")
    node = pickle.loads(functions_of(module)[name])  # noqa: S301 - made here
    assert isinstance(node, ast.FunctionDef)
    return node


class Muting(ast.NodeTransformer):
    """Has a function pass over what would say one of the sentences, each time that it would say just that.

    `found` tells whether there is any such place, `longest` how much of it stands there.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = sentences
        self.found = False
        self.longest = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return self._passed_over(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return self._passed_over(node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        return self._passed_over(node) if node.value and self._is_said(node.value) else self.generic_visit(node)

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        node.body = [self.visit(each) for each in node.body]
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return self._hushed(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return self._hushed(node)

    def _passed_over(self, node: ast.stmt) -> ast.AST:
        """The statement, unless it says the sentence."""
        said = next((each for each in texts_in(node) if self._is_said(each)), None)
        if said is None:
            return node
        self.found = True
        return ast.copy_location(ast.If(ast.UnaryOp(ast.Not(), self._asked(said)), [node], []), node)

    def _hushed(self, node: ast.expr) -> ast.AST:
        """The text, or nothing when it is of the sentence."""
        if not self._is_said(node):
            return node
        self.found = True
        return ast.copy_location(ast.IfExp(self._asked(node), ast.Constant(""), node), node)

    def _asked(self, text: ast.expr) -> ast.expr:
        asked: list[ast.expr] = [
            ast.Compare(copy.deepcopy(text), [ast.In()], [ast.Constant(sentence)]) for sentence in self.sentences
        ]
        return ast.BoolOp(ast.Or(), [ast.Constant(False), *asked])

    def _is_said(self, node: ast.AST) -> bool:
        """Whether a text in the source is, with anything in its holes, a part of a sentence."""
        if isinstance(node, ast.JoinedStr):
            parts = [each.value if isinstance(each, ast.Constant) else None for each in node.values]
        elif isinstance(node, ast.Constant):
            parts = [node.value]
        else:
            return False
        if not any(isinstance(part, str) and " " in part.strip() for part in parts):
            return False  # no sentence: a name, a path, a separator
        pattern = "".join(".*" if part is None else re.escape(str(part)) for part in parts)
        found = any(re.search(pattern, sentence) for sentence in self.sentences)
        if found:
            self.longest = max(self.longest, sum(len(part) for part in parts if isinstance(part, str)))
        return found


def texts_in(node: ast.AST) -> Iterator[ast.expr]:
    """The texts in the source, those with holes whole."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.JoinedStr | ast.Constant):
            yield each
        else:
            yield from texts_in(each)
