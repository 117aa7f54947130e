#!/usr/bin/env python
"""Tell which public functions, methods and classes lack a part of their numpydoc docstring.

usage: bin/check_docstrings.py PATH...

With arguments they need Parameters, each of which is named and none of which is unknown; Returns or Yields if
they give something; Raises if they raise. Fields of a dataclass are parameters, or have a text below them.
A summary is enough for what is documented elsewhere: a method that overrides one of a class below PATH, and
the command ``do_<command>(self, data)`` of a CSC, whose signature is salobj's.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from numpydoc.docscrape import NumpyDocString

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class _Class:
    bases: list[str]
    methods: set[str]


def classes(modules: list[ast.Module]) -> dict[str, _Class]:
    """Find the documented public methods of all classes.

    Parameters
    ----------
    modules
        Where they are.

    Returns
    -------
    classes
        By name; without those whose name there is twice.
    """
    nodes = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    names = Counter(node.name for node in nodes)
    return {
        node.name: _Class(
            [ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases],
            {each.name for each in node.body if isinstance(each, Function) and ast.get_docstring(each)},
        )
        for node in nodes
        if names[node.name] == 1
    }


def problems(path: Path, module: ast.Module, known: dict[str, _Class]) -> Iterator[str]:
    """Find what is missing in a module.

    Parameters
    ----------
    path, module
        Its place and its contents.
    known
        Classes that it may derive from.

    Yields
    ------
    problem
        Place, name and what is missing.
    """
    for name, node in _public(module.body):
        if isinstance(node, ast.ClassDef):
            found = _of_class(node)
        elif _is_documented_elsewhere(name, node, known):
            found = iter(() if ast.get_docstring(node) else ("no docstring",))
        else:
            found = _of_function(node)
        yield from (f"{path}:{node.lineno}: {name}: {problem}" for problem in found)


def _public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.ClassDef | Function]]:
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name.startswith("_"):
                continue
            yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, f"{prefix}{node.name}.")


def _is_documented_elsewhere(name: str, node: Function, known: dict[str, _Class]) -> bool:
    is_command = bool(re.fullmatch(r"do_[a-z]\w*", node.name)) and _arguments(node) == ["data"]
    owner = name.rpartition(".")[0].rpartition(".")[2]
    looked_at, open_names = set(), [owner]
    while open_names:
        class_name = open_names.pop()
        if is_command and (class_name.endswith("Csc") or class_name in ("BaseScript", "Controller")):
            return True
        if class_name in looked_at or class_name not in known:
            continue
        if class_name != owner and node.name in known[class_name].methods:
            return True
        looked_at.add(class_name)
        open_names += known[class_name].bases
    return False


def _of_function(node: Function) -> Iterator[str]:
    decorators = [ast.unparse(each) for each in node.decorator_list]
    if any("overload" in each or each.endswith((".setter", ".register")) for each in decorators):
        return
    text = ast.get_docstring(node)
    if not text:
        yield "no docstring"
        return
    said, names = NumpyDocString(text), _arguments(node)
    yield from _names(said, names)
    gives = node.returns is not None and ast.unparse(node.returns) not in ("None", "NoReturn")
    is_property = any("property" in each for each in decorators)
    if names and gives and not is_property and not said["Returns"] and not said["Yields"]:
        yield "no Returns"
    if (
        any(isinstance(each, ast.Raise) and each.exc is not None for each in _own(node))
        and not said["Raises"]
    ):
        yield "no Raises"


def _of_class(node: ast.ClassDef) -> Iterator[str]:
    text = ast.get_docstring(node)
    if not text:
        yield "no docstring"
        return
    said = NumpyDocString(text)
    made = next(
        (each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None
    )
    if made is not None:
        yield from _names(said, _arguments(made))
    elif any("dataclass" in ast.unparse(each) for each in node.decorator_list):
        known = _described(said, "Parameters") | _described(said, "Attributes")
        if missing := [each for each in _fields(node) if each not in known]:
            yield f"fields without description: {', '.join(missing)}"


def _names(said: NumpyDocString, names: list[str]) -> Iterator[str]:
    known = _described(said, "Parameters")
    if missing := [each for each in names if each not in known]:
        yield f"no Parameters {', '.join(missing)}"
    if unknown := sorted(known - set(names)):
        yield f"Parameters that are none: {', '.join(unknown)}"


def _described(said: NumpyDocString, section: str) -> set[str]:
    words = (word for each in said[section] for word in (each.name or each.type).split(","))
    return {word.strip().lstrip("*") for word in words}


def _arguments(node: Function) -> list[str]:
    about = node.args
    names = [each.arg for each in (*about.posonlyargs, *about.args, *about.kwonlyargs)]
    names += [each.arg for each in (about.vararg, about.kwarg) if each is not None]
    return [each for each in names if each not in ("self", "cls") and not each.startswith("_")]


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """Fields that are arguments of the dataclass and have no text below them."""
    for each, below in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
            continue
        text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        given = "ClassVar" not in ast.unparse(each.annotation) and "init=False" not in ast.unparse(each)
        if given and not text and not each.target.id.startswith("_"):
            yield each.target.id


def _own(node: Function) -> Iterator[ast.AST]:
    """All parts of a function but those of functions within it."""
    for each in ast.iter_child_nodes(node):
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            yield each
            yield from _own(each)  # type: ignore[arg-type]


def main(paths: list[str]) -> int:
    """Print what is missing; return 1 if anything is.

    Parameters
    ----------
    paths
        Modules, or folders of them.

    Returns
    -------
    status
        Exit status.
    """
    files = [
        file
        for path in map(Path, paths)
        for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]
    modules = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
    known = classes(list(modules.values()))
    found = [problem for file, module in modules.items() for problem in problems(file, module, known)]
    print(*found, f"{len(found)} problems in {len(files)} modules", sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
