"""Compare varied simulated micrographs with real ones, by figures and by eye.

Prints where real micrographs lie among simulated ones, for power spectra, histograms of pixel
values and local contrast, and draws both side by side::

    PUCLASSIFY_DATA=path/to/data python examples/benchmarks/simulator_realism.py \\
        --figure docs/_static/simulated_and_real.png

Real micrographs are scaled to particles of 30 pixels where theirs are larger, as a picker does; all
images are scaled to mean 0 and standard deviation 1. Below each real micrograph in the figure is
the simulated one whose statistics are closest to its own. The statistics decide about nothing but
the defaults of the simulator: no label is used.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.tables import table_head, table_row
from puclassify.datasets import MicrographSimulator
from puclassify.io import read_micrograph
from puclassify.preprocessing import fourier_downsample

DIAMETER = 30.0
STREAKS = 24  # pixels at the edges of beta-galactosidase: an artefact of the movies' alignment
CYCLES = np.array([0.5, 1, 2, 4, 8, 12])  # for each diameter
QUANTILES = np.array([0.001, 0.01, 0.1, 0.9, 0.99, 0.999])
SHARES = np.array([0.05, 0.5, 0.95])


@dataclass
class RealSet:
    """Real micrographs of one kind."""

    name: str
    files: list[Path]
    diameter: float  # pixels
    border: int = 0


def real_sets(folder: Path) -> list[RealSet]:
    """Return the real micrographs and the diameters of their particles."""
    sample = folder / "micrograph_cleaner_sample" / "Ucsf_stack_1142_DW_micrograph.mrc"
    sets = [
        RealSet(
            "beta-galactosidase", sorted((folder / "bgal_images_1024").glob("*.png")), 27, STREAKS
        ),
        RealSet("80S ribosome", [folder / "ribosome80s_061" / "061.png"], 45),
        RealSet("raw sample", [sample], 30),
    ]
    return [one for one in sets if one.files]


def main():
    """Run the comparison from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", default=os.environ.get("PUCLASSIFY_DATA"))
    parser.add_argument("--micrographs", type=int, default=200)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    if not options.data:
        parser.error("pass --data or set PUCLASSIFY_DATA")
    simulator = MicrographSimulator(shape=(420, 420), particle_diameter=DIAMETER)
    images = [simulator.draw([17, i]).values.numpy() for i in range(options.micrographs)]
    simulated = [standard(image) for image in images]
    real = {
        one.name: [standard(scaled(path, one)) for path in one.files]
        for one in real_sets(Path(options.data) / "micrographs")
    }
    ours = [statistics(image) for image in simulated]
    print_table(ours, real)
    if options.figure:
        draw(simulated, ours, real, options.figure)


def scaled(path: Path, of: RealSet) -> np.ndarray:
    """Read a micrograph and scale its particles down to 30 pixels."""
    image = read_micrograph(path)
    if of.diameter > 1.1 * DIAMETER:
        image = fourier_downsample(image, of.diameter / DIAMETER)
    values = np.asarray(image.values, float)
    return values[of.border : len(values) - of.border, of.border : values.shape[1] - of.border]


def standard(image: np.ndarray) -> np.ndarray:
    """Return an image with mean 0 and standard deviation 1, which few outliers do not decide."""
    low, high = np.quantile(image, [0.001, 0.999])
    inside = np.clip(image, low, high)
    return ((image - inside.mean()) / max(float(inside.std()), 1e-9)).astype(np.float32)


def power(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return cycles per diameter, and the power's density there."""
    size = min(image.shape) // 2 * 2
    window = np.hanning(size)[:, None] * np.hanning(size)
    tile = image[:size, :size] * window / np.sqrt(np.square(window).mean())
    density = np.square(np.abs(np.fft.rfft2(tile))) / size**2
    length = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    edges = np.geomspace(0.2 / DIAMETER, 0.5, 40)
    ring = np.digitize(length, edges)
    total = np.bincount(ring.ravel(), density.ravel(), len(edges) + 1)
    mean = total / np.maximum(np.bincount(ring.ravel(), minlength=len(edges) + 1), 1)
    return np.sqrt(edges[1:] * edges[:-1]) * DIAMETER, mean[1:-1]


def local_contrast(image: np.ndarray) -> np.ndarray:
    """Return the standard deviations in windows of a particle's diameter."""
    size = int(DIAMETER)
    rows, columns = image.shape[0] // size, image.shape[1] // size
    blocks = image[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return blocks.std(axis=(1, 3)).ravel()


def statistics(image: np.ndarray) -> dict[str, float]:
    """Return the figures by which images are compared."""
    cycles, density = power(image)
    at = np.interp(np.log(CYCLES), np.log(cycles), np.log10(density + 1e-12))
    some = np.clip(image, *np.quantile(image, [0.0005, 0.9995]))
    found = {f"log10 power at {k:g} cycles/diameter": v for k, v in zip(CYCLES, at)}
    found |= {f"pixels, quantile {q:g}": np.quantile(image, q) for q in QUANTILES}
    found["pixels, skewness"] = np.mean(some**3) / np.mean(some**2) ** 1.5
    found["pixels, excess kurtosis"] = np.mean(some**4) / np.mean(some**2) ** 2 - 3
    contrast = local_contrast(image)
    found |= {f"local contrast, quantile {q:g}": np.quantile(contrast, q) for q in SHARES}
    return {name: float(value) for name, value in found.items()}


def print_table(ours, real) -> None:
    """Print the quantiles of simulated figures, and the real ones with their rank among them."""
    names = list(real)
    figures = {name: [statistics(image) for image in images] for name, images in real.items()}
    print(table_head(["", "simulated: 5 %", "50 %", "95 %", *names]))
    inside, total = 0, 0
    for key in ours[0]:
        values = np.array([one[key] for one in ours])
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        cells = []
        for name in names:
            each = np.array([one[key] for one in figures[name]])
            inside += int(((low <= each) & (each <= high)).sum())
            total += len(each)
            rank = (values < np.median(each)).mean()
            cells.append(f"{np.median(each):.2f} ({rank:.0%})")
        print(table_row([key, f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}", *cells]))
    print(
        f"\n{inside} of {total} figures of real micrographs lie within the 90 % of simulated ones."
    )


def draw(simulated, ours, real, path: Path) -> None:
    """Draw real micrographs, the closest simulated ones, and the distributions."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = []
    for name, images in real.items():
        shown += [
            (name, image) for image in ([images[0], images[5]] if len(images) > 5 else images)
        ]
    keys = list(ours[0])
    matrix = np.array([[one[key] for key in keys] for one in ours])
    spread = matrix.std(axis=0)
    figure, axes = plt.subplots(3, len(shown), figsize=(3 * len(shown), 9.2))
    taken: list[int] = []
    for column, (name, image) in enumerate(shown):
        found = statistics(image)
        gap = (np.abs(matrix - [found[key] for key in keys]) / spread).mean(axis=1)
        gap[taken] = np.inf
        taken.append(int(gap.argmin()))
        for row, pixels in enumerate((image, simulated[taken[-1]])):
            part = pixels[40:340, 40:340]
            axes[row, column].imshow(
                part, cmap="gray", vmin=np.quantile(part, 0.005), vmax=np.quantile(part, 0.995)
            )
            axes[row, column].set_axis_off()
            axes[row, column].set_title(f"real: {name}" if row == 0 else "simulated, most like it")
    draw_distributions(axes[2], simulated, real)
    for axis in axes[2, 3:]:
        axis.set_axis_off()
    handles, labels = axes[2, 0].get_legend_handles_labels()
    axes[2, 3].legend(handles, labels, loc="center left", frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=70, pil_kwargs={"optimize": True})


def draw_distributions(axes, simulated, real) -> None:
    """Draw spectra, histograms and local contrasts: simulated as bands, real as lines."""
    edges = np.linspace(-5, 5, 61)
    middles = (edges[1:] + edges[:-1]) / 2
    steps = np.linspace(0, 2, 41)

    def histogram(image):
        return np.histogram(image, edges, density=True)[0] + 1e-5

    def contrasts(image):
        return np.histogram(local_contrast(image), steps, density=True)[0]

    cycles = power(simulated[0])[0]
    for axis, x, curve, title in (
        (axes[0], cycles, lambda image: power(image)[1], "power, by cycles per diameter"),
        (axes[1], middles, histogram, "density of pixel values"),
        (axes[2], steps[1:] - steps[1] / 2, contrasts, "local contrast (std in a diameter)"),
    ):
        curves = np.array([curve(image) for image in simulated])
        low, middle, high = np.quantile(curves, [0.05, 0.5, 0.95], axis=0)
        axis.fill_between(x, low, high, color="0.85", label="simulated, 5 to 95 %")
        axis.plot(x, middle, color="0.5", label="simulated, median")
        for name, images in real.items():
            axis.plot(x, np.median([curve(i) for i in images], axis=0), label=f"real, {name}")
        axis.set_title(title)
    axes[0].set_xscale("log")
    axes[0].set_yscale("log")
    axes[1].set_yscale("log")


if __name__ == "__main__":
    main()
