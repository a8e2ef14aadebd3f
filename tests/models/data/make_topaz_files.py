"""Make the detector files of these tests: random weights, saved by topaz-em 0.3.20.

Run in an environment of its own, with that program and PyTorch, from this folder.
"""

import json

import torch

LARGEST = 2**32


def sample(n, side):
    """Make images that need not be stored; `test_load_topaz_model.py` makes the same."""
    numbers = torch.arange(n * side * side, dtype=torch.int64) * 2654435761 % LARGEST
    return (numbers.double() / LARGEST * 4 - 2).float().reshape(n, 1, side, side)


def detector(name, **params):
    from topaz.model.classifier import LinearClassifier
    from topaz.model.factory import get_feature_extractor

    module = LinearClassifier(get_feature_extractor(name, **params)).eval()
    for key, values in module.state_dict().items():
        if key.endswith("running_var"):
            values.uniform_(0.5, 2)
        elif values.ndim == 4:
            values.normal_(0, (2 / values[0].numel()) ** 0.5)
        elif values.is_floating_point():
            values.normal_(float(key.endswith("weight")), 0.3)
    return module


def main():
    torch.manual_seed(0)
    expected = {}
    for name in ("resnet8", "resnet16", "conv31", "conv63", "conv127"):
        for kind, params in {
            "bn": {"bn": True},
            "plain": {"bn": False},
            "dropout": {"bn": True, "dropout": 0.2},
        }.items():
            if kind != "bn" and name not in ("resnet8", "conv31"):
                continue
            module = detector(name, units=2, unit_scaling=2, **params)
            torch.save(module, f"topaz_{name}_{kind}_module.sav")
            torch.save(
                module.state_dict(),
                f"topaz_{name}_{kind}_weights.sav",
                _use_new_zipfile_serialization=False,
            )
            with torch.no_grad():
                logits = module(sample(2, module.width)).flatten().tolist()
                side = module.width + 16
                scores = module(sample(1, side))
                of_map = scores.flatten().tolist()
            expected[f"{name}_{kind}"] = {"width": module.width, "logits": logits, "map": of_map}
    pooled = detector("conv31", units=2, pooling="max")
    torch.save(pooled, "topaz_pooled_module.sav")
    filled = detector("conv31", units=2)
    filled.fill()
    torch.save(filled, "topaz_filled_module.sav")
    with open("topaz_logits.json", "w") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
