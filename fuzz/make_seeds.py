"""First inputs for the fuzzer, small and of every kind: fuzz/seeds/TARGET/. The files that tests read serve beside them.

Run from anywhere; it needs Python alone, and its output is checked in: python fuzz/make_seeds.py
"""

import gzip
import json
import struct
from pathlib import Path

SEEDS = Path(__file__).resolve().parent / "seeds"


def write(target, name, data):
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


def idx(*sizes):
    count = 1
    for size in sizes:
        count *= size
    return bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + bytes(i % 256 for i in range(count))


write("idx", "images", idx(3, 2, 4))
write("idx", "labels", idx(9))
write("idx", "images.gz", gzip.compress(idx(3, 2, 4), mtime=0))
write("idx", "labels.gz", gzip.compress(idx(9), mtime=0))

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
write("cifar", "record", bytes([7]) + bytes(i % 256 for i in range(3072)))
write("cifar", "names", "\n".join(CLASSES) + "\n")
write("cifar", "record.gz", gzip.compress(bytes([7] * 3073), mtime=0))


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


values = struct.pack("<4f", 0.5, -1, 2, 3e38)
write("safetensors", "two", safetensors({
    "__metadata__": {"cavga": "{}"},
    "module.a.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
    "module.a.bias": {"dtype": "F16", "shape": [4], "data_offsets": [8, 16]},
}, values))
write("safetensors", "empty", safetensors({}))
write("safetensors", "whole", safetensors({"n": {"dtype": "I64", "shape": [2], "data_offsets": [0, 16]}}, values))

write("index_csv", "all", "path,label,kind,mask,split,group\na/1.png,normal,,,train,p1\n"
      "a/2.png,anomalous,scratch,masks/2.png,test,p2\n\"b, c/3.png\",normal,,,test,\n")
write("index_csv", "few", "path\r\n1.png\r\n2.png\r\n")
write("index_csv", "semicolons", "path;label\n1.png;1\n")

write("annotations", "coco", json.dumps({
    "images": [{"id": 1, "file_name": "a.png", "height": 8, "width": 10}],
    "categories": [{"id": 3, "name": "scratch"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 3, "segmentation": [[1, 1, 5, 1, 5, 6.5]], "bbox": [1, 1, 4, 5], "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 3, "bbox": [0, 0, 3, 2]},
        {"id": 3, "image_id": 1, "category_id": 3, "segmentation": {"size": [8, 10], "counts": [3, 5, 72]}, "iscrowd": 1},
    ],
}))
write("annotations", "labelme", json.dumps({
    "version": "5.0", "imagePath": "a.png", "imageHeight": 8, "imageWidth": 10, "imageData": None,
    "shapes": [
        {"label": "scratch", "shape_type": "polygon", "points": [[1, 1], [5, 1], [5, 6.5]]},
        {"label": "dent", "shape_type": "rectangle", "points": [[0, 0], [3, 2]]},
        {"label": "hole", "shape_type": "circle", "points": [[4, 4], [4, 6]]},
    ],
}))

write("regions", "cameras", """[[camera]]
images = "cam1/*"
size = [4, 4]
include = [[[0, 0], [4, 0], [4, 2], [0, 2]]]
ignore = [[[2, 0], [4, 0], [4, 1], [2, 1]]]

[[camera]]
images = "*.png"
size = [8, 8]
include = [[[0, 0], [1, 0], [1, 4.5], [0, 4]]]
""")
