"""ONNX Runtime's side of the measurements: the networks without a tape, exported from PyTorch once and optimized by its defaults."""

import argparse
import io
import warnings

import onnxruntime
import torch

import models
from pattern import images
from protocol import serve


def inference(case, threads):
    batch = images(case)
    model = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that needs no further package calls itself old.
        warnings.simplefilter("ignore")
        torch.onnx.export(models.scorer(case["name"]), (torch.from_numpy(batch),), model, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.getvalue(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: batch})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    threads = parser.parse_args().threads
    torch.manual_seed(0)
    introduction = f"ONNX Runtime {onnxruntime.__version__}, threads {threads}"
    serve(introduction, lambda case: inference(case, threads))


if __name__ == "__main__":
    main()
