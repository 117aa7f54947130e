"""What is wrong with a site, or that it cannot be used, is said before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from lsst.ts.simulated_observatory.batch import site as module
from lsst.ts.simulated_observatory.batch.site import read_batch
from lsst.ts.simulated_observatory.cli.run_script import main

LOCAL = "computeSite: mine\nsite:\n  mine:\n    class: lsst.ctrl.bps.parsl.sites.{}\n"


def refusal(asked: str, folder: Path) -> str:
    arguments = ["auxtel/make_latiss_calibrations.py", "--simulate", "--out", str(folder / "run"), "--batch"]
    ended = CliRunner().invoke(main, [*arguments, asked])
    assert ended.exit_code == 2
    assert not (folder / "run").exists()
    (line,) = [line for line in ended.output.splitlines() if line.startswith("Error: ")]
    return line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("computeSite: [", "it is no YAML"),
        ("- computeSite", "it is no mapping"),
        ("site: {}", "KeyError"),
        ("computeSite: elsewhere\nsite:\n  mine:\n    class: a.b\n", "elsewhere"),
        ("computeSite: mine\nsite:\n  mine:\n    class: no.such.Site\n", "no.such.Site"),
        ("computeSite: mine\nsite:\n  mine:\n    class: pathlib.Path\n", "is not a SiteConfig subclass"),
        (LOCAL.format("Local"), "cores"),
        (LOCAL.format("Local") + "    cores: two\n", "cores=two is not of type"),
        (LOCAL.format("Local") + "    core: 2\n", "cores"),  # what it does not know is a variable, for it
        (LOCAL.format("Slurm"), "nodes"),
    ],
)
def test_site_that_cannot_be_used(text: str, reason: str, tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    (tmp_path / "site.yaml").write_text(text)
    line = refusal(f"parsl:{tmp_path / 'site.yaml'}", tmp_path)
    assert f"{tmp_path / 'site.yaml'}: " in line
    assert reason in line
    assert line.endswith("Nothing was touched.")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("htcondor", "write parsl for the packaged site"),
        ("parsl:", "write parsl for the packaged site"),
        ("parsl:/no/such/file", "it cannot be read: No such file or directory"),
        ("parsl:/", "it cannot be read: Is a directory"),
    ],
)
def test_site_that_is_not_there(asked: str, reason: str, tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    assert reason in refusal(asked, tmp_path)


def test_extra_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NEEDED", ("lsst.no_such_package.parsl",))
    line = refusal("parsl", tmp_path)
    assert "lsst.no_such_package.parsl is not installed: pip install 'ts-calibrations[batch]'" in line


def test_packaged_site_listens_on_this_machine_alone() -> None:
    bps = pytest.importorskip("lsst.ctrl.bps")
    import yaml
    from lsst.ctrl.bps.parsl.workflow import get_parsl_config

    site = bps.BpsConfig(yaml.safe_load(read_batch("parsl")), defaults={"operator": "me"})
    (executor,) = get_parsl_config(site).executors
    assert (executor.address, executor.max_workers_per_node) == ("127.0.0.1", 2)
