"""Where the layers are that are checked right or with mistakes, and the arguments that they need."""

from pathlib import Path

PLANTED = Path(__file__).parents[1] / "testing" / "planted"

SETTINGS = {
    "course.py:ConvolutionalLayer": {
        "num_input_channels": 2,
        "num_output_channels": 3,
        "input_dim_1": 5,
        "input_dim_2": 6,
        "kernel_dim_1": 2,
        "kernel_dim_2": 3,
    }
}
