"""Learns to read handwritten digits: a small network and the Adam optimiser, in NumPy alone.

The 1,797 pictures of 8 x 8 pixels come with scikit-learn. A fifth of them is kept for the test. In training every
picture is shown many times, each time moved, turned and scaled a little: so few of them are soon known by heart.
"""

import argparse
import json
import os
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.ndimage import affine_transform
from sklearn.datasets import load_digits

import tradewind

LAYERS = (64, 256, 128, 10)
BATCH = 64
SHOWN_PER_EPOCH = 20
CHECKPOINT_DIR = Path(os.environ.get("TRADEWIND_CHECKPOINT_DIR", "ckpt"))
OUT_DIR = Path("out")


class Network:
    """Three layers with ReLU between them, and what Adam remembers of each number."""

    def __init__(self, random):
        self.weights = {}
        for layer, (size_in, size_out) in enumerate(pairwise(LAYERS)):
            scale = np.sqrt(2 / size_in)
            self.weights[f"w{layer}"] = random.normal(0, scale, (size_in, size_out)).astype(np.float32)
            self.weights[f"b{layer}"] = np.zeros(size_out, np.float32)
        self.mean = {name: np.zeros_like(value) for name, value in self.weights.items()}
        self.square = {name: np.zeros_like(value) for name, value in self.weights.items()}
        self.step = 0

    def forward(self, pictures):
        """What every layer says to these pictures; the last are the scores of the ten digits."""
        values = [pictures]
        for layer in range(len(LAYERS) - 1):
            value = values[-1] @ self.weights[f"w{layer}"] + self.weights[f"b{layer}"]
            is_last = layer == len(LAYERS) - 2
            values.append(value if is_last else np.maximum(value, 0))
        return values

    def train(self, pictures, digits, learning_rate):
        """One step of Adam down the cross-entropy. Returns the loss before it."""
        values = self.forward(pictures)
        scores = values[-1] - values[-1].max(axis=1, keepdims=True)
        log_chance = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        rows = np.arange(len(digits))
        slope = np.exp(log_chance)
        slope[rows, digits] -= 1
        slope /= len(digits)
        self.step += 1
        for layer in reversed(range(len(LAYERS) - 1)):
            slopes = {f"w{layer}": values[layer].T @ slope, f"b{layer}": slope.sum(axis=0)}
            # Through the weights as they were when the values were computed.
            slope = (slope @ self.weights[f"w{layer}"].T) * (values[layer] > 0)
            for name, gradient in slopes.items():
                self.move(name, gradient, learning_rate)
        return float(-log_chance[rows, digits].mean())

    def move(self, name, gradient, learning_rate):
        """Adam: a step along the running mean, smaller where the slope varies."""
        self.mean[name] += 0.1 * (gradient - self.mean[name])
        self.square[name] += 0.001 * (gradient**2 - self.square[name])
        mean = self.mean[name] / (1 - 0.9**self.step)
        square = self.square[name] / (1 - 0.999**self.step)
        self.weights[name] -= learning_rate * mean / (np.sqrt(square) + 1e-8)

    def accuracy(self, pictures, digits):
        """The share of these pictures that it reads right."""
        return float((self.forward(pictures)[-1].argmax(axis=1) == digits).mean())


def load_pictures():
    """Pictures of values 0 to 1 and their digits: those to train with, those to test with."""
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    pictures = (data.images[order] / 16).astype(np.float32)
    digits = data.target[order]
    kept_for_test = len(digits) // 5
    return (
        pictures[kept_for_test:],
        digits[kept_for_test:],
        pictures[:kept_for_test].reshape(-1, 64),
        digits[:kept_for_test],
    )


def vary(picture, random):
    """The same digit as another hand might have drawn it."""
    angle = random.normal(0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn / random.normal(1, 0.06)
    middle = np.array([3.5, 3.5])
    offset = middle - matrix @ middle + random.normal(0, 0.35, 2)
    return affine_transform(picture, matrix, offset, order=1)


def save_checkpoint(path, network, epoch, random):
    """Everything that is needed to go on, or nothing: the name appears when all of it is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"{kind}_{name}": value for kind in ("weights", "mean", "square")
              for name, value in getattr(network, kind).items()}  # fmt: skip
    state = json.dumps({"epoch": epoch, "step": network.step, "random": random.bit_generator.state})
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.savez(file, state=np.array(state), **arrays)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_checkpoint(path, network, random):
    """Takes up where the checkpoint was written. Returns the number of epochs that are done."""
    with np.load(path) as arrays:
        for kind in ("weights", "mean", "square"):
            values = getattr(network, kind)
            for name in values:
                values[name] = arrays[f"{kind}_{name}"]
        state = json.loads(str(arrays["state"]))
    network.step = state["step"]
    random.bit_generator.state = state["random"]
    return state["epoch"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=20)
    epochs = parser.parse_args().epochs

    stop = []
    # Sent when the job is stopped or moved: there is time to end the epoch and to write one more checkpoint.
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))

    pictures, digits, test_pictures, test_digits = load_pictures()
    random = np.random.default_rng(int(os.environ.get("SEED", "1")))
    network = Network(random)
    done = 0
    if resume_from := os.environ.get("TRADEWIND_CHECKPOINT"):
        done = load_checkpoint(resume_from, network, random)
        print(f"resumed after epoch {done} from {Path(resume_from).name}")
    print(f"{len(digits)} pictures to train with, {len(test_digits)} to test with")

    for epoch in range(done + 1, epochs + 1):
        began = time.monotonic()
        learning_rate = 0.002 * 0.5 * (1 + np.cos(np.pi * (epoch - 1) / epochs))
        losses = []
        order = random.permutation(np.repeat(np.arange(len(digits)), SHOWN_PER_EPOCH))
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            batch = np.stack([vary(pictures[index], random) for index in chosen]).reshape(-1, 64)
            losses.append(network.train(batch, digits[chosen], learning_rate))
        loss, accuracy = float(np.mean(losses)), network.accuracy(test_pictures, test_digits)
        print(
            f"epoch {epoch:2}/{epochs}  loss {loss:.4f}  test accuracy {accuracy:6.2%}"
            f"  {time.monotonic() - began:.1f} s"
        )
        tradewind.report(epoch=epoch, total_epochs=epochs, loss=loss, test_accuracy=accuracy)
        if stop or epoch % max(epochs // 2, 1) == 0 or epoch == epochs:
            save_checkpoint(CHECKPOINT_DIR / f"epoch-{epoch:03}.npz", network, epoch, random)
        if stop:
            print(f"asked to stop: epoch {epoch} is kept")
            sys.exit(128 + signal.SIGTERM)

    OUT_DIR.mkdir(exist_ok=True)
    accuracy = network.accuracy(test_pictures, test_digits)
    result = {"epochs": epochs, "test_accuracy": accuracy, "test_pictures": len(test_digits)}
    (OUT_DIR / "metrics.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"reads {accuracy:.2%} of {len(test_digits)} unseen digits right")


if __name__ == "__main__":
    main()
