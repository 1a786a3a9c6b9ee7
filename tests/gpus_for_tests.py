"""GPUs that are not there, on a machine behind a real sshd."""

from __future__ import annotations

import uuid

from tests.sshd_for_tests import Sshd


class FakeGpus:
    """Two GPUs that a fake `nvidia-smi` tells of, and the processes on them."""

    def __init__(self, machine: Sshd) -> None:
        # The locks of devices are the machine's, and that is this one.
        self.uuids = [f"GPU-{uuid.uuid4()}" for _ in range(2)]
        self._apps = machine.folder / "apps.csv"
        self.use()
        gpus = "".join(
            f"{index}, {each}, NVIDIA A100-SXM4-80GB, 81920, 400.00\n"
            for index, each in enumerate(self.uuids)
        )
        (machine.folder / "gpus.csv").write_text(gpus)
        tool = machine.folder / "bin/nvidia-smi"
        tool.write_text(
            '#!/bin/sh\ncase "$1" in\n'
            f"--query-gpu=index,uuid,name,memory.total,power.default_limit) exec cat {machine.folder}/gpus.csv;;\n"
            f"--query-compute-apps=gpu_uuid,pid,process_name,used_memory) exec cat {self._apps};;\n"
            "*) exit 2;;\nesac\n"
        )
        tool.chmod(0o755)

    def use(self, *rows: tuple[int, int]) -> None:
        """From now on these processes use GPUs, each by index and pid."""
        text = "".join(f"{self.uuids[index]}, {pid}, /usr/bin/python3, 1024\n" for index, pid in rows)
        self._apps.with_suffix(".new").write_text(text)
        self._apps.with_suffix(".new").replace(self._apps)
