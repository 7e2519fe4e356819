"""Runs `cavga metrics` on a set and gives its figures."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import cases

ROOT = Path(__file__).resolve().parents[2]
# The program that a run was told to use.
chosen = None


def find(given=None):
    """The program: the one given, or the newest build of this tree."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [path for path in (target / kind / "cavga" for kind in ("release", "debug")) if path.is_file()]
    if given is None and not built:
        raise SystemExit("error: no cavga in target/release or target/debug; `cargo build --release`, or say --cavga PATH")
    return Path(given) if given else max(built, key=lambda path: path.stat().st_mtime)


def command(program, scores, masks, *more):
    """Without intervals, which nothing here looks at."""
    folders = ["--scores", str(scores), "--masks", str(masks)]
    return [str(program), "metrics", *folders, "--resamples", "0", "--json", *map(str, more)]


def read(program, scores, masks, *more):
    """Name -> number, None where undefined, and `<name>_undefined` with the reason; or what the program said, as a str."""
    done = subprocess.run(command(program, scores, masks, *more), capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip().replace(str(Path(scores).parent) + os.sep, "")
    return json.loads(done.stdout)


def figures(program, case, *more):
    """What `read` gives, of a set."""
    with tempfile.TemporaryDirectory() as folder:
        return read(program, *cases.write(case, folder), *more)
