"""Which records belong to an epoch."""

from assay.records.runs import LayerRecord, layers_of_epoch


def test_the_layers_before_the_first_step_go_with_the_first_epoch():
    records = [LayerRecord(epoch, "relu1", *[None] * 6, 0.1) for epoch in (0, 1, 2, 3)]
    assert [[one.epoch for one in layers_of_epoch(records, epoch)] for epoch in (1, 2, 3, 4)] == [
        [0, 1],
        [2],
        [3],
        [],
    ]
