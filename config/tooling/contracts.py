"""The kind of import contract that design needs: a room and the only things it may import; read by import-linter from pyproject.toml."""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class MayImportOnly(Contract):
    """`modules` (with what is below them, without `but_not`) import nothing `out_of` these packages except `may_import`.

    import-linter's own kinds forbid: every new module would have to be added to every list. This one allows, and a module that is not there yet is no error.
    """

    type_name = "may_import_only"

    modules = fields.ListField(subfield=fields.StringField())
    but_not = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    out_of = fields.ListField(subfield=fields.StringField())
    may_import = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Whether every direct import is allowed; `metadata` lists those that are not."""
        room, but_not = _names(self.modules), _names(self.but_not)
        importers = [name for name in sorted(graph.modules) if _is_within(name, room) and not _is_within(name, but_not)]
        allowed = [*_names(self.may_import), *room]
        wrong = [
            (importer, imported, graph.get_import_details(importer=importer, imported=imported)[0]["line_number"])
            for importer in importers
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if _is_within(imported, _names(self.out_of)) and not _is_within(imported, allowed)
        ]
        return ContractCheck(kept=not wrong, metadata={"wrong": wrong})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import that is not allowed."""
        for importer, imported, line in check.metadata["wrong"]:
            output.print_error(f"{importer} imports {imported} (l. {line})", bold=False)


def _names(given: Any) -> list[str]:
    return list(given)


def _is_within(name: str, packages: list[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
