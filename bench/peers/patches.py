"""PatchCore and PaDiM by anomalib, on the encoder, the weights, the stages and the share that ours has: fits, scores one image, scores a test
set, or serves as a worker.

Two routes. `engine` is what its users run: `Engine.fit`, `Engine.export`, then `TorchInferencer`. `bare` is its torch model alone without
Lightning, in `inference_mode` and in the memory format channels-last, without the stages of the encoder that nothing looks at, which timm
runs. A frozen trace of the encoder was no faster than that.

How right it is, is measured of `bare`: the other one clamps its scores to [0, 1], by the highest of a few normal images.
"""

import argparse
import json
import os
import warnings
from pathlib import Path

# Its users set the first too, to load a model that they made. The others must be set before the libraries look.
os.environ |= {"TRUST_REMOTE_CODE": "1", "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
warnings.filterwarnings("ignore")

import torch  # noqa: E402

SIZE = 256
BACKBONE = "tf_efficientnet_lite0"
# By stride of the features, the last block at it.
LAYERS = {4: "blocks.1", 8: "blocks.2", 16: "blocks.4"}
# EfficientNet-Lite's own normalisation, (x − 127) / 128 of [0, 255].
MEAN, DEVIATION = 127 / 255, 128 / 255
# timm's names in a block, and those of the weight file. Blocks whose kernel comes first have no expansion.
PARTS = {
    "DepthwiseSeparableConv": {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"},
    "InvertedResidual": {
        **{"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1"},
        **{"conv_pwl": "_project_conv", "bn3": "_bn2"},
    },
}


def load_weights(network, path):
    """Gives timm's EfficientNet-Lite0 the tensors of the file. A name that the file lacks is an error."""
    from safetensors.torch import load_file

    file = load_file(path)
    names = {"conv_stem": "_conv_stem", "bn1": "_bn0"}
    blocks = [(f"blocks.{s}.{b}", block) for s, stage in enumerate(network.blocks) for b, block in enumerate(stage)]
    for index, (prefix, block) in enumerate(blocks):
        names |= {f"{prefix}.{part}": f"_blocks.{index}.{own}" for part, own in PARTS[type(block).__name__].items()}
    state = network.state_dict()
    for key in state:
        module, _, leaf = key.rpartition(".")
        if leaf != "num_batches_tracked":
            state[key] = file[f"{names[module]}.{leaf}"]
    network.load_state_dict(state)


def pre_processor():
    from anomalib.pre_processing import PreProcessor
    from torchvision.transforms.v2 import Compose, Normalize, Resize

    return PreProcessor(transform=Compose([Resize((SIZE, SIZE), antialias=True), Normalize([MEAN] * 3, [DEVIATION] * 3)]))


def settings(arguments):
    """Of both routes: what the model is made with."""
    layers = [LAYERS[stride] for stride in arguments.strides]
    common = {"backbone": BACKBONE, "layers": layers, "pre_trained": False}
    return common | ({"n_features": arguments.channels} if arguments.method == "padim" else {})


def fit_with_engine(arguments):
    from anomalib.data import Folder
    from anomalib.deploy import ExportType
    from anomalib.engine import Engine
    from anomalib.models import Padim, Patchcore

    made = settings(arguments) | {"pre_processor": pre_processor()}
    if arguments.method == "padim":
        model = Padim(**made)
    else:
        model = Patchcore(**made, coreset_sampling_ratio=arguments.share)
    load_weights(model.model.feature_extractor.feature_extractor, arguments.weights)
    # As many images as ours are held out of training, for the thresholds.
    data = Folder(
        name="set",
        root=arguments.data,
        normal_dir="train/good",
        train_batch_size=8,
        eval_batch_size=8,
        num_workers=arguments.workers,
        test_split_mode="none",
        val_split_mode="from_train",
        val_split_ratio=arguments.held_out,
        seed=0,
    )
    engine = Engine(accelerator="cpu", devices=1, default_root_dir=arguments.out, enable_progress_bar=False)
    engine.fit(model=model, datamodule=data)
    engine.export(model=model, export_type=ExportType.TORCH, export_root=arguments.out)


def bare_model(arguments):
    if arguments.method == "padim":
        from anomalib.models.image.padim.torch_model import PadimModel as Model
    else:
        from anomalib.models.image.patchcore.torch_model import PatchcoreModel as Model
    model = Model(**settings(arguments))
    network = model.feature_extractor.feature_extractor
    used = 1 + max(int(layer.rpartition(".")[2]) for layer in model.layers)
    network.blocks = network.blocks[:used]
    return model.to(memory_format=torch.channels_last)


def images_of(paths, size=SIZE):
    """`[n, 3, size, size]`, normalised."""
    import numpy as np
    from PIL import Image

    def image(path):
        with Image.open(path) as opened:
            opened = opened.convert("RGB")
            # As `Resize` of the other route, which filters.
            resized = opened if opened.size == (size, size) else opened.resize((size, size), Image.Resampling.BILINEAR)
            return torch.from_numpy(np.asarray(resized).copy())

    pixels = torch.stack([image(path) for path in paths]).permute(0, 3, 1, 2)
    return ((pixels.float() / 255 - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)


def training_images(arguments):
    paths = sorted((arguments.data / "train" / "good").iterdir())
    return paths[: len(paths) - max(1, round(arguments.held_out * len(paths)))]


def fit_bare(arguments):
    model = bare_model(arguments)
    load_weights(model.feature_extractor.feature_extractor, arguments.weights)
    paths = training_images(arguments)
    # Its modules know from this whether to keep features or to score.
    model.train()
    with torch.inference_mode():
        for begin in range(0, len(paths), 8):
            model(images_of(paths[begin : begin + 8], arguments.size))
        if arguments.method == "padim":
            model.fit()
        else:
            model.subsample_embedding(arguments.share)
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), arguments.out / "model.pt")


def load_bare(arguments):
    model = bare_model(arguments)
    state = torch.load(arguments.model / "model.pt", weights_only=True)
    if arguments.method == "padim":
        gaussian = model.gaussian
        gaussian.mean, gaussian.inv_covariance = state["gaussian.mean"], state["gaussian.inv_covariance"]
    else:
        model.memory_bank = state["memory_bank"]
    model.load_state_dict(state)
    return model.eval()


def scorer(arguments):
    """A function of paths that scores their images, and one of a batch in memory: (score, map) of each."""
    if arguments.route == "engine":
        from anomalib.deploy import TorchInferencer

        inferencer = TorchInferencer(arguments.model / "weights" / "torch" / "model.pt", device="cpu")
        paths = lambda paths: [inferencer.predict(path) for path in paths]
        return paths, inferencer.predict
    model = load_bare(arguments)
    return lambda paths: [model(images_of([path])) for path in paths], model


def first(arguments):
    paths, _ = scorer(arguments)
    with torch.inference_mode():
        (said,) = paths([arguments.image])
    print(f"{said.pred_score.item():.6f}")


def aurocs(arguments):
    """Of a test set's images, and of all their pixels at the model's size."""
    import numpy as np
    from PIL import Image
    from sklearn.metrics import roc_auc_score

    paths, _ = scorer(arguments)
    scores, maps, masks = [], [], []
    with torch.inference_mode():
        for path in sorted((arguments.data / "test").rglob("*.png")):
            (said,) = paths([path])
            scores.append(said.pred_score.item())
            maps.append(said.anomaly_map.squeeze().numpy())
            mask = arguments.data / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
            if path.parent.name == "good":
                masks.append(np.zeros(maps[-1].shape, bool))
            else:
                with Image.open(mask) as opened:
                    masks.append(np.asarray(opened.convert("L").resize((SIZE, SIZE), Image.Resampling.NEAREST)) > 127)
    labels = [bool(mask.any()) for mask in masks]
    pixels = roc_auc_score(np.concatenate([m.ravel() for m in masks]), np.concatenate([m.ravel() for m in maps]))
    print(json.dumps({"image_auroc": roc_auc_score(labels, scores), "pixel_auroc": pixels}))


def serve(arguments):
    import protocol

    _, score = scorer(arguments)
    paths = sorted((arguments.data / "train" / "good").iterdir())

    def prepare(case):
        images = images_of(paths[: case["batch"]])
        if arguments.route == "engine":
            # It normalises inside the model.
            images = (images * DEVIATION + MEAN).contiguous()

        def work():
            with torch.inference_mode():
                score(images)

        return work

    protocol.serve(f"anomalib {arguments.route}, threads {arguments.threads}", prepare)


DOES = {"fit": None, "first": first, "aurocs": aurocs, "serve": serve}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=DOES)
    parser.add_argument("--method", choices=["patchcore", "padim"], required=True)
    parser.add_argument("--route", choices=["engine", "bare"], required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--strides", type=int, nargs="+", required=True)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--channels", type=int, default=100, help="of PaDiM")
    parser.add_argument("--held-out", type=float, default=0.1)
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--workers", type=int, default=0)
    for path in "data", "out", "model", "weights", "image":
        parser.add_argument(f"--{path}", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    if arguments.verb == "fit":
        (fit_with_engine if arguments.route == "engine" else fit_bare)(arguments)
    else:
        DOES[arguments.verb](arguments)


if __name__ == "__main__":
    main()
