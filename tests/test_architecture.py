"""The architecture: imports go one way, and every file is small and named after its contents."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOP_DOWN = ("app", "server", "resolvers", "schema", "db")
LONGEST = 400
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "misc", "services"}

# A folder at the top is a package of ours when Python files are right in it.
PACKAGES = sorted({file.parent for file in ROOT.glob("[!.]*/*.py")})
MODULES = sorted(
    [*ROOT.glob("*.py"), *(file for package in PACKAGES for file in package.rglob("*.py"))]
)


def _name(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def _imports(module: Path) -> set[str]:
    """The packages at the top that a module imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def _names(module: Path) -> set[str]:
    """What a module imports, and the attributes that it names."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {part for alias in node.names for part in alias.name.split(".")}
            found |= set((getattr(node, "module", None) or "").split("."))
    return found


def _modules_of(package: str) -> list[Path]:
    return [module for module in MODULES if _name(module).startswith(f"{package}/")]


@pytest.mark.parametrize("package", TOP_DOWN[1:])
def test_a_package_imports_only_those_below_it(package: str) -> None:
    above = set(TOP_DOWN[: TOP_DOWN.index(package)])
    wrong = {_name(module): _imports(module) & above for module in _modules_of(package)}
    assert wrong, f"there is nothing in {package}"
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("package", TOP_DOWN[1:])
def test_the_product_imports_nothing_of_its_tests(package: str) -> None:
    assert [_name(module) for module in _modules_of(package) if "tests" in _imports(module)] == []


@pytest.mark.parametrize("package", TOP_DOWN[2:])
def test_only_the_server_and_the_composition_root_read_settings(package: str) -> None:
    readers = {"environ", "environb", "getenv", "getenvb", "pydantic_settings"}
    assert [_name(module) for module in _modules_of(package) if readers & _names(module)] == []


def test_imports_are_absolute() -> None:
    relative = [
        f"{_name(module)}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_every_file_of_the_product_is_short() -> None:
    lengths = {
        _name(module): len(module.read_text("utf-8").splitlines())
        for module in MODULES
        if not {"tests", "migrations"} & set(module.relative_to(ROOT).parts)
    }
    assert "app.py" in lengths
    assert {name: length for name, length in lengths.items() if length >= LONGEST} == {}


def test_every_name_says_something() -> None:
    parts = {part for module in MODULES for part in module.relative_to(ROOT).with_suffix("").parts}
    assert set(TOP_DOWN) <= parts
    assert parts & SAYS_NOTHING == set()


def test_every_package_of_the_house_is_there_and_no_other() -> None:
    assert {package.name for package in PACKAGES} == {*TOP_DOWN[1:], "bench", "tests"}
