"""How the ScriptQueue starts a script: ``script.py INDEX [--schema]``."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj


def start(monkeypatch: pytest.MonkeyPatch, kind: Any, *arguments: str, config: str | None = None) -> None:
    """Run the executable of a script; with a configuration someone configures and runs it."""
    monkeypatch.setattr("sys.argv", ["script.py", *arguments])

    async def operate() -> None:
        async with salobj.Domain() as domain, salobj.Remote(domain, "Script", 7) as remote:
            await remote.evt_state.aget()
            await remote.cmd_configure.set_start(config=config)
            await remote.cmd_setGroupId.set_start(groupId="g")
            await remote.cmd_run.set_start()

    async def main() -> None:
        operator: asyncio.Task[Any] | None = asyncio.create_task(operate()) if config is not None else None
        await kind.amain()
        if operator is not None:
            await operator

    clock.run(main)


def test_schema_is_printed_as_yaml(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script_class: Any
) -> None:
    start(monkeypatch, script_class, "0", "--schema")
    assert yaml.safe_load(capsys.readouterr().out) == script_class.get_schema()


def test_a_script_that_is_done_exits_with_0(monkeypatch: pytest.MonkeyPatch, script_class: Any) -> None:
    start(monkeypatch, script_class, "7", config="steps: 1")


@pytest.mark.parametrize("config", ["fail: expected", "fail_cleanup: true"])
def test_a_script_that_fails_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, script_class: Any, config: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        start(monkeypatch, script_class, "7", config=config)
    assert caught.value.code == 1


def test_the_index_comes_from_the_command_line_only(script_class: Any) -> None:
    with pytest.raises(RuntimeError, match="index"):
        script_class.make_from_cmd_line(index=7)
