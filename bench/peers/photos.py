"""Writes the images of `bench/run loading`: `photos.py FOLDER COUNT` makes COUNT of 1024×1024 as PNG and the same as JPEG.

They stand in for photographs: surfaces whose detail falls with its frequency as nature's does, a few objects with sharp edges, shading, and a
sensor's noise. Size and entropy of the files are what cameras give. The same images every time; nothing of anybody's.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 1024
# Surfaces are cut out of these, which are twice as wide.
SURFACES = 6
QUALITY = 90


def surface(random):
    """[2·SIDE, 2·SIDE, 3] about 0: amplitudes fall as 1/f, and colours mostly go together."""
    side = 2 * SIDE
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1
    planes = []
    for _ in range(3):
        noise = np.fft.rfft2(random.standard_normal((side, side)))
        plane = np.fft.irfft2(noise / frequency**1.2, (side, side))
        planes.append(plane / plane.std())
    light, warm, green = planes
    return np.stack([light + 0.3 * warm, light + 0.2 * green, light - 0.3 * warm], -1).astype(np.float32)


def photo(surfaces, random):
    def part():
        top, left = random.integers(0, SIDE, 2)
        return surfaces[random.integers(len(surfaces))][top : top + SIDE, left : left + SIDE]

    image = part() * 35 + random.uniform(80, 170, 3).astype(np.float32)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    for _ in range(6):
        row, column = random.uniform(0, SIDE, 2)
        high, wide = random.uniform(30, 250, 2)
        inside = ((rows - row) / high) ** 2 + ((columns - column) / wide) ** 2 < 1
        image[inside] = (part() * random.uniform(5, 30) + random.uniform(30, 220, 3))[inside]
    image *= np.linspace(1.1, 0.8, SIDE, dtype=np.float32)[:, None, None]
    image += random.standard_normal((SIDE, SIDE, 1), dtype=np.float32) * 1.5
    return Image.fromarray(np.clip(np.rint(image), 0, 255).astype(np.uint8))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    surfaces = [surface(random) for _ in range(SURFACES)]
    for kind in "png", "jpeg":
        (arguments.folder / kind).mkdir(parents=True, exist_ok=True)
    for number in range(arguments.count):
        image = photo(surfaces, np.random.default_rng([1, number]))
        image.save(arguments.folder / "png" / f"{number:04}.png")
        image.save(arguments.folder / "jpeg" / f"{number:04}.jpg", quality=QUALITY)


if __name__ == "__main__":
    main()
