"""Networks of the PyTorch pipeline's format, from variables of our own."""

import numpy as np

POOLED = 4  # features that a network of width 16 pools to


def in_their_layout(ours: dict[str, np.ndarray], counts: bool = True) -> dict[str, np.ndarray]:
    """A reference network's variables as the pipeline's state_dict has them.

    Written apart from the product, from what each layer computes. The network must pool to
    `POOLED` features, the others being zero.
    """
    theirs: dict[str, np.ndarray] = {}

    def layer(to: str, of: str, norm: bool = False) -> None:
        kernel = ours[f"{of}/{'gamma' if norm else 'kernel'}"]
        if kernel.ndim == 3:
            kernel = np.einsum("lio->oil", kernel)
        elif kernel.ndim == 2:
            kernel = np.einsum("io->oi", kernel)
        theirs[f"{to}.weight"] = kernel
        theirs[f"{to}.bias"] = ours[f"{of}/{'beta' if norm else 'bias'}"]

    layer("y_conv1", "snapshot_encoder/widen")
    layer("y_dw", "snapshot_encoder/depthwise")
    theirs["y_dw.weight"] = theirs["y_dw.weight"][:, None]
    layer("y_conv2", "snapshot_encoder/mix")
    attention = "transformer.layers.0.self_attn"
    layer("all", "encoder_0/query_key_value")
    theirs[f"{attention}.in_proj_weight"] = theirs.pop("all.weight")
    theirs[f"{attention}.in_proj_bias"] = theirs.pop("all.bias")
    layer(f"{attention}.out_proj", "encoder_0/projection")
    layer("transformer.layers.0.linear1", "encoder_0/expand")
    layer("transformer.layers.0.linear2", "encoder_0/contract")
    layer("transformer.layers.0.norm1", "encoder_0/norm_attention", norm=True)
    layer("transformer.layers.0.norm2", "encoder_0/norm_feedforward", norm=True)
    layer("H_proj", "channel_branch/dense")
    layer("codes_conv", "code_branch/conv")
    layer("fusion", "fusion/dense")
    layer("cov_fact_angle", "angle_factor/dense")
    layer("cov_fact_range", "range_factor/dense")
    pooled = ours["pooled/dense/kernel"][:, :POOLED].T
    theirs["antidiag_pool.proj.weight"] = np.hstack([pooled[:, 0::2], pooled[:, 1::2]])
    theirs["antidiag_pool.proj.bias"] = ours["pooled/dense/bias"][:POOLED]
    joined = ours["pooled_fusion/dense/kernel"].T
    theirs["fusion_with_antidiag.weight"] = np.hstack([joined[:, 128:], joined[:, :POOLED]])
    theirs["fusion_with_antidiag.bias"] = ours["pooled_fusion/dense/bias"]
    layer("logits_gg", "angle_grid/dense")
    layer("aux_angles", "auxiliary_angles/dense")
    layer("aux_range.0", "range/dense")
    theirs["soft_argmax.grid_phi"] = np.radians(np.linspace(-50, 50, 9))
    theirs["soft_argmax.grid_theta"] = np.radians(np.linspace(-20, 20, 7))
    theirs["antidiag_pool.antidiag_0"] = np.zeros(1)
    if counts:
        for to, of in (("k_direct_mlp", "count_direct"), ("k_mlp", "count_spectral")):
            layer(f"{to}.0", f"{of}/norm", norm=True)
            layer(f"{to}.1", f"{of}/widen")
            layer(f"{to}.3", f"{of}/logits")
        theirs["k_logit_scale"] = ours["logit_scale"].reshape(1)
        theirs["k_fuse.weight"] = np.zeros((2, 2))
    return theirs
