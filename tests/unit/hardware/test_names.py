"""One name for each accelerator, whatever it is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.hardware.accelerators import all_models
from tradewind.hardware.names import CLOUD_GPU_NAMES, cloud_gpu_name, fulfils, identify, short_name
from tradewind.hardware.spelling import aliases_of

KEYS = sorted(all_models())


@pytest.mark.parametrize(
    ("name", "key"),
    [
        # Drivers.
        ("NVIDIA H100 80GB HBM3", "H100-SXM"),
        ("NVIDIA H100 PCIe", "H100-PCIe"),
        ("NVIDIA H100 NVL", "H100-NVL"),
        ("NVIDIA H200", "H200-SXM"),
        ("NVIDIA GH200 480GB", "GH200"),
        ("NVIDIA A100-SXM4-80GB", "A100-SXM-80GB"),
        ("NVIDIA A100 80GB PCIe", "A100-PCIe-80GB"),
        ("NVIDIA A100-PCIE-40GB(250W)", "A100-PCIe-40GB"),
        ("NVIDIA A100 - PCIe - 80 GB", "A100-PCIe-80GB"),
        ("Tesla V100-SXM2-32GB", "V100-SXM2-32GB"),
        ("Tesla V100-PCIE-16GB", "V100-PCIe-16GB"),
        ("Tesla T4", "T4"),
        ("NVIDIA GeForce RTX 4090", "RTX-4090"),
        ("NVIDIA GeForce RTX 3080TI", "RTX-3080-Ti"),
        ("NVIDIA GeForce GTX 1080 Ti", "GTX-1080-Ti"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX-6000-Ada"),
        ("NVIDIA RTX 4000 SFF Ada Generation", "RTX-4000-SFF-Ada"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000-SE"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "RTX-PRO-6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "RTX-PRO-6000-MaxQ"),
        ("NVIDIA Blackwell GPU (B200-SXM-180GB)", "B200"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("AMD Radeon RX 7900 XTX", "RX-7900-XTX"),
        ("Habana Gaudi HL-205", "Gaudi1"),
        # Catalogues and markets.
        ("A100_80GB_SXM", "A100-SXM-80GB"),
        ("A100SXM4-80GB", "A100-SXM-80GB"),
        ("A100PCIE40GB", "A100-PCIe-40GB"),
        ("RTX_4070S_Ti", "RTX-4070-Ti-SUPER"),
        ("RTX 3060 Ti", "RTX-3060-Ti"),
        ("RTX 3060", "RTX-3060"),
        ("RTX4090", "RTX-4090"),
        ("4090", "RTX-4090"),
        ("rtx-4090", "RTX-4090"),
        ("RTXA6000", "RTX-A6000"),
        ("A6000", "RTX-A6000"),
        ("RTX6000-Ada", "RTX-6000-Ada"),
        ("RTX6000Ada", "RTX-6000-Ada"),
        ("Quadro RTX 6000", "Quadro-RTX-6000"),
        ("Q RTX 8000", "Quadro-RTX-8000"),
        ("RTXPRO6000WS", "RTX-PRO-6000"),
        ("RTXPRO6000-WK", "RTX-PRO-6000"),
        ("RTX-PRO-SERVER-6000", "RTX-PRO-6000-SE"),
        ("NVIDIA A5000 Ada", "RTX-5000-Ada"),
        ("H100-MEGA", "H100-SXM"),
        ("nvidia-h100-mega-80gb", "H100-SXM"),
        ("H100_SXM", "H100-SXM"),
        ("H100_SXM_INF", "H100-SXM"),
        ("H100NVL", "H100-NVL"),
        ("H100 SXM (p5)", "H100-SXM"),
        ("GB200 NVL72", "GB200"),
        ("NVIDIA_TESLA_T4", "T4"),
        ("nvidia-tesla-p4", "P4"),
        ("A10", "A10"),
        ("A10G", "A10G"),
        ("L4", "L4"),
        ("L40", "L40"),
        ("L40S", "L40S"),
        ("A16", "A16"),
        ("tpu-v5-lite-podslice", "TPU-v5e"),
        ("InstinctMI250X", "MI250X"),
        ("GeForceRTX2080Ti", "RTX-2080-Ti"),
        ("A10 (24 GB PCIe)", "A10"),
        ("A100 (40 GB SXM4)", "A100-SXM-40GB"),
        ("H100 (80GB PCIe)", "H100-PCIe"),
    ],
)
def test_what_a_name_means(name: str, key: str) -> None:
    found = identify(name)
    assert (found.key, found.is_guess, found.count) == (key, False, None)
    assert found.model is all_models()[key]


@pytest.mark.parametrize(
    ("name", "key", "count"),
    [
        ("H100:8", "H100-SXM", 8),
        ("8xH100", "H100-SXM", 8),
        ("8x H100 80GB", "H100-SXM", 8),
        ("H100x8", "H100-SXM", 8),
        ("H100!:8", "H100-SXM", 8),
        ("H100!", "H100-SXM", None),
        ("B200 (8x)", "B200", 8),
        ("L4:0.5", "L4", 0.5),
        ("MI300Xx8", "MI300X", 8),
        ("4090x2", "RTX-4090", 2),
        ("gpu:h100:8", "H100-SXM", 8),
        ("gres/gpu:a100_80gb:4(S:0-1)", "A100-SXM-80GB", 4),
        ("gpu_8x_h100_sxm5", "H100-SXM", 8),
        ("gpu_1x_h100_pcie", "H100-PCIe", 1),
        ("gpu_1x_a100", "A100-PCIe-40GB", 1),
        ("gpu_8x_a100", "A100-SXM-40GB", 8),
        ("gpu_8x_a100_80gb_sxm4", "A100-SXM-80GB", 8),
        ("p5.48xlarge", "H100-SXM", 8),
        ("ml.p5.48xlarge", "H100-SXM", 8),
        ("p4de.24xlarge", "A100-SXM-80GB", 8),
        ("p3.8xlarge", "V100-SXM2-16GB", 4),
        ("ml.g5.12xlarge", "A10G", 4),
        ("g6f.xlarge", "L4", 0.125),
        ("g4dn.metal", "T4", 8),
        ("trn1.32xlarge", "Trainium1", 16),
        ("a2-ultragpu-2g", "A100-SXM-80GB", 2),
        ("a3-highgpu-8g", "H100-SXM", 8),
        ("a3-ultragpu-8g", "H200-SXM", 8),
        ("a4-highgpu-8g", "B200", 8),
        ("g2-standard-24", "L4", 2),
        ("Standard_ND96isr_H100_v5", "H100-SXM", 8),
        ("Standard_NC24ads_A100_v4", "A100-PCIe-80GB", 1),
        ("STANDARD_NC6S_V3", "V100-PCIe-16GB", 1),
        ("Standard_NV18ads_A10_v5", "A10", 0.5),
        ("gd-8xh100ib-i128", "H100-SXM", 8),
        ("gpu-h100x8-640gb", "H100-SXM", 8),
        ("gpu-mi300x1-192gb", "MI300X", 1),
        ("gpu-4000adax1-20gb", "RTX-4000-Ada", 1),
        ("h100.4x", "H100-SXM", 4),
        ("h100-80gb-sxm-ib.8x", "H100-SXM", 8),
        ("2H200.141S.88V", "H200-SXM", 2),
        ("gpu-h100-sxm_8gpu-128vcpu-1600gb", "H100-SXM", 8),
        ("1x_A100-80GB_SECURE", "A100-SXM-80GB", 1),
        ("BM.GPU.H100.8", "H100-SXM", 8),
        ("VM.GPU.A10.2", "A10", 2),
        ("n3-RTX-A6000x4", "RTX-A6000", 4),
        ("H100-2-80G", "H100-SXM", 2),
        # Slices of TPUs: the older ones are named by cores, two to a chip.
        ("v2-8", "TPU-v2", 4),
        ("v3-8", "TPU-v3", 4),
        ("tpu-v4-32", "TPU-v4", 16),
        ("tpu-v5p-8", "TPU-v5p", 4),
        ("v5litepod-8", "TPU-v5e", 8),
        ("tpu-v6e-16", "TPU-v6e", 16),
        ("TPU v4-8", "TPU-v4", 4),
        ("cloud-tpu-v3-8", "TPU-v3", 4),
        ("8x A100 (80 GB SXM4)", "A100-SXM-80GB", 8),
    ],
)
def test_names_that_say_how_many(name: str, key: str, count: float | None) -> None:
    found = identify(name)
    assert (found.key, found.count) == (key, count)


@pytest.mark.parametrize(
    ("name", "memory_gb", "key", "is_guess"),
    [
        ("H100", None, "H100-SXM", True),
        ("H100", 80, "H100-SXM", True),
        ("H100", 94, "H100-NVL", False),
        ("H100", 79.6, "H100-SXM", True),
        ("H100 PCIe", 80, "H100-PCIe", False),
        ("A100", None, "A100-SXM-40GB", True),
        ("A100", 80, "A100-SXM-80GB", True),
        ("A100 PCIe", 80, "A100-PCIe-80GB", False),
        ("A100 SXM4", 40, "A100-SXM-40GB", False),
        ("V100", 16, "V100-SXM2-16GB", True),
        ("V100", 32, "V100-SXM2-32GB", True),
        ("GH200", 144, "GH200-144GB", False),
        ("RTX 4060 Ti", 8, "RTX-4060-Ti-8GB", False),
        ("L4", 22.4, "L4", False),
        ("B300", 288, "B300", False),
        # A size in the name weighs more than one beside it.
        ("A100-80GB", 40, "A100-SXM-80GB", True),
        # The memory of all accelerators of the machine together.
        ("RTX3090", 192, "RTX-3090", False),
        ("H100 SXM", 637, "H100-SXM", False),
        ("H100", 319, "H100-SXM", True),
        ("A100", 160, "A100-SXM-80GB", True),
        ("2x-A100_SXM4-32-65536", 80, "A100-SXM-40GB", False),
        ("2x-A100_SXM4-32-65536", 160, "A100-SXM-80GB", False),
        ("4x-Tesla_V100-32-65536", 64, "V100-SXM2-16GB", True),
        # A size that no model of this name has.
        ("RTX 4090", 17.5, "RTX-4090", True),
        ("RTX 4090", 0, "RTX-4090", False),
        ("RTX 4090", float("nan"), "RTX-4090", False),
    ],
)
def test_memory_decides_where_the_name_does_not(
    name: str, memory_gb: float | None, key: str, is_guess: bool
) -> None:
    found = identify(name, memory_gb)
    assert (found.key, found.is_guess) == (key, is_guess)


@pytest.mark.parametrize(
    "name",
    [
        "T400", "RTX 3080 Laptop GPU", "RTX 4090 D", "MI308X", "A100X", "RTX 3060 8GB", "H100-SXM-96GB", "14090",
        "NVIDIA A100-SXM4-80GB MIG 3g.40gb", "h100-40gb-mig", "GPU", "n1-highmem-8", "2x4x8", "x" * 5000, "昇腾910B",
    ],
)  # fmt: skip
def test_what_nobody_knows_is_kept(name: str) -> None:
    found = identify(f"  {name} ")
    assert (found.key, found.model) == (name, None)


def test_space_around_a_name_is_no_part_of_it() -> None:
    name = "a  b" + " " * 200
    assert identify(identify(name).key).key == identify(name).key == "a b"
    assert identify(" " * 500 + "H100 PCIe").key == "H100-PCIe"


def test_a_count_is_read_off_a_name_that_nobody_knows() -> None:
    assert (identify("FooChip:8").key, identify("FooChip:8").count) == ("FooChip", 8)
    assert (identify("4x FooChip").key, identify("4x FooChip").count) == ("FooChip", 4)


@pytest.mark.parametrize("key", KEYS)
def test_keys_titles_and_short_names_mean_themselves(key: str) -> None:
    model = all_models()[key]
    assert identify(key) == identify(key, model.memory_gb)
    assert (identify(key).key, identify(key).is_guess) == (key, False)
    assert identify(short_name(key)).key == key
    assert fulfils(key, key)
    if "/" not in model.title:
        assert identify(model.title).key == key


@given(st.text(max_size=130), st.none() | st.floats())
def test_any_text_has_one_name(name: str, memory_gb: float | None) -> None:
    key = identify(name, memory_gb).key
    assert identify(key).key == key
    assert fulfils(name, name) or identify(name).model is not None or identify(name).key != name.strip()


PARTS = [
    "8x",
    "x8",
    ":8",
    "H100",
    "A100",
    "80GB",
    "SXM4",
    "PCIe",
    "NVIDIA ",
    "-",
    "_",
    " ",
    "(8x)",
    "RTX",
    "4090",
    "gpu_",
]


@given(
    st.lists(st.sampled_from(PARTS), max_size=8).map("".join), st.sampled_from([None, 16, 40, 80, 94, 640])
)
def test_any_heap_of_parts_has_one_name(name: str, memory_gb: float | None) -> None:
    found = identify(name, memory_gb)
    assert identify(found.key).key == found.key
    assert found.count is None or found.count > 0


@given(st.sampled_from(KEYS), st.integers(1, 64), st.sampled_from(["{}:{}", "{}x{}", "{} x {}"]))
def test_a_count_changes_nothing_else(key: str, count: int, form: str) -> None:
    found = identify(form.format(key, count))
    assert (found.key, found.count) == (key, count)


@pytest.mark.parametrize(
    ("request_name", "have", "fits"),
    [
        ("A100", "A100-SXM-40GB", True),
        ("A100", "A100-PCIe-80GB", True),
        ("A100-80GB", "A100-PCIe-80GB", True),
        ("A100-80GB", "A100-SXM-80GB", True),
        ("A100-80GB", "A100-SXM-40GB", False),
        ("A100-SXM", "A100-PCIe-40GB", False),
        ("H100", "H100-PCIe", True),
        ("H100", "H100-NVL", True),
        ("H100", "H100-SXM", True),
        ("H100", "H200-SXM", False),
        ("H100", "GH200", False),
        ("H100-SXM", "H100-SXM", True),
        ("H100-SXM", "H100-PCIe", False),
        ("H100-80GB", "H100-NVL", False),
        ("GH200", "GH200-144GB", True),
        ("RTX 4090", "NVIDIA GeForce RTX 4090", True),
        ("A10", "A10G", False),
        ("A10", "A100-SXM-40GB", False),
        ("L4", "L40", False),
        ("L40", "L40S", False),
        ("RTX 3060", "RTX 3060 Ti", False),
        ("T4", "T400", False),
        ("T4", "T4G", False),
        ("RTX 6000 Ada", "Quadro RTX 6000", False),
        ("RTX 6000 Ada", "RTX A6000", False),
        ("RTX A6000", "RTX PRO 6000", False),
        ("RTX PRO 6000", "RTX PRO 6000 Server Edition", True),
        ("H100", "NVIDIA H100-SXM5-96GB", True),
        ("H100-80GB", "NVIDIA H100-SXM5-96GB", False),
        ("A100", "NVIDIA A100-SXM4-80GB MIG 3g.40gb", False),
        ("FooChip", "foo-chip", True),
        ("FooChip", "FooChip 2", False),
        ("FooChip", "H100", False),
        ("H100", "FooChip", False),
    ],
)
def test_what_fulfils_a_request(request_name: str, have: str, fits: bool) -> None:
    assert fulfils(request_name, have) is fits


def test_memory_decides_whether_a_request_is_fulfilled() -> None:
    assert fulfils("A100-80GB", "NVIDIA A100", 80)
    assert not fulfils("A100-80GB", "NVIDIA A100", 40)


def test_what_tables_and_the_comparison_show() -> None:
    shown = {key: (short_name(key), cloud_gpu_name(key)) for key in KEYS}
    assert shown["H100-SXM"] == ("H100 SXM", "H100")
    assert shown["H100-NVL"] == ("H100 NVL", "H100")
    assert shown["A100-PCIe-80GB"] == ("A100 80GB PCIe", "A100 80GB")
    assert shown["A100-SXM-40GB"] == ("A100 40GB SXM", "A100 40GB")
    assert shown["V100-SXM2-32GB"] == ("V100 32GB SXM2", "V100")
    assert shown["A10G"] == ("A10G", "A10G")
    assert shown["RTX-4090"] == ("RTX 4090", "RTX 4090")
    assert short_name("FooChip-9") == "FooChip-9" == cloud_gpu_name("FooChip-9")
    assert len({name for name, _ in shown.values()}) == len(KEYS)
    assert {cloud for _, cloud in shown.values()} >= set(CLOUD_GPU_NAMES)
    for name in CLOUD_GPU_NAMES:
        assert cloud_gpu_name(identify(name).key) == name


def test_other_names_of_a_model_are_listed() -> None:
    assert "4090" in aliases_of("RTX-4090")
    assert {"a6000"} <= set(aliases_of("RTX-A6000"))
    assert "h100" in aliases_of("H100-SXM")
    assert aliases_of("no such key") == ()
    for key in KEYS:
        for alias in aliases_of(key):
            assert identify(alias).key == key
