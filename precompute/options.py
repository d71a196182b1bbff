"""A configuration dataclass as command-line flags and as a TOML file.

Every field becomes `--its-name`; the string literal under the field is the help text. A flag wins over the TOML file,
the file over a preset (where the class has any), the preset over the default. Paths in a TOML file are relative to that
file, a PLM given as one (with a slash) too. A tuple of dataclasses is a list of tables in the file (`[[saes]]`),
checked as the settings are; it has a flag only where the dataclass has a `parse`, which makes one of a text. A flag
that takes several values may be repeated.

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
from dataclasses import MISSING, Field, fields, is_dataclass
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
    helps = field_help(config_class)
    kinds = {field.name: _kind(config_class, field.name)[0] for field in _fields(config_class)}
    tables = [name for name, kind in kinds.items() if is_dataclass(kind) and not hasattr(kind, "parse")]
    only = "".join(f" Only there, as [[{name}]] tables: {helps[name]}" for name in tables)
    about = f"File with the same names; flags win over it.{only}".replace("%", "%%")
    parser.add_argument("--config", type=Path, metavar="TOML", help=about)
    for field in _fields(config_class):
        if field.name in without or field.name in tables:
            continue
        text = helps.get(field.name, "").replace("%", "%%")
        if field.default not in (MISSING, None, (), ""):
            text += f" [{field.default}]"
        kind, is_many = _kind(config_class, field.name)
        flags: dict[str, Any] = {"dest": field.name, "default": argparse.SUPPRESS, "help": text}
        if kind is bool:
            flags["action"] = argparse.BooleanOptionalAction
        else:
            flags["metavar"] = "|".join(map(str, kind)) if isinstance(kind, tuple) else _METAVARS.get(kind, "X")
            flags |= {"nargs": "+", "action": "extend"} if is_many else {}
        parser.add_argument(f"--{field.name.replace('_', '-')}", **flags)


def build(config_class: type[T], arguments: Mapping[str, Any]) -> T:
    """Make a `config_class` from parsed flags and the TOML file that `--config` names.

    Where the class has `presets` (name -> values of fields) and a field `preset`, those of the preset that is named
    come below everything given and above the defaults.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or outside its range, or a required field without value.
        InputError: the TOML file is missing or cannot be parsed.
    """
    names = {field.name for field in _fields(config_class)}
    values: dict[str, Any] = {}
    file = arguments.get("config")
    if file is not None:
        values = _from_table(config_class, _read_toml(file), base=file.parent, where=str(file))
    for name in names & set(arguments):
        values[name] = _convert(config_class, name, arguments[name], base=Path())
    presets: Mapping[str, Mapping[str, Any]] = getattr(config_class, "presets", {})
    values = {**presets.get(values.get("preset", ""), {}), **values}
    missing = [f.name for f in _fields(config_class) if f.name not in values and f.default is MISSING]
    if missing:
        raise ConfigError(
            f"missing: {', '.join('--' + name.replace('_', '-') for name in missing)}; give flags or a --config file"
        )
    return config_class(**values)


_METAVARS: dict[Any, str] = {Path: "PATH", int: "N", float: "X", str: "NAME"}


def _fields(config_class: Any) -> tuple[Field[Any], ...]:
    return fields(config_class)


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"--config {path} does not exist")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"--config {path} is no TOML file: {error}") from error


def _from_table(config_class: type, table: Mapping[str, Any], *, base: Path, where: str) -> dict[str, Any]:
    """Values of some fields of `config_class` from a table of its names; `where` stands in the error."""
    names = {field.name for field in _fields(config_class)}
    values = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in names:
            raise ConfigError(f"{where} sets {key!r}, which is no setting; the settings are {', '.join(sorted(names))}")
        values[name] = _convert(config_class, name, value, base=base)
    return values


def _from_tables(name: str, kind: Any, value: Any, base: Path) -> tuple[Any, ...]:
    """Instances of the dataclass `kind` from a list of tables."""
    if isinstance(value, list) and hasattr(kind, "parse"):
        value = [kind.parse(item) if isinstance(item, str) else item for item in value]
    if not isinstance(value, list | tuple) or not all(isinstance(item, dict | kind) for item in value):
        raise ConfigError(f"{name} must be a list of tables, [[{name}]], got {value!r}")
    made = []
    for place, item in enumerate(value, start=1):
        if isinstance(item, kind):
            made.append(item)
            continue
        where = f"table {place} of [[{name}]]"
        fields_here = _from_table(kind, item, base=base, where=where)
        missing = [f.name for f in _fields(kind) if f.name not in fields_here and f.default is MISSING]
        if missing:
            raise ConfigError(f"{where} lacks {missing[0]}; add it")
        made.append(kind(**fields_here))
    return tuple(made)


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
    if value is None and type(None) in get_args(get_type_hints(config_class)[name]):
        return None
    if is_dataclass(kind):
        return _from_tables(name, kind, value, base)
    if is_many:
        return tuple(_convert_one(name, kind, item, base) for item in (value if isinstance(value, list) else [value]))
    return _convert_one(name, kind, value, base)


def _convert_one(name: str, kind: Any, value: Any, base: Path) -> Any:
    if isinstance(kind, tuple):
        if value not in kind:
            raise ConfigError(f"{name} must be one of {', '.join(map(str, kind))}, got {value!r}")
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
        raise ConfigError(f"{name} must be {_NAMES[kind]}, got {value!r}") from error
    raise ConfigError(f"{name} must be {_NAMES[kind]}, got {value!r}")


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
