"""An installation in the middle of its life: a month of jobs behind it, some running, waiting, failing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.web.clock import START
from tests.web.kept import past
from tests.web.training import Run
from tests.web.workstation import machine
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.base import Inventory

if TYPE_CHECKING:
    from tests.web.stage import Stage

HISTORY: Final = timedelta(days=31)
#: Until then it is the past.
_TODAY: Final = START - timedelta(hours=7)
_HOSTS: Final[dict[str, tuple[Inventory, dict[str, Any]]]] = {
    "atlas": (machine("atlas", "A100-PCIe-80GB", 2, cpus=64, memory_gib=512), {"micro_per_hour": 1_150_000}),
    "borea": (machine("borea", "L40S", 1, cpus=24, memory_gib=96), {}),
}
_OUT_OF_MEMORY: Final = (
    "Traceback (most recent call last):",
    '  File "train.py", line 212, in <module>',
    "    main()",
    '  File "train.py", line 187, in main',
    "    loss = step(model, batch)",
    '  File "train.py", line 121, in step',
    "    logits = model(batch.tokens, attention_mask=batch.mask)",
    '  File ".venv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1773, in _wrapped_call_impl',
    "    return self._call_impl(*args, **kwargs)",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.31 GiB. GPU 0 has a total capacity of 23.64 GiB "
    "of which 1.02 GiB is free.",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job that the people of this installation run."""

    name: str
    hours: float
    resources: dict[str, Any]
    tags: dict[str, str]
    run: str = "python train.py"
    fields: dict[str, Any] = field(default_factory=dict)
    work: dict[str, Any] = field(default_factory=dict)

    def submit(
        self, stage: Stage, name: str, hours: float, *, guess: float | None = None, **work: Any
    ) -> str:
        """Submits one, with what somebody believes that it takes; its id."""
        seconds = hours * 3600
        does = Run(
            **{
                "seconds": seconds,
                "setup_s": 45.0,
                "step_s": max(seconds / 900, 2.0),
                "sample_s": max(seconds / 400, 10.0),
                **self.work,
                **work,
            }
        )
        job: dict[str, Any] = stage.submit(
            does, name=name, run=self.run, resources=self.resources, tags=self.tags, **self.fields,
            **({} if guess is None else {"estimate": {"hours": guess}}),
        )  # fmt: skip
        return str(job["id"])


def _spot(accelerators: str, provider: str) -> dict[str, Any]:
    return {"accelerators": accelerators, "spot": "only", "providers": [provider]}


_KEPT: Final = {"checkpoints": {"path": "ckpt", "every": "15m"}, "setup": "pip install -r requirements.txt"}
KINDS: Final = {
    each.name: each
    for each in (
        Kind(
            "llama3-8b-lora", 4.2, _spot("H100-SXM:1", "vast"), {"team": "nlp", "paper": "acl-27"},
            "torchrun --nproc-per-node 1 finetune.py --model llama-3.1-8b --method lora", _KEPT,
        ),
        Kind(
            "resnet50-imagenet", 2.6, _spot("L40S:1", "runpod"), {"team": "vision"},
            "python train.py --arch resnet50 --amp", _KEPT, {"loss": (0.9, 6.9)},
        ),
        Kind(
            "vit-b16-distill", 6.5, _spot("RTX-4090:4", "vast"), {"team": "vision", "paper": "cvpr-27"},
            "torchrun --nproc-per-node 4 distill.py", _KEPT, {"loss": (1.1, 6.2), "gpu_percent": 88.0},
        ),
        Kind(
            "whisper-small-de", 5.0, _spot("A100-SXM-80GB:2", "vast"), {"team": "speech"},
            "accelerate launch asr.py --lang de", _KEPT, {"loss": (0.31, 4.0)},
        ),
        Kind(
            "sd-unet-ablation", 3.1, {"accelerators": "H100-PCIe:1", "spot": "never", "providers": ["lambda"]},
            {"team": "vision"}, "python unet.py --ablate skip", {}, {"loss": (0.08, 1.0)},
        ),
        Kind(
            "eval-mmlu", 0.8, {"accelerators": "A10:1", "spot": "never", "providers": ["lambda"]},
            {"team": "nlp"}, "python evaluate.py --suite mmlu", {}, {"gpu_percent": 61.0},
        ),
        Kind(
            "gnn-molecules", 7.5, {"accelerators": "A100-PCIe-80GB:1", "providers": ["ssh"]},
            {"team": "chem"}, "python gnn.py --dataset qm9", _KEPT, {"gpu_percent": 71.0},
        ),
        Kind(
            "digits", 0.4, {"accelerators": "RTX-4090:1", "providers": ["local"]},
            {"team": "vision"}, "python digits.py", {}, {"loss": (0.05, 2.3), "memory_share": 0.22},
        ),
    )
}  # fmt: skip
#: Days before the end, hour of the day, kind, how long compared with the usual, and what comes in between.
_PAST: Final[tuple[tuple[int, float, str, float, str], ...]] = (
    (30, 9.5, "digits", 1.0, ""), (30, 11.0, "resnet50-imagenet", 0.5, ""), (29, 10.0, "llama3-8b-lora", 0.7, ""),
    (28, 9.0, "sd-unet-ablation", 0.8, ""), (27, 13.0, "gnn-molecules", 0.9, ""), (27, 14.5, "digits", 0.6, "fails"),
    (26, 9.2, "vit-b16-distill", 0.6, "interrupted"), (26, 15.0, "eval-mmlu", 1.0, ""),
    (25, 10.5, "whisper-small-de", 0.5, "stopped"), (24, 9.1, "resnet50-imagenet", 1.0, ""),
    (23, 8.5, "digits", 1.0, ""), (23, 9.0, "eval-mmlu", 0.7, ""), (22, 16.0, "llama3-8b-lora", 1.0, "interrupted"),
    (21, 10.0, "gnn-molecules", 0.6, ""), (20, 11.0, "resnet50-imagenet", 0.9, "fails"),
    (20, 13.0, "resnet50-imagenet", 1.0, ""), (19, 9.0, "sd-unet-ablation", 1.1, ""), (19, 12.0, "digits", 0.5, ""),
    (18, 14.0, "vit-b16-distill", 0.9, ""), (17, 9.5, "eval-mmlu", 1.2, ""), (16, 10.0, "whisper-small-de", 0.8, ""),
    (15, 15.5, "digits", 1.3, ""), (14, 9.0, "llama3-8b-lora", 1.2, ""), (13, 8.0, "gnn-molecules", 1.0, ""),
    (13, 11.0, "resnet50-imagenet", 1.1, "interrupted"), (12, 10.0, "eval-mmlu", 0.9, ""),
    (11, 9.0, "vit-b16-distill", 0.8, ""), (10, 13.5, "sd-unet-ablation", 0.9, "fails"), (10, 16.0, "digits", 1.0, ""),
    (9, 9.0, "whisper-small-de", 1.0, "interrupted"), (8, 10.0, "llama3-8b-lora", 0.9, ""),
    (7, 9.3, "resnet50-imagenet", 0.8, ""), (6, 12.0, "gnn-molecules", 0.8, ""), (6, 14.0, "digits", 0.8, ""),
    (5, 9.0, "vit-b16-distill", 1.0, "interrupted"), (4, 15.0, "eval-mmlu", 1.0, ""),
    (4, 9.0, "llama3-8b-lora", 1.1, ""), (3, 11.0, "sd-unet-ablation", 1.0, ""), (2, 10.0, "whisper-small-de", 0.6, ""),
    (1, 9.0, "resnet50-imagenet", 1.2, ""), (1, 14.0, "digits", 1.0, "fails"), (1, 16.5, "eval-mmlu", 1.0, ""),
)  # fmt: skip


class Story:
    """Plays what happens at its times."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._plan: list[tuple[datetime, int, Callable[[], object]]] = []

    def at(self, moment: datetime, act: Callable[[], object]) -> None:
        """Something happens then."""
        self._plan.append((moment, len(self._plan), act))

    def play(self, until: datetime, grain_s: float) -> None:
        """Moves time on until then; what is planned happens on the way."""
        while self._plan and min(self._plan)[0] <= until:
            moment, _, act = min(self._plan)
            self._plan.remove((moment, _, act))
            self._go(moment, grain_s)
            act()
            # Places are found and machines start in minutes: closer steps for those.
            self._go(self.stage.now + timedelta(minutes=5), 30.0)
        self._go(until, grain_s)

    def _go(self, moment: datetime, grain_s: float) -> None:
        stage = self.stage
        while (left := (moment - stage.now).total_seconds()) > 0:
            is_busy = stage.get("/info")["running_jobs"] > 0
            stage.advance(min(left, 21_600.0), grain_s if is_busy else max(grain_s, 10_800.0))


def rich(stage: Stage) -> None:
    """Puts the whole scene on."""
    _add_hosts(stage)
    past(stage, "rich", lambda: _play_past(stage), _TODAY)
    # Prices are asked for once somebody wants offers.
    stage.get("/offers")
    story = Story(stage)
    _present(story)
    story.play(START - timedelta(minutes=8), 300.0)
    _last_minutes(stage)
    stage.advance((START - stage.now).total_seconds(), 5.0)


def _play_past(stage: Stage) -> None:
    _settle_in(stage)
    story = Story(stage)
    counts: dict[str, int] = {}
    for days, hour, kind, length, what in _PAST:
        counts[kind] = counts.get(kind, 0) + 1
        morning = START.replace(hour=0) - timedelta(days=days)
        _plan_past(
            story, morning + timedelta(hours=hour), KINDS[kind], f"{kind}-{counts[kind]:02d}", length, what
        )
    story.at(START - timedelta(days=6, hours=1), lambda: _budgets(stage))
    story.play(_TODAY, 1800.0)


def _settle_in(stage: Stage) -> None:
    """What is connected, set and watched from the beginning."""
    for provider in ("vast", "lambda", "runpod", "lyceum", "aws"):
        stage.connect(provider)
    for name, (inventory, spec) in _HOSTS.items():
        stage.add_host(name, inventory, **spec)
    stage.get("/offers")
    stage.post("/channels", {"name": "team-chat", "url": "json://hooks.example/team"})
    stage.post("/channels", {"name": "mail-ana", "url": "mailto://ana:secret@mail.example"})
    h100 = {"accelerators": ["H100-SXM"], "providers": ["vast", "runpod"], "markets": ["spot"]}
    for name, condition, channels in (
        ("h100-cheap", {"kind": "price_below", "below_micro": 1_450_000, "filters": h100}, ["team-chat"]),
        ("h200-there", {"kind": "available_again", "filters": {"accelerators": ["H200-SXM"], "min_count": 8,
                        "providers": ["runpod"]}}, ["team-chat", "mail-ana"]),
        ("4090-drop", {"kind": "price_drop", "drop_percent": 15, "window_hours": 48,
                       "filters": {"accelerators": ["RTX-4090"], "providers": ["vast"]}}, []),
    ):  # fmt: skip
        stage.post("/alerts", {"name": name, "condition": condition, "channels": channels})


def _add_hosts(stage: Stage) -> None:
    for name, (inventory, _) in _HOSTS.items():
        stage.put_host(name, inventory)


def _plan_past(story: Story, at: datetime, kind: Kind, name: str, length: float, what: str) -> None:
    stage, hours = story.stage, kind.hours * length
    ids: list[str] = []
    work: dict[str, Any] = {}
    if what == "fails":
        work = {"fails_after_s": hours * 1200, "exit_code": 1, "last_words": _OUT_OF_MEMORY}
    story.at(at, lambda: ids.append(kind.submit(stage, name, hours, guess=kind.hours, **work)))
    middle = at + timedelta(hours=hours * 0.55)
    if what == "interrupted":
        story.at(middle, lambda: stage.interrupt(ids[0]))
    elif what == "stopped":
        story.at(middle, lambda: stage.post(f"/jobs/{ids[0]}/stop"))


def _budgets(stage: Stage) -> None:
    """Limits that what was spent comes near to."""
    for body in (
        {"name": "month", "period": "month", "amount_micro": 150_000_000, "action": "block_new",
         "channels": ["team-chat"]},
        {"name": "vast-spot", "scope": "provider", "target": "vast", "period": "month", "amount_micro": 90_000_000,
         "action": "stop_spot", "channels": ["mail-ana"]},
        {"name": "ana-week", "scope": "user", "target": "ana", "period": "week", "amount_micro": 120_000_000,
         "max_concurrent_jobs": 12, "max_hourly_micro": 60_000_000},
    ):  # fmt: skip
        stage.post("/budgets", body)


def _present(story: Story) -> None:
    """What runs, waits and has just ended when the test begins."""
    stage = story.stage

    def ago(hours: float) -> datetime:
        return START - timedelta(hours=hours)

    llama = KINDS["llama3-8b-lora"]
    story.at(ago(6.5), lambda: llama.submit(stage, "llama3-8b-lora-07", 11.0))
    ids: list[str] = []
    story.at(ago(4.4), lambda: ids.append(KINDS["vit-b16-distill"].submit(stage, "vit-b16-distill-06", 9.0)))
    story.at(ago(1.6), lambda: stage.interrupt(ids[0]))
    story.at(ago(3.2), lambda: KINDS["gnn-molecules"].submit(stage, "gnn-molecules-06", 6.0))
    story.at(
        ago(1.1),
        lambda: KINDS["digits"].submit(stage, "digits-long", 3.0, step_s=0.15, sample_s=10.0),
    )
    story.at(
        ago(0.9),
        lambda: KINDS["resnet50-imagenet"].submit(
            stage, "resnet50-imagenet-08", 2.5, fails_after_s=1500.0, exit_code=1, last_words=_OUT_OF_MEMORY
        ),
    )
    story.at(ago(0.75), lambda: KINDS["eval-mmlu"].submit(stage, "eval-mmlu-09", 0.55))


def _last_minutes(stage: Stage) -> None:
    """Jobs that wait, each for another reason, and places that have troubles of their own."""
    big = {"accelerators": "H200-SXM:8", "spot": "never", "providers": ["runpod"]}
    stage.submit(
        Run(seconds=36_000), name="moe-pretrain", resources=big, tags={"team": "nlp"},
        constraints={"max_duration": "10h", "max_price": "$20/h"},
    )  # fmt: skip
    both = {"accelerators": "RTX-4090:2", "providers": ["local"]}
    stage.submit(Run(seconds=9000), name="digits-both", resources=both, tags={"team": "vision"})
    stage.submit(
        Run(seconds=20_000), name="whisper-large-de", resources=_spot("A100-SXM-80GB:2", "vast"),
        tags={"team": "speech"}, constraints={"max_price": "$0.80/h"},
    )  # fmt: skip
    stage.world.clouds["lyceum"].trouble = ProviderError(ProviderFault.CREDENTIALS, "the key was revoked")
    stage.post("/connections/lyceum/validate")
    stage.away.add("borea")
