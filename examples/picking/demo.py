"""Pick particles from about a hundred labelled ones.

Without arguments this simulates micrographs, labels 100 particles at random, trains a
`ParticlePicker`, picks micrographs it has not seen, and compares the picks with the truth and with
a tuned blob detector. With your own files it does the same on them::

    python examples/picking/demo.py --micrographs "micrographs/*.mrc" \\
        --coordinates particles.star --particle-diameter 180 --pixel-size 1.77

Every second one of your micrographs with coordinates is held out to measure the picks; micrographs
without coordinates are picked, too. If only some particles are labelled, the precision in the table
is too low: a correct pick without a label counts as wrong.

If the coordinates refer to the unbinned images, ``--coordinates-step 4`` says that those have four
times as many pixels per side.
"""

from __future__ import annotations

import argparse
import glob
import importlib.util
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from blob_detector import tune_blob_detector
from puclassify import ParticlePicker
from puclassify.datasets import label_particles, make_micrographs
from puclassify.io import as_grid_image, match_coordinates, read_coordinates, write_coordinates
from puclassify.metrics import pick_average_precision_score, pick_precision_recall_fscore
from puclassify.regions import labels_inside


def main():
    """Run the demo."""
    options = parse_options()
    for needed in ("matplotlib", "starfile"):
        if importlib.util.find_spec(needed) is None:
            sys.exit(f'the demo needs {needed}: pip install "puclassify[all]"')
    stages = {}
    reading = "simulate" if options.micrographs is None else "find the files"
    with stage(stages, reading), short_errors(options):
        data = simulated(options) if options.micrographs is None else from_files(options)
        if options.micrographs is not None:
            check_coordinates_step(data, options)
    n_labels = min(options.labels, sum(map(len, data["train_coordinates"])))
    labels = label_particles(data["train_coordinates"], n_labels, random_state=options.random_state)
    print(
        f"{n_labels} labelled particles in {len(data['train'])} micrographs; "
        f"{len(data['test'])} held out, {len(data['others'])} more to pick"
    )

    picker = ParticlePicker(
        data["particle_diameter"],
        pixel_size=data["pixel_size"],
        expected_particles=options.expected_particles,
        random_state=options.random_state,
    )
    picker.set_params(classifier__max_epochs=options.epochs, classifier__device=options.device)
    with stage(stages, "train"), short_errors(options):
        picker.fit(data["train"], labels)
    unseen = data["test"] + data["others"]
    with stage(stages, "score and pick", len(unseen)):
        candidates = picker.predict(unseen, threshold=-np.inf)
    picks = [xy[xy[:, 2] > picker.threshold_] for xy in candidates]

    rows = {}
    radius = picker.matching_radius_
    if data["test"]:
        truth = data["test_coordinates"]
        rows["ParticlePicker"] = measured(
            truth, candidates[: len(truth)], radius, threshold=picker.threshold_
        )
        with stage(stages, "blob detector"):
            rows["blob detector"] = blob_detector_row(data, labels, picker, radius)
    report(rows, stages, radius)
    report_expectations(picker)

    output = Path(options.output)
    output.mkdir(parents=True, exist_ok=True)
    names = [name_of(item, index) for index, item in enumerate(unseen)]
    write_coordinates(picks, output / "picks.star", names=names)
    draw(output / "picks.png", picker, data, candidates)
    print(
        f"wrote {output / 'picks.star'} ({sum(map(len, picks))} picks) and {output / 'picks.png'}"
    )


def parse_options():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[1].replace("::", "."))
    parser.add_argument("--micrographs", metavar="GLOB", help="your micrographs, quoted")
    parser.add_argument("--coordinates", metavar="FILE", help="their labelled particles")
    parser.add_argument("--particle-diameter", type=positive, metavar="D", help="in ångström")
    parser.add_argument(
        "--pixel-size",
        type=pixel_size,
        default=1.0,
        metavar="P",
        help='of the micrographs as stored, in ångström, or "header"',
    )
    parser.add_argument(
        "--coordinates-step",
        type=positive,
        default=1.0,
        metavar="S",
        help="4 if the coordinates refer to images with 4 times as many pixels per side",
    )
    parser.add_argument(
        "--coordinates-offset",
        type=float,
        metavar="O",
        help="centre of a micrograph's first pixel, in pixels of those images: (S - 1) / 2, the "
        "default, if blocks of S x S pixels were averaged; 0 if micrographs were Fourier-cropped",
    )
    parser.add_argument("--labels", type=int, default=100, help="number of labels to train on")
    parser.add_argument("--expected-particles", type=float, help="per micrograph, if known")
    parser.add_argument("--epochs", type=int, default=12, help="of training, each 40 batches")
    parser.add_argument("--snr", type=float, help="of the simulated micrographs")
    parser.add_argument("--kind", default="globular", help="of particle to simulate")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--random-state", type=int, default=0)
    parser.add_argument("--output", default="demo", metavar="FOLDER")
    options = parser.parse_args()
    given = [options.micrographs, options.coordinates, options.particle_diameter]
    if any(value is not None for value in given) and any(value is None for value in given):
        parser.error("--micrographs, --coordinates and --particle-diameter go together")
    if options.coordinates_offset is None:
        options.coordinates_offset = (options.coordinates_step - 1) / 2
    return options


def positive(text):
    """Read a positive number from the command line."""
    value = float(text)
    if not 0 < value < np.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text!r}")
    return value


def pixel_size(text):
    """Read a pixel size from the command line."""
    try:
        return text if text == "header" else positive(text)
    except ValueError as error:
        message = f'must be a number of ångström or "header", got {text!r}'
        raise argparse.ArgumentTypeError(message) from error


@contextmanager
def short_errors(options):
    """End with one line, not a traceback, if the user's files do not fit together."""
    try:
        yield
    except (OSError, ValueError) as error:
        if options.micrographs is None:
            raise
        sys.exit(str(error))


def simulated(options):
    """Simulate twelve micrographs, eight to train on and four to test."""
    settings = {} if options.snr is None else {"snr": options.snr}
    bunch = make_micrographs(12, kind=options.kind, random_state=options.random_state, **settings)
    return {
        "train": list(bunch.micrographs[:8]),
        "train_coordinates": list(bunch.coordinates[:8]),
        "test": list(bunch.micrographs[8:]),
        "test_coordinates": list(bunch.coordinates[8:]),
        "others": [],
        "particle_diameter": bunch.particle_diameter,
        "pixel_size": bunch.pixel_size,
    }


def from_files(options):
    """Find the user's micrographs and read their coordinates."""
    paths = sorted(glob.glob(options.micrographs))
    if not paths:
        sys.exit(f"no file matches --micrographs {options.micrographs!r}")
    table = read_coordinates(
        options.coordinates, step=options.coordinates_step, offset=options.coordinates_offset
    )
    coordinates = match_coordinates(table, paths)
    labelled = [index for index, xy in enumerate(coordinates) if len(xy)]
    train, test = labelled[::2], labelled[1::2]
    others = [index for index, xy in enumerate(coordinates) if not len(xy)]
    if not labelled:
        sys.exit(f"no micrograph has a particle in --coordinates {options.coordinates!r}")
    if not test and not others:
        sys.exit("all micrographs were trained on; give at least one more to pick")
    return {
        "train": [paths[index] for index in train],
        "train_coordinates": [coordinates[index][:, :2] for index in train],
        "test": [paths[index] for index in test],
        "test_coordinates": [coordinates[index][:, :2] for index in test],
        "others": [paths[index] for index in others],
        "particle_diameter": options.particle_diameter,
        "pixel_size": options.pixel_size,
    }


def check_coordinates_step(data, options):
    """Stop if labels lie outside their micrographs and a larger step puts them inside."""
    images = [as_grid_image(path) for path in data["train"]]
    for binning in (1, 2, 4, 8, 16):
        offset = (binning - 1) / 2
        labels = [(xy - offset) / binning for xy in data["train_coordinates"]]
        try:
            labels_inside(images, labels)
        except ValueError:
            continue
        if binning > 1:
            sys.exit(
                f"coordinates in {options.coordinates} lie outside their micrograph. "
                f"Pass --coordinates-step {binning * options.coordinates_step:g}"
            )
        return


def blob_detector_row(data, labels, picker, radius):
    """Tune the blob detector on the same labels, and measure it on the same micrographs."""
    train = picker.preprocessing_.transform(data["train"])
    test = picker.preprocessing_.transform(data["test"])
    on_grid = [image.to_grid(xy) for image, xy in zip(train, labels, strict=True)]
    diameter = 2 * radius / float(np.mean(train[0].step_xy))
    picks = tune_blob_detector(train, on_grid, particle_diameter=diameter).pick(test)
    for image, xys in zip(test, picks, strict=True):
        xys[:, :2] = image.to_micrograph(xys[:, :2])
    return measured(data["test_coordinates"], picks, radius, threshold=None)


def measured(truth, candidates, radius, threshold):
    """Return average precision, and precision, recall and F1 at a threshold.

    None is the threshold with the best F1 on these very micrographs, which is optimistic.
    """
    best = "" if threshold is not None else " (best F1)"
    if threshold is None:
        pooled = np.concatenate([xy[:, 2] for xy in candidates])
        scores = {
            t: pick_precision_recall_fscore(truth, candidates, radius, threshold=t)[2]
            for t in np.quantile(pooled, np.linspace(0.5, 0.999, 60))
        }
        threshold = max(scores, key=scores.get)
    precision, recall, f1 = pick_precision_recall_fscore(
        truth, candidates, radius, threshold=threshold
    )
    return {
        "average precision": pick_average_precision_score(truth, candidates, radius),
        "precision": precision,
        "recall": recall,
        "F1": f1,
        "threshold": f"{threshold:.2f}{best}",
    }


def report_expectations(picker):
    """Print the precision, recall and number that are expected from the labels."""
    expected = picker.threshold_report_
    if expected is None:
        return
    print("\nexpected from the labels alone (90 % interval):")
    for name in ("n_particles", "precision", "recall"):
        low, high = expected[f"{name}_interval"]
        digits = 0 if name == "n_particles" else 3
        title = "particles a micrograph" if name == "n_particles" else name
        print(f"{title:22s}{expected[name]:8.{digits}f} ({low:.{digits}f} to {high:.{digits}f})")


def report(rows, stages, radius):
    """Print the tables."""
    if rows:
        print(
            f"\non the held-out micrographs, a pick within {radius:g} px of a particle is correct:"
        )
        print(f"{'':16s}{'AP':>8s}{'precision':>11s}{'recall':>8s}{'F1':>7s}  threshold")
        for name, row in rows.items():
            print(
                f"{name:16s}{row['average precision']:8.3f}{row['precision']:11.3f}"
                f"{row['recall']:8.3f}{row['F1']:7.3f}  {row['threshold']}"
            )
    print(f"\n{'stage':22s}{'wall s':>8s}{'CPU s':>8s}")
    for name, (wall, cpu) in stages.items():
        print(f"{name:22s}{wall:8.1f}{cpu:8.1f}")
    print()


def draw(path, picker, data, candidates):
    """Draw a micrograph, its picks, its score map and the precision-recall curve."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from puclassify.plotting import PickPrecisionRecallDisplay, PicksDisplay

    unseen = data["test"] + data["others"]
    n_test = len(data["test"])
    image = picker.preprocessing_.transform(unseen[:1])[0]
    picks = candidates[0][candidates[0][:, 2] > picker.threshold_]
    radius = picker.matching_radius_
    figure, axes = plt.subplots(2, 2, figsize=(13, 13), layout="constrained")
    low, high = np.percentile(image.values, (0.5, 99.5))
    axes[0, 0].imshow(image.values, extent=image.extent, cmap="gray", vmin=low, vmax=high)
    axes[0, 0].set_title(f"{image.name}", pad=24)
    truth = data["test_coordinates"][0] if n_test else None
    PicksDisplay.from_predictions(image, picks, truth, radius=radius, ax=axes[0, 1])
    axes[0, 1].set_title(f"{len(picks)} picks above logit {picker.threshold_:.2f}", pad=24)
    scores = picker.transform(unseen[:1])[0]
    drawn = axes[1, 0].imshow(scores.values, extent=scores.extent, cmap="magma")
    figure.colorbar(drawn, ax=axes[1, 0], shrink=0.8, label="logit")
    axes[1, 0].set_title("score map")
    if n_test:
        PickPrecisionRecallDisplay.from_predictions(
            data["test_coordinates"], candidates[:n_test], radius=radius, ax=axes[1, 1]
        )
        axes[1, 1].set_title(f"{n_test} held-out micrographs")
    else:
        axes[1, 1].set_axis_off()
    figure.savefig(path, dpi=80)
    plt.close(figure)


@contextmanager
def stage(stages, name, n_micrographs=None):
    """Measure the wall time and CPU time of a stage."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    label = name if n_micrographs is None else f"{name} ({n_micrographs} imgs)"
    stages[label] = (time.perf_counter() - wall, time.process_time() - cpu)


def name_of(micrograph, index):
    """Return the name of a micrograph for the STAR file."""
    name = getattr(micrograph, "name", None) or micrograph
    return str(name) if isinstance(name, (str, Path)) else f"micrograph_{index:04d}"


if __name__ == "__main__":
    main()
