"""What is trained, in the numbers that hours and memory depend on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Kinds of model that behave alike."""

    LLM = "llm"  #: decoder-only transformers over tokens
    ENCODER = "encoder"  #: BERT and the like
    CNN = "cnn"  #: image classification by convolution
    VIT = "vit"  #: image classification by attention, hybrids included
    DETECTION = "detection"  #: detectors and segmenters: SSD, RetinaNet, Mask R-CNN, YOLO, RF-DETR
    DIFFUSION = "diffusion"
    SPEECH = "speech"
    RECOMMENDER = "recommender"
    GRAPH = "graph"
    OTHER = "other"


class Method(StrEnum):
    """How it is trained."""

    PRETRAIN = "pretrain"
    FULL = "full"  #: every parameter, from a trained model
    LORA = "lora"
    QLORA = "qlora"
    ADAPTER = "adapter"


class Sharding(StrEnum):
    """How the state of training is spread over accelerators."""

    NONE = "none"  #: every accelerator holds everything (data parallel)
    OPTIMIZER = "optimizer"  #: ZeRO-1
    GRADIENTS = "gradients"  #: ZeRO-2
    FULL = "full"  #: ZeRO-3, FSDP
    TENSOR = "tensor"  #: tensor or pipeline parallel: layers are spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One training run. Absent fields are unknown, and are filled from the model's preset where there is one.

    Counts of parameters are plain numbers (8.03e9), not billions. Work is `units` of `unit`: tokens for `llm`,
    otherwise images, sequences, samples or rows.
    """

    family: Family
    method: Method = Method.PRETRAIN
    #: The preset or the public name, for example `llama-3.1-8b`, `resnet50`, `yolov8m`.
    model: str | None = None
    parameters: float | None = None
    #: Parameters that one token passes through, for mixtures of experts.
    active_parameters: float | None = None
    trainable_parameters: float | None = None
    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    key_value_heads: int | None = None
    intermediate: int | None = None
    vocabulary: int | None = None

    unit: str = "sample"
    units: float | None = None
    forward_gflops_per_unit: float | None = None
    #: Millions of activations of one forward pass of one unit, as model tables give them.
    activations_m_per_unit: float | None = None
    sequence_length: int | None = None
    image_size: int | None = None

    #: Units per accelerator and step (images, or sequences for language models); None: as large as fits well.
    micro_batch: float | None = None
    global_batch: float | None = None
    #: fp32 | tf32 | fp16 | bf16 | fp8 - the type that matrix products run in.
    precision: str | None = None
    optimizer: str = "adamw"
    sharding: Sharding = Sharding.NONE
    is_checkpointing: bool = False  #: activations are computed again instead of kept
    has_flash_attention: bool = True
    is_compiled: bool = False
    is_packed: bool | None = None  #: several short samples share one sequence; None: not known
    has_chunked_loss: bool = False
    is_offloaded: bool = False  #: optimizer state lives in the host's memory
    quantization: str | None = None  #: of the frozen base, for example `nf4`, `int8`
    evaluations: int | None = None

    #: The training program, where it is known to matter: `litgpt`, `transformers`, `torchtune`.
    framework: str | None = None
    #: Weights and optimizer state stay in the half-sized type: no master copy in fp32.
    is_pure_precision: bool = False
    #: Real tokens of a mean sequence, where it is shorter than `sequence_length` and not packed.
    mean_sequence_length: float | None = None
    lora_rank: int | None = None
    #: Adapters sit on every matrix, not on queries and values alone.
    is_lora_everywhere: bool = False
    is_embedding_trained: bool = False  #: embedding and head are trained beside the adapters
    has_fused_backward: bool = False  #: each gradient is used and freed as soon as it is there
    is_activation_offloaded: bool = False  #: kept activations wait in the host's memory
    #: Whose training code: `mlperf`, `lambda`, `torchvision`, `timm`, `llm-foundry`, `megatron-bridge`, ...; None:
    #: ordinary PyTorch. Measurements of the same recipe are the nearest ones.
    recipe: str | None = None
    #: The year of the training software, for example 2024.5: the same accelerator gets faster by the release.
    software_year: float | None = None
    #: Images lie in memory with the channels last; None: not known.
    is_channels_last: bool | None = None
    #: How layers are spread where `sharding` is `tensor`.
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    context_parallel: int = 1
    expert_parallel: int = 1
    #: Only what is cheap to compute again is not kept (attention, element-wise steps).
    is_checkpointing_selective: bool = False
