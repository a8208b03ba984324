"""Node and what npm installs for it, as `make test` sets it up."""

import json
import subprocess
from pathlib import Path

__all__ = ["asyncapi_problems", "bundle", "compile_typescript", "reference_problems"]

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"


def set_up() -> None:
    """Install what the lock file names; nothing to do but the first time."""
    subprocess.run(["make", "-s", "web/node_modules/.synced"], cwd=ROOT, check=True, capture_output=True)


def compile_typescript(directory: Path) -> str:
    """What the compiler says of all files of a directory, which may import our client: nothing, if all is well."""
    set_up()
    options = {
        "target": "ES2022",
        "lib": ["ES2022", "DOM"],
        "module": "NodeNext",
        "types": [],
        "paths": {"pulse-radar": [str(WEB / "client" / "src" / "index.ts")]},
        "noEmit": True,
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "exactOptionalPropertyTypes": True,
        "verbatimModuleSyntax": True,
    }
    (directory / "package.json").write_text('{"type": "module"}')
    (directory / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))
    tsc = WEB / "node_modules" / ".bin" / "tsc"
    done = subprocess.run([str(tsc)], cwd=directory, capture_output=True, text=True)
    return done.stdout + done.stderr


def bundle(source: str) -> str:
    """One script of this source and all that it imports, for a page."""
    set_up()
    done = subprocess.run(
        [
            str(WEB / "node_modules" / ".bin" / "esbuild"),
            *("--bundle", "--loader=tsx", "--jsx=automatic", "--log-level=error"),
            """--define:process.env.NODE_ENV='"production"'""",
        ],
        cwd=WEB,
        input=source,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def asyncapi_problems(document: Path) -> str:
    """What the official parser finds wrong with a document, a line each: nothing, if all is well."""
    set_up()
    script = """
        import { readFileSync } from "node:fs";
        import { Parser } from "@asyncapi/parser";
        const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[1], "utf8"));
        for (const { code, message, path } of diagnostics) console.log(code, message, path.join("."));
        if (!document) console.log("it is no document");
    """
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", script, str(document)],
        cwd=WEB,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


def reference_problems(target: Path) -> str:
    """What typedoc, which takes a warning for an error, finds wrong with the reference: nothing, if all is well."""
    subprocess.run(
        ["make", "-s", "web/reference/node_modules/.synced"], cwd=ROOT, check=True, capture_output=True
    )
    typedoc = WEB / "reference" / "node_modules" / ".bin" / "typedoc"
    done = subprocess.run(
        [str(typedoc), "--out", str(target)], cwd=WEB / "reference", capture_output=True, text=True
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
