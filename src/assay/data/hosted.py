"""The data sets that others publish: names, addresses, files and their hashes."""

from dataclasses import dataclass
from typing import Literal

DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Collection:
    """Published files: their base URL, and each file's name and hash.

    ``classes`` names the labels if there is no mapping file. The hashes are
    those recorded by the publisher or torchvision.
    """

    title: str
    address: str
    files: dict[str, str]
    classes: tuple[str, ...] | None = None
    megabytes: int = 11
    layout: Literal["idx", "cifar"] = "idx"

    @property
    def size(self) -> str:
        """The size of the download, as text."""
        return f"{self.megabytes} MB"

    @property
    def most(self) -> int:
        """The largest size that a file may have, in bytes."""
        return (self.megabytes + 1) * 2**20


def _mnist_files(*md5: str) -> dict[str, str]:
    names = [
        f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    ]
    return {name: f"md5:{value}" for name, value in zip(names, md5, strict=True)}


ARCHIVE = "gzip.zip"
EMNIST_SETS = {
    "balanced": "letters and digits, balanced, in 47 classes",
    "bymerge": "letters and digits, all, in 47 classes",
    "byclass": "letters and digits, all, in 62 classes",
    "letters": "letters, small and capital together",
    "digits": "digits",
    "mnist": "digits, as many as MNIST has",
}
COLLECTIONS = {
    "emnist": Collection(
        "EMNIST (Cohen et al. 2017): handwritten letters and digits",
        "https://biometrics.nist.gov/cs_links/EMNIST/",
        {ARCHIVE: "sha256:fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"},
        megabytes=562,
    ),
    "mnist": Collection(
        "MNIST (LeCun et al. 1998): handwritten digits",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        _mnist_files(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        DIGITS,
    ),
    "fashion-mnist": Collection(
        "Fashion-MNIST (Xiao et al. 2017): articles of clothing",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        _mnist_files(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"),
        31,
    ),
    "kmnist": Collection(
        "KMNIST (Clanuwat et al. 2018): cursive Japanese",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        _mnist_files(
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        21,
    ),
    "cifar10": Collection(
        "CIFAR-10 (Krizhevsky 2009): photographs of 10 things",
        "https://www.cs.toronto.edu/~kriz/",
        {"cifar-10-binary.tar.gz": "md5:c32a1d4ab5d03f1284b67883e8d87530"},
        megabytes=163,
        layout="cifar",
    ),
    "cifar100": Collection(
        "CIFAR-100 (Krizhevsky 2009): photographs, 100 kinds",
        "https://www.cs.toronto.edu/~kriz/",
        {"cifar-100-binary.tar.gz": "md5:03b5dce01913d631647c71ecec9e9cb8"},
        megabytes=161,
        layout="cifar",
    ),
}
NAMES = (
    *(f"emnist/{name}" for name in EMNIST_SETS),
    "mnist",
    "fashion-mnist",
    "kmnist",
    "cifar10",
    "cifar100",
)
PACKED = (".zip", ".tar.gz")
"""How the names of archives end, which are unpacked and not kept."""
