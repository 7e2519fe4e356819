"""PyTorch's side of the measurements: eager, images in NCHW or with `--channels-last`."""

import argparse

import torch

import models
import ops
import training
from pattern import images
from protocol import serve


def inference(case, layout):
    network = models.scorer(case["name"]).to(memory_format=layout)
    batch = torch.from_numpy(images(case)).contiguous(memory_format=layout)

    def work():
        with torch.inference_mode():
            network(batch)

    return work


KINDS = {
    **ops.KINDS,
    **training.KINDS,
    **dict.fromkeys(("resnet", "taps", "score-d", "score-r"), inference),
    "nothing": lambda case, layout: lambda: None,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--channels-last", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    layout = torch.channels_last if arguments.channels_last else torch.contiguous_format
    words = "channels_last" if arguments.channels_last else "eager, NCHW"
    introduction = f"PyTorch {torch.__version__}, {words}, threads {torch.get_num_threads()}"
    serve(introduction, lambda case: KINDS[case["name"]](case, layout))


if __name__ == "__main__":
    main()
