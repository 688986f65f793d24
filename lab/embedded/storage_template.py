"""Maintainers' side of hand-formatted storage: let Kafka's own StorageTool write the template."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from lab.config import Settings
from lab.embedded import broker
from lab.embedded.broker import Node
from lab.embedded.fetching import outfitter
from lab.embedded.outfit import Outfit
from lab.embedded.state import new_cluster_id
from lab.errors import ComponentFailed


def write_template(settings: Settings, package_dir: Path) -> Path:
    """Write ``bootstrap-<version>.checkpoint`` into the package; return its path."""
    outfit = outfitter(settings, ("kafka", "registry"))()
    target = package_dir / "data" / f"bootstrap-{outfit.kafka_version}.checkpoint"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(format_with_storage_tool(outfit))
    return target


def format_with_storage_tool(outfit: Outfit) -> bytes:
    """Format scratch storage with kafka.tools.StorageTool; return its bootstrap.checkpoint.

    Raises ComponentFailed with the tool's output.
    """
    with tempfile.TemporaryDirectory(prefix="lab-format-") as scratch:
        log_dir = Path(scratch) / "data"
        node = Node(1, 29092, 29093)
        properties = Path(scratch) / "server.properties"
        properties.write_text(
            broker.render_properties(
                broker.server_properties(node, (node,), host="127.0.0.1", log_dir=log_dir)
            ),
            "utf-8",
        )
        answer = subprocess.run(
            [
                str(outfit.java.java),
                "-cp",
                outfit.class_path("kafka"),
                "kafka.tools.StorageTool",
                "format",
                f"--cluster-id={new_cluster_id()}",
                f"--config={properties}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise ComponentFailed(
                "StorageTool",
                "Kafka's StorageTool could not format storage",
                exit_code_of_process=answer.returncode,
                log_tail=tuple((answer.stdout + answer.stderr).splitlines()[-15:]),
            )
        return (log_dir / "bootstrap.checkpoint").read_bytes()
