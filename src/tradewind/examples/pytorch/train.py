"""Learns to read handwritten digits with PyTorch: a small convolutional network in one process.

Runs on the GPU that the job was given, else on the processor. Goes on from `TRADEWIND_CHECKPOINT` when there is one.
"""

import argparse
import json
import os
import signal
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

import tradewind

CHECKPOINT_DIR = Path(os.environ.get("TRADEWIND_CHECKPOINT_DIR", "ckpt"))
OUT_DIR = Path("out")
BATCH = 64


def load_pictures(device):
    """Pictures and digits to train with, and a fifth of them to test with."""
    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))
    pictures = (torch.tensor(data.images, dtype=torch.float32) / 16).unsqueeze(1)[order].to(device)
    digits = torch.tensor(data.target, dtype=torch.long)[order].to(device)
    kept_for_test = len(digits) // 5
    train = (pictures[kept_for_test:], digits[kept_for_test:])
    test = (pictures[:kept_for_test], digits[:kept_for_test])
    return train, test


def make_network():
    """Two convolutions and two layers: 8 x 8 pixels in, the scores of ten digits out."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(64 * 4 * 4, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def save_checkpoint(path, state):
    """Everything that is needed to go on, or nothing: the name appears when all of it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


@torch.no_grad()
def measure_accuracy(network, pictures, digits):
    """The share of these pictures that it reads right."""
    network.eval()
    return (network(pictures).argmax(dim=1) == digits).float().mean().item()


def train_epoch(network, optimiser, pictures, digits):
    """Shows every picture once. Returns the mean loss."""
    network.train()
    total = 0.0
    order = torch.randperm(len(digits), device=digits.device)
    for chosen in order.split(BATCH):
        loss = nn.functional.cross_entropy(network(pictures[chosen]), digits[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(chosen)
    return total / len(digits)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=20)
    epochs = parser.parse_args().epochs

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))

    torch.manual_seed(int(os.environ.get("SEED", "1")))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, test = load_pictures(device)
    network = make_network().to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.001)
    done = 0
    if resume_from := os.environ.get("TRADEWIND_CHECKPOINT"):
        state = torch.load(resume_from, map_location=device)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"].cpu())
        done = state["epoch"]
        print(f"resumed after epoch {done} from {Path(resume_from).name}")
    print(f"{len(train[1])} pictures to train with, {len(test[1])} to test with, on {device}")

    for epoch in range(done + 1, epochs + 1):
        loss = train_epoch(network, optimiser, *train)
        accuracy = measure_accuracy(network, *test)
        print(f"epoch {epoch:2}/{epochs}  loss {loss:.4f}  test accuracy {accuracy:6.2%}")
        tradewind.report(epoch=epoch, total_epochs=epochs, loss=loss, test_accuracy=accuracy)
        if stop or epoch % 5 == 0 or epoch == epochs:
            state = {
                "epoch": epoch,
                "network": network.state_dict(),
                "optimiser": optimiser.state_dict(),
                "random": torch.get_rng_state(),
            }
            save_checkpoint(CHECKPOINT_DIR / f"epoch-{epoch:03}.pt", state)
        if stop:
            sys.exit(128 + signal.SIGTERM)

    OUT_DIR.mkdir(exist_ok=True)
    result = {"epochs": epochs, "test_accuracy": measure_accuracy(network, *test)}
    (OUT_DIR / "metrics.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
