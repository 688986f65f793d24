"""Labs of containers, and the images that they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from lab.compose.command import Compose
from lab.compose.lifecycle import ComposeLab
from lab.compose.plan import FOLDER, Image, components_of, compose_file, images
from lab.config import Settings
from lab.doctor.docker import NOT_NEEDED, Answer, ask
from lab.doctor.model import CheckResult
from lab.embedded.connect_plugins import is_unpacked, pinned
from lab.embedded.jars import Artifact, load_lock
from lab.embedded.state import LabState, all_labs
from lab.errors import LabError

WAY_OUT = "`lab up` alone starts the embedded target, which needs no image."


def check_images(settings: Settings) -> list[CheckResult]:
    """Each image of the compose file: there already, or to be pulled, or neither.

    Nothing is said where there is no engine: the check of Docker says that.
    """
    del settings
    if ask("version", "--format", "{{.Server.Version}}").text is None:
        return []
    services = components_of(LabState.new("doctor"))
    try:
        found = images(Compose(compose_file(), "kafka-lab", {}).config(), services)
    except LabError as error:
        return [CheckResult("images", "warn", error.message, f"{error.hint or ''} {NOT_NEEDED}")]
    with ThreadPoolExecutor(len(found) or 1) as pool:
        return list(pool.map(_look, found))


def _look(image: Image) -> CheckResult:
    here = ask("image", "inspect", "--format", "{{.Size}} {{.Architecture}}", image.name)
    if here.text is not None:
        return judge_image(image, here, None)
    return judge_image(image, here, ask("manifest", "inspect", image.name))


def judge_image(image: Image, here: Answer, registry: Answer | None) -> CheckResult:
    """An image that is here, or that its registry has. ``registry`` None: not asked."""
    name = f"image {image.services[0]}"
    if here.text is not None:
        return CheckResult(name, "ok", f"{image.name} is here")
    if registry is not None and registry.text is not None:
        return CheckResult(name, "ok", f"{image.name} will be pulled by `lab up --target compose`")
    why = registry.problem if registry is not None else here.problem
    return CheckResult(
        name, "warn", f"{image.name} is not here and cannot be pulled: {why}",
        f"Check the network and the version variables, or pull it yourself. {WAY_OUT}",
    )  # fmt: skip


def check_connect_plugins(settings: Settings) -> list[CheckResult]:
    """Connect's plug-ins in the lab's cache, or in the user's folder; nothing without an engine."""
    if ask("version", "--format", "{{.Server.Version}}").text is None:
        return []
    name = "Connect's plug-ins"
    if settings.connect_plugins is not None:
        return [CheckResult(name, "ok", f"LAB_CONNECT_PLUGINS: {settings.connect_plugins}")]
    wanted = pinned(load_lock())
    return [judge_plugins(wanted, [is_unpacked(settings.cache_dir, one) for one in wanted])]


def judge_plugins(wanted: Sequence[Artifact], there: Sequence[bool]) -> CheckResult:
    """The pinned archives are unpacked, or will be."""
    name = "Connect's plug-ins"
    missing = [one for one, is_there in zip(wanted, there, strict=True) if not is_there]
    if not missing:
        return CheckResult(name, "ok", f"{len(wanted)} in the cache")
    size = sum(one.size for one in missing) / 1e6
    return CheckResult(
        name, "ok", f"{len(missing)} of {len(wanted)} not fetched yet: {size:.0f} MB, by the first "
        "`lab up --target compose` or by `lab fetch --connect-plugins`",
    )  # fmt: skip


def check_compose_labs(settings: Settings) -> list[CheckResult]:
    """One result per lab of containers of this state folder."""
    results = []
    for folder in all_labs(settings.state_root / FOLDER):
        try:
            state = folder.load()
            if state is not None:
                seen = {one.name: one.state for one in ComposeLab(settings, folder.name).status()}
                results.append(judge_compose_lab(state, seen))
        except LabError as error:
            results.append(
                CheckResult(f"lab {folder.name} (compose)", "warn", error.message, error.hint)
            )
    return results


def judge_compose_lab(state: LabState, seen: Mapping[str, str]) -> CheckResult:
    """Running means that every container does; stopped means that none is left."""
    name = f"lab {state.name} (compose)"
    option = " --target compose" + ("" if state.name == "default" else f" --name {state.name}")
    down = sorted(component for component, now in seen.items() if now == "down")
    left = sorted(component for component, now in seen.items() if now != "down")
    if state.phase != "ready":
        if not left:
            return CheckResult(name, "ok", "stopped, nothing left running")
        return CheckResult(
            name, "warn", f"not up ({state.phase}), but left running: {', '.join(left)}",
            f"If no `lab up` is at work, `lab down{option}` ends them.",
        )  # fmt: skip
    if not down:
        return CheckResult(name, "ok", f"running, {len(left)} containers")
    return CheckResult(
        name, "warn", f"running without {', '.join(down)}" if left else "was up, nothing runs now",
        f"`lab up{option}` starts what is missing; `lab logs{option}` says why it ended.",
    )  # fmt: skip
