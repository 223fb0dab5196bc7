"""What a run's row and a report call the processor."""

from pathlib import Path

import pytest

from assay.records import machine

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: {model}
model name\t: Intel(R) Xeon(R) Processor
stepping\t: 2

processor\t: 1
model\t\t: 999
"""
ARM = """processor\t: 0
BogoMIPS\t: 243.75
CPU implementer\t: 0x41
CPU part\t: 0xd40
CPU revision\t: 1
"""


@pytest.fixture
def told(monkeypatch):
    """Return what tells the module what the system says of its processors."""

    def tell(text: str) -> str:
        monkeypatch.setattr(Path, "read_text", lambda *_: text)
        return machine.processor()

    return tell


def test_models_that_are_sold_under_one_name_are_told_apart(told):
    assert told(INTEL.format(model=207)) == "Intel(R) Xeon(R) Processor (cpu family 6, model 207)"
    assert told(INTEL.format(model=143)) != told(INTEL.format(model=207))


def test_a_processor_without_a_name_has_its_makers_numbers(told, monkeypatch):
    monkeypatch.setattr(machine.platform, "processor", lambda: "")
    assert told(ARM) == "unknown processor (CPU implementer 0x41, CPU part 0xd40)"
    monkeypatch.setattr(machine.platform, "processor", lambda: "aarch64")
    assert told(ARM) == "aarch64 (CPU implementer 0x41, CPU part 0xd40)"


def test_what_cannot_be_read_or_printed_is_unknown(told, monkeypatch):
    monkeypatch.setattr(machine.platform, "processor", lambda: "")
    assert told("") == "unknown processor"
    assert told("model name : \x1b[31m\n") == "unknown processor"
    assert len(told("model name : " + "x" * 1000)) == machine.LONGEST
