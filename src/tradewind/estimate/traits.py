"""What an image model is built of, read from its name: the operations decide how well a device is used."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

#: Traits by pattern of the (timm or torchvision) name, from the published architectures.
_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    (
        "depthwise",
        r"efficientnet|mobilenet|mnasnet|mixnet|mixer_conv|fbnet|lcnet|tinynet|rexnet|ghostnet|hardcore|spnas|"
        r"convnext|convmixer|edgenext|mobilevit|xception|nasnet|poolformer|shufflenet|semnasnet|twins|visformer|"
        r"coat_|repghost|mobileone|nest|mobilevitv2|tf_mixnet|dpn0|regnetz_",
    ),
    (
        "grouped",
        r"resnext|regnet|dpn|resnest|gernet|eca_nfnet|dm_nfnet|nfnet_|nf_regnet|skresne|senet154|seresnext|"
        r"halo2|cs3se|visformer",
    ),
    (
        "squeeze",
        r"^se|_se|seresn|senet|sere|regnety|regnetz|efficientnet|mobilenetv3|mnasnet_se|semnas|ghostnet|eca|"
        r"nfnet|gcres|gc_|sedark|ese_|skres|fbnetv3|hardcore|lcnet|tinynet|rexnet|mixnet|lamhalo|haloregnetz|"
        r"sebot|cs3se|legacy_se|repvgg_b._se|resnetrs|resnest",
    ),
    (
        "smooth",
        r"efficientnet|mobilenetv3|tinynet|lcnet|rexnet|mixnet_|convnext|regnetz|nfnet|mobilevit|edgenext|"
        r"hardcore|fbnetv3|cspdark|sedark|darknetaa|cs3|vit|deit|beit|swin|mixer|resmlp|gmlp|gmixer|cait|xcit|"
        r"pit_|twins|tnt|coat|nest|poolformer|resnetrs|halo|bat_|lambda|eca_botnext|ecaresnext|gc",
    ),
    (
        "attention",
        r"vit|deit|beit|swin|cait|xcit|pit_|twins|tnt|coat|nest|levit|visformer|volo|crossvit|convit|botnet|"
        r"botnext|halo|lambda|bat_|eva|mvit|gcvit|pvt|flexivit|jx_|edgenext",
    ),
    ("windowed", r"swin|halo|twins|nest|volo|bat_|gcvit|maxvit|crossvit|coat_|xcit|convit|tnt|mvit|cait"),
    ("perceptron", r"mixer|resmlp|gmlp|gmixer"),
    (
        "dense",
        r"densenet|dpn|dla|hrnet|vovnet|selecsls|inception|xception|nasnet|res2net|res2next|cspres|cs3|"
        r"cspdark|hardnet|tv_dense|ese_",
    ),
    (
        "split",
        r"resnest|res2ne|skresn|inception|hrnet|mixnet|nasnet|ghostnet|shufflenet|selecsls|coat_|crossvit",
    ),
    ("standardized", r"nf_|nfnet|resnetv2.*bit|_bitm|resnetv2_50x|resnetv2_101x|resnetv2_152x|^nf"),
    ("blur", r"blur|aa_|aa$|resnetaa|d_.*aa|ecaresnet|seresnextaa|darknetaa"),
    ("same_padding", r"^tf_|_tf_|bit"),
    ("cross_covariance", r"xcit"),
    ("plain", r"vgg|alexnet|repvgg|darknet|squeezenet"),
    ("stem", r"resnetrs|ecaresnet|[0-9]d($|_)|resnet.*ts|resnext.*ts|gernet"),
    ("nasnet", r"nasnet"),
    ("involution", r"lambda|halo|bat_|botnet|botnext|lamhalo"),
    ("pooling", r"poolformer"),
    ("mobile_attention", r"mobilevit|edgenext|levit|visformer"),
    ("log_bias", r"swinv2|_cr_|beit"),
)

TRAITS: Final = tuple(name for name, _ in _PATTERNS)

#: The first that fits is the body plan, within which models are nearest to each other.
_PLANS: Final[tuple[tuple[str, str], ...]] = (
    ("swin", r"swin"),
    ("mobile-attention", r"mobilevit|edgenext|levit"),
    (
        "attention-pyramid",
        r"twins|pit_|nest|coat|visformer|pvt|crossvit|xcit|volo|tnt|convit|mvit|gcvit|maxvit",
    ),
    ("vit", r"vit|deit|beit|cait|eva"),
    ("perceptron", r"mixer|resmlp|gmlp|gmixer"),
    (
        "inverted-residual",
        r"efficientnet|mnasnet|mobilenet|fbnet|tinynet|lcnet|mixnet|rexnet|ghost|hardcore|spnas|shufflenet",
    ),
    ("convnext", r"convnext|poolformer|convmixer"),
    ("dense", r"densenet|dpn|dla|hrnet|vovnet|inception|xception|nasnet|selecsls|res2ne"),
    ("normalizer-free", r"nfnet|^nf_"),
    ("regnet", r"regnet|gernet"),
    ("plain", r"vgg|darknet|alexnet|squeezenet"),
    ("residual", r"."),
)


@cache
def traits_of(model: str) -> frozenset[str]:
    """The traits that the name tells of; none for an unknown name."""
    name = model.lower()
    return frozenset(trait for trait, pattern in _PATTERNS if re.search(pattern, name))


@cache
def plan_of(model: str) -> str:
    """The body plan: `residual`, `inverted-residual`, `vit`, `swin`, ..."""
    name = model.lower()
    return next((plan for plan, pattern in _PLANS if re.search(pattern, name)), "residual")


@cache
def line_of(model: str) -> str:
    """The line of models that a name belongs to: its letters before the first size (`regnety`, `tf_efficientnet_b`)."""
    return re.split(r"\d", model.lower(), maxsplit=1)[0].rstrip("_-.")
