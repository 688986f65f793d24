"""Settings: defaults, and errors that name the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.config import Settings
from lab.errors import InvalidSetting


def test_defaults(tmp_path: Path) -> None:
    settings = Settings.from_env({}, cwd=tmp_path)
    assert settings.state_root == tmp_path / ".lab"
    assert settings.cache_dir.name == "kafka-lab"
    assert settings.listen_host == "127.0.0.1"
    assert settings.java_home is None


def test_the_nearest_state_folder_above_is_used(tmp_path: Path) -> None:
    (tmp_path / ".lab").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert Settings.from_env({}, cwd=below).state_root == tmp_path / ".lab"


def test_values_are_taken(tmp_path: Path) -> None:
    settings = Settings.from_env(
        {
            "LAB_STATE_DIR": str(tmp_path / "s"),
            "LAB_CACHE_DIR": str(tmp_path / "c"),
            "LAB_JAVA_HOME": str(tmp_path),
            "LAB_MAVEN_MIRROR": "https://mirror.example/maven/",
            "LAB_MAVEN_LOCAL": str(tmp_path),
            "LAB_CONNECT_PLUGINS": str(tmp_path),
            "LAB_LISTEN_HOST": "127.0.0.2",
            "LAB_START_TIMEOUT": "12.5",
        },
        cwd=tmp_path,
    )
    assert settings.maven_mirror == "https://mirror.example/maven"
    assert settings.connect_plugins == tmp_path
    assert settings.listen_host == "127.0.0.2"
    assert settings.start_timeout_seconds == 12.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAB_JAVA_HOME", "/nowhere/at/all"),
        ("LAB_MAVEN_LOCAL", "/nowhere/at/all"),
        ("LAB_CONNECT_PLUGINS", "/nowhere/at/all"),
        ("LAB_MAVEN_MIRROR", "ftp://mirror"),
        ("LAB_MAVEN_MIRROR", "mirror"),
        ("LAB_LISTEN_HOST", "everywhere"),
        ("LAB_LISTEN_HOST", "0.0.0.0"),
        ("LAB_LISTEN_HOST", "::1"),
        ("LAB_START_TIMEOUT", "soon"),
        ("LAB_START_TIMEOUT", "-1"),
        ("LAB_START_TIMEOUT", "nan"),
    ],
)
def test_a_bad_value_is_an_error_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting, match=name):
        Settings.from_env({name: value})
