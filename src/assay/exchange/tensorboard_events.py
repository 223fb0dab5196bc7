"""TensorBoard's event files: curves and hyperparameters of each run, and the verdict as text."""

import socket
from collections.abc import Mapping
from functools import partial
from math import isfinite
from pathlib import Path
from time import time
from typing import Any, BinaryIO

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.hparams.api_pb2 import Experiment, HParamInfo, MetricInfo, MetricName, Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.record_writer import RecordWriter

from assay.errors import UsageError
from assay.exchange.logs import CURVES, ENDS, Log, ends_of, hyperparameters, values_of
from assay.findings.findings import build
from assay.records.runs import EpochRecord, RunId, RunRecord
from assay.results import Results
from assay.study.study import Study

VERSION = "brain.Event:2"


class EventFile:
    """One event file in ``folder``, written record by record, without TensorFlow."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            name = f"events.out.tfevents.{time():.6f}.{socket.gethostname()}"
            self._file: BinaryIO = (folder / name).open("xb")
        except OSError as error:
            raise UsageError(f"{folder}: event files cannot be written ({error.strerror})") from None
        self._writer = RecordWriter(self._file)
        self._put(Event(wall_time=time(), file_version=VERSION))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write numbers that are finite, and show them to whoever watches."""
        shown = [Summary.Value(tag=tag, simple_value=v) for tag, v in values.items() if isfinite(v)]
        self._put(Event(wall_time=time(), step=step, summary=Summary(value=shown)))

    def text(self, tag: str, text: str) -> None:
        """Write a text in Markdown."""
        tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()], tensor_shape=_one())
        self._summary(tag, create_summary_metadata(tag, ""), tensor)

    def hparams(self, tag: str, **data: Any) -> None:
        """Write what the plugin of hyperparameters reads."""
        content = HParamsPluginData(version=hparams.PLUGIN_DATA_VERSION, **data).SerializeToString()
        plugin = SummaryMetadata.PluginData(plugin_name=hparams.PLUGIN_NAME, content=content)
        self._summary(tag, SummaryMetadata(plugin_data=plugin), hparams.NULL_TENSOR)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _summary(self, tag: str, metadata: SummaryMetadata, tensor: TensorProto) -> None:
        value = Summary.Value(tag=tag, metadata=metadata, tensor=tensor)
        self._put(Event(wall_time=time(), summary=Summary(value=[value])))

    def _put(self, event: Event) -> None:
        self._writer.write(event.SerializeToString())
        self._writer.flush()


class TensorBoardLog(Log):
    """A log directory: one TensorBoard run per arm and seed, ``ARM/SEED``, and the verdict in the root."""

    def __init__(self, folder: Path, *, continued: bool = False) -> None:
        self._folder, self.address = folder, str(folder)
        if next(folder.rglob("events.out.tfevents.*"), None) and not continued:
            raise UsageError(f"{folder}: holds event files already (remove it, or choose another --out)")
        self._study: Study | None = None
        self._files: dict[RunId | None, EventFile] = {}

    def begin(self, study: Study) -> None:
        """Say which hyperparameters there are."""
        self._study = study
        names = dict.fromkeys(name for arm in study.arms for name in hyperparameters(arm))
        metrics = [MetricInfo(name=MetricName(tag=tag)) for tag in ENDS]
        infos = [HParamInfo(name=name) for name in names]
        experiment = Experiment(name=study.name, hparam_infos=infos, metric_infos=metrics)
        self._root().hparams(hparams.EXPERIMENT_TAG, experiment=experiment)

    def epoch(self, run: RunId, record: EpochRecord) -> None:
        """Write a point of each curve."""
        self._of(run).scalars(values_of(record, CURVES), record.epoch)

    def ended(self, run: RunRecord) -> None:
        """Write what the run reached."""
        file = self._of(run.id)
        file.scalars(ends_of(run), run.epochs)
        status = Status.STATUS_SUCCESS if run.test else Status.STATUS_FAILURE
        file.hparams(hparams.SESSION_END_INFO_TAG, session_end_info=SessionEndInfo(status=status))
        file.close()  # a study may have more runs than a process may have files open
        del self._files[run.id]

    def conclude(self, results: Results) -> None:
        """Write the question, the answer and its limits as text."""
        found = build(results)
        limits = "\n".join(f"- {limit}" for limit in found.limits)
        said = f"**{found.question}**\n\n{found.answer}\n\n*{found.stamp}*\n\n{limits}\n"
        self._root().text("verdict", said)

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            file.close()

    def _root(self) -> EventFile:
        if None not in self._files:
            self._files[None] = EventFile(self._folder)
        return self._files[None]

    def _of(self, run: RunId) -> EventFile:
        if run not in self._files:
            self._files[run] = file = EventFile(self._folder / run.arm / str(run.seed))
            if self._study:
                values = {**hyperparameters(self._study.arm(run.arm)), "seed": run.seed}
                file.hparams(hparams.SESSION_START_INFO_TAG, session_start_info=_started(values, run))
        return self._files[run]


def _started(values: Mapping[str, Any], run: RunId) -> SessionStartInfo:
    info = SessionStartInfo(group_name=run.arm, start_time_secs=time())
    for name, value in values.items():
        if isinstance(value, bool):
            info.hparams[name].bool_value = value
        elif isinstance(value, int | float):
            info.hparams[name].number_value = value
        else:
            info.hparams[name].string_value = str(value)
    return info


_one = partial(TensorShapeProto, dim=[TensorShapeProto.Dim(size=1)])
