"""`pulse-radar codegen`: the types of an app's events for TypeScript, and a check that clients still understand."""

from pulse_radar.cli.generated import CheckOption, generate
from pulse_radar.cli.options import DeclaringAppArgument, OutputOption

__all__ = ["codegen"]


def codegen(app: DeclaringAppArgument, output: OutputOption = None, check: CheckOption = False) -> None:
    """Write the types of all declared events as TypeScript: unions by topic, exact names."""
    # Here, so that other commands start without pydantic's schemas.
    from pulse_radar.catalogue.typescript import read_catalogue, to_typescript
    from pulse_radar.cli.declared_by import declared_by

    declared = declared_by(app)
    text = to_typescript(declared, app)
    generate(text, output, declared, read_catalogue, command=f"codegen {app}", check=check)
