"""The pure core as a crate of its own, which is built in seconds: src/protocol without the runtime
that it may not name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DEPENDENCIES = (
    "base64", "bytes", "chacha20poly1305", "http", "memchr", "serde", "serde_json", "simdutf8",
    "thiserror",
)


class Core:
    """A copy of the core below target/simulation, built with this optimisation."""

    def __init__(self, name: str, opt_level: int) -> None:
        self.home = ROOT / "target/simulation" / name
        self.sources = self.home / "src"
        shutil.rmtree(self.sources, ignore_errors=True)
        shutil.copytree(ROOT / "src/protocol", self.sources / "protocol")
        shutil.copy(ROOT / "Cargo.lock", self.home / "Cargo.lock")
        manifest = (ROOT / "Cargo.toml").read_text()
        edition = re.search(r"^edition = .*$", manifest, re.M)[0]
        lines = [
            f'[package]\nname = "core-of-mcp-http"\nversion = "0.0.0"\n{edition}',
            # Examples in the documentation speak of the whole crate.
            "[lib]\ndoctest = false",
            "[dependencies]",
            *(re.search(rf"^{name} = .*$", manifest, re.M)[0] for name in DEPENDENCIES),
            "[workspace]",
            f"[profile.dev]\ndebug = false\nopt-level = {opt_level}",
            # As in the tests of the whole crate.
            "debug-assertions = true\noverflow-checks = true",
        ]
        (self.home / "Cargo.toml").write_text("\n".join(lines) + "\n")
        (self.sources / "lib.rs").write_text("#![allow(dead_code, unused, unexpected_cfgs)]\nmod protocol;\n")

    def build(self) -> Path | None:
        """The binary with the unit tests; none, and why on the screen, if it cannot be built."""
        command = ["cargo", "test", "--quiet", "--lib", "--no-run", "--message-format=json"]
        environment = {**os.environ, "CARGO_TARGET_DIR": str(self.home / "target")}
        built = subprocess.run(
            command, cwd=self.home, env=environment, capture_output=True, text=True, timeout=900
        )
        found = re.search(r'"executable":"([^"]+)"', built.stdout)
        if built.returncode != 0 or not found:
            for line in re.findall(r'"rendered":"((?:[^"\\]|\\.)*)"', built.stdout)[:3]:
                print(line.encode().decode("unicode_escape"))
            print(built.stderr)
            return None
        return Path(found[1])


def simulate(binary: Path, seeds: str) -> subprocess.Popen:
    """Starts the simulation of these seeds: "n" for 1 to n, or "m..n"."""
    environment = {**os.environ, "SIMULATION_SEEDS": seeds, "RUST_BACKTRACE": "0"}
    environment.pop("SIMULATION_SEED", None)
    command = [binary, "--nocapture", "legacy::tests::simulation::"]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
