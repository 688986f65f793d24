"""What needs an engine and the stand-in images is collected where ``run.sh`` has made both."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("LAB_ON_DOCKER") else ["on_docker/*"]
