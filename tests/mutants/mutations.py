"""Where the source of a module can be changed so that it still compiles, and into what."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_Node: TypeAlias = ast.expr | ast.stmt

_COMPARISONS: Mapping[type[ast.cmpop], Sequence[type[ast.cmpop]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_FUNCTIONS = {"all": "any", "any": "all", "max": "min", "min": "max"}
_SILENT = ("_logger.", "logging.")
"""Begin what is said to the log alone."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change to a source.

    Parameters
    ----------
    start, end : int
        The bytes that are replaced.
    text : str
        What replaces them.
    lines : range
        The lines that they stand on, from 1.
    """

    start: int
    end: int
    text: str
    lines: range

    def apply(self, source: bytes) -> bytes:
        """Return the changed source."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutations(source: bytes) -> list[Mutation]:
    """Return all mutations of a module, in the order of their places."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: dict[Mutation, None] = {}
    for node, text in _changes(ast.parse(source)):
        if text == ast.unparse(node):
            continue
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        found[Mutation(start, end, text, range(node.lineno, node.end_lineno + 1))] = None
    return sorted(found, key=lambda mutation: (mutation.start, mutation.end, mutation.text))


def _changes(tree: ast.AST) -> Iterator[tuple[_Node, str]]:
    """Yield what is replaced by what, but for annotations, what is logged, and what strings quote."""
    if isinstance(tree, ast.JoinedStr):  # before Python 3.12 what stands in it does not know where
        return
    if isinstance(tree, ast.Expr) and ast.unparse(tree).startswith(_SILENT):
        return
    for change in _CHANGES:
        yield from change(tree)
    for name, value in ast.iter_fields(tree):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child)


def _with(node: _Node, name: str, value: object) -> str:
    """Return the text of a node with another field."""
    changed = copy.copy(node)
    setattr(changed, name, value)
    text = ast.unparse(changed)
    return f"({text})" if isinstance(node, ast.BinOp | ast.BoolOp | ast.Compare) else text


def _comparison(node: ast.AST) -> Iterator[tuple[_Node, str]]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in _COMPARISONS[type(operator)]:
                yield node, _with(node, "ops", [*node.ops[:place], other(), *node.ops[place + 1 :]])


def _boolean(node: ast.AST) -> Iterator[tuple[_Node, str]]:
    if isinstance(node, ast.BoolOp):
        yield node, _with(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for place in range(len(node.values)):
            rest = [*node.values[:place], *node.values[place + 1 :]]
            yield node, _with(node, "values", rest) if len(rest) > 1 else f"({ast.unparse(rest[0])})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node, f"({ast.unparse(node.operand)})"


def _arithmetic(node: ast.AST) -> Iterator[tuple[_Node, str]]:
    if isinstance(node, ast.AugAssign | ast.BinOp) and type(node.op) in _ARITHMETIC and not _is_text(node):
        yield node, _with(node, "op", _ARITHMETIC[type(node.op)]())


def _is_text(node: ast.AugAssign | ast.BinOp) -> bool:
    """Tell whether an operator joins or fills text or lists, so that another one would only fail."""
    return any(
        isinstance(side, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in ((node.left, node.right) if isinstance(node, ast.BinOp) else (node.value,))
    )


def _constant(node: ast.AST) -> Iterator[tuple[_Node, str]]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield node, str(not node.value)
        elif isinstance(node.value, int):
            yield node, str(node.value + 1)
            yield node, f"({node.value - 1})" if node.value < 1 else str(node.value - 1)


def _condition(node: ast.AST) -> Iterator[tuple[_Node, str]]:
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        tests = [node.test]
    elif isinstance(node, ast.comprehension):
        tests = node.ifs
    else:
        return
    for test in tests:
        if not isinstance(test, ast.Constant) and ast.unparse(test) != "TYPE_CHECKING":
            yield test, "False"
            if not isinstance(node, ast.While):  # it would only never end
                yield test, "True"


def _statement(node: ast.AST) -> Iterator[tuple[_Node, str]]:
    if isinstance(node, ast.Continue):
        yield node, "break"
    elif isinstance(node, ast.Break):
        yield node, "continue"
    elif isinstance(node, ast.stmt) and _can_go(node):
        yield node, "pass"


def _can_go(node: ast.stmt) -> bool:
    """Tell whether the rest may run without a statement: it defines no name, and returns nothing."""
    match node:
        case ast.AugAssign() | ast.Delete() | ast.Raise() | ast.Return(value=None):
            return True
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            return True
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            return True
        case _:
            return False


def _arguments(node: ast.AST) -> Iterator[tuple[_Node, str]]:
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        values = node.value.elts
        if len(values) > 1:
            yield node, _with(node, "value", ast.Tuple([values[1], values[0], *values[2:]]))
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            yield node, _with(node, "func", ast.Name(_FUNCTIONS[node.func.id]))
        if len(node.args) > 1 and not any(_stands_first(arg) for arg in node.args[:2]):
            yield node, _with(node, "args", [node.args[1], node.args[0], *node.args[2:]])


def _stands_first(argument: ast.expr) -> bool:
    """Tell whether an argument elsewhere would only fail at once."""
    return isinstance(argument, ast.Starred) or (isinstance(argument, ast.Name) and argument.id == "backend")


_CHANGES: Sequence[Callable[[ast.AST], Iterator[tuple[_Node, str]]]] = (
    _comparison,
    _boolean,
    _arithmetic,
    _constant,
    _condition,
    _statement,
    _arguments,
)
