"""A configuration dataclass as command-line flags and as a TOML file.

Every field becomes `--its-name`; the string literal under the field is the help text. A flag wins over the TOML file,
the file over the default. Paths in a TOML file are relative to that file, a PLM given as one (with a slash) too.

Read `add_flags`, then `build`.
"""

import argparse
import ast
import functools
import inspect
import itertools
import textwrap
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from protsae.errors import ConfigError, InputError

T = TypeVar("T")


@functools.cache
def field_help(config_class: type) -> dict[str, str]:
    """Field name -> the string literal that stands under it in the class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(config_class)))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def add_flags(parser: argparse.ArgumentParser, config_class: type, *, without: Collection[str] = ()) -> None:
    """Add one flag per field of `config_class` not in `without`, and `--config` for a TOML file of the same names."""
    parser.add_argument("--config", type=Path, metavar="TOML", help="File with the same names; flags win over it.")
    helps = field_help(config_class)
    for field in _fields(config_class):
        if field.name in without:
            continue
        text = helps.get(field.name, "").replace("%", "%%")
        if field.default is not MISSING and field.default is not None:
            text += f" [{field.default}]"
        kind, is_many = _kind(config_class, field.name)
        flags: dict[str, Any] = {"dest": field.name, "default": argparse.SUPPRESS, "help": text}
        if kind is bool:
            flags["action"] = argparse.BooleanOptionalAction
        else:
            flags["metavar"] = "|".join(map(str, kind)) if isinstance(kind, tuple) else _METAVARS.get(kind, "X")
            flags |= {"nargs": "+"} if is_many else {}
        parser.add_argument(f"--{field.name.replace('_', '-')}", **flags)


def build(config_class: type[T], arguments: Mapping[str, Any]) -> T:
    """Make a `config_class` from parsed flags and the TOML file that `--config` names.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or outside its range, or a required field without value.
        InputError: the TOML file is missing or cannot be parsed.
    """
    names = {field.name for field in _fields(config_class)}
    values: dict[str, Any] = {}
    file = arguments.get("config")
    if file is not None:
        for key, value in _read_toml(file).items():
            name = key.replace("-", "_")
            if name not in names:
                msg = f"{file} sets {key!r}, which is no setting; the settings are {', '.join(sorted(names))}"
                raise ConfigError(msg)
            values[name] = _convert(config_class, name, value, base=file.parent)
    for name in names & set(arguments):
        values[name] = _convert(config_class, name, arguments[name], base=Path())
    missing = [f.name for f in _fields(config_class) if f.name not in values and f.default is MISSING]
    if missing:
        msg = f"missing: {', '.join('--' + name.replace('_', '-') for name in missing)}; give flags or a --config file"
        raise ConfigError(msg)
    return config_class(**values)


_METAVARS: dict[Any, str] = {Path: "PATH", int: "N", float: "X", str: "NAME"}


def _fields(config_class: Any) -> tuple[Field[Any], ...]:
    return fields(config_class)


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        msg = f"--config {path} does not exist"
        raise InputError(msg)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"--config {path} is no TOML file: {error}"
        raise InputError(msg) from error


def _kind(config_class: type, name: str) -> tuple[Any, bool]:
    """The field's plain type (or the tuple of a Literal's values), and whether it takes several."""
    hint = get_type_hints(config_class)[name]
    if get_origin(hint) in {Union, UnionType}:
        hint = next(option for option in get_args(hint) if option is not type(None))
    is_many = get_origin(hint) is tuple
    if is_many:
        hint = get_args(hint)[0]
    return (get_args(hint) if get_origin(hint) is Literal else hint), is_many


def _convert(config_class: type, name: str, value: Any, *, base: Path) -> Any:
    kind, is_many = _kind(config_class, name)
    if is_many:
        return tuple(_convert_one(name, kind, item, base) for item in (value if isinstance(value, list) else [value]))
    return _convert_one(name, kind, value, base)


def _convert_one(name: str, kind: Any, value: Any, base: Path) -> Any:
    if isinstance(kind, tuple):
        if value not in kind:
            msg = f"{name} must be one of {', '.join(map(str, kind))}, got {value!r}"
            raise ConfigError(msg)
        return value
    if kind is str and isinstance(value, str):
        return str(base / value) if "/" in value and (base / value).exists() else value
    if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
        return value
    try:
        if kind is Path and isinstance(value, str) and value:
            return base / Path(value).expanduser()
        if kind in {int, float} and not isinstance(value, bool):
            return _number(kind, value)
    except ValueError as error:
        msg = f"{name} must be {_NAMES[kind]}, got {value!r}"
        raise ConfigError(msg) from error
    msg = f"{name} must be {_NAMES[kind]}, got {value!r}"
    raise ConfigError(msg)


_NAMES: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    bool: "true or false",
}


def _number(kind: Any, value: Any) -> Any:
    if kind is int and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return kind(value)
