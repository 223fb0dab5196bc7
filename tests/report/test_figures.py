import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest
from factories import make_results, make_study
from matplotlib.backends.backend_agg import FigureCanvasAgg

from assay.findings.curves import METRICS, Band
from assay.findings.findings import Findings, build
from assay.records.runs import Status
from assay.report.canvas import ACCENT, FAINT, INK, STYLE
from assay.report.figures import curve_plot, curve_plots, effect_plot
from assay.report.layer_figures import layer_plots
from assay.report.palette import COLOURS, colour, marker
from assay.results import Results

LOSSES = ("valid_loss", "train_loss")
NONE = dict.fromkeys(METRICS, ())

SVG = "{http://www.w3.org/2000/svg}"


def drawings(report: Findings) -> list[str]:
    return [drawing.svg for drawing in (effect_plot(report), *curve_plots(report)) if drawing]


def test_every_figure_is_well_formed_named_and_described(report: Findings) -> None:
    assert len(drawings(report)) == 5
    for svg in drawings(report):
        root = ET.fromstring(svg)
        title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert "max" in desc.text
        assert "average" in desc.text


def test_the_description_gives_the_numbers(report: Findings) -> None:
    c = report.effects[0].pair.comparison
    assert (
        f"mean {100 * c.mean:+.2f} points, 95% interval {100 * c.interval[0]:+.2f} to"
        in effect_plot(report).description
    )
    last = report.curves[0].bands["valid_accuracy"].mean[-1]
    assert "max: 4" in curve_plot(report, "valid_accuracy").description
    assert f"{100 * last:.2f} after epoch 8 (6 seeds" in curve_plot(report, "valid_accuracy").description
    assert "1 seed diverged" in curve_plot(report, "valid_accuracy").description


def test_a_single_epoch_is_a_point_for_each_arm_with_a_bar(report: Findings) -> None:
    first = [replace(c, bands={m: cut(b) for m, b in c.bands.items()}, diverged=NONE) for c in report.curves]
    figure = curve_plot(replace(report, curves=tuple(first)), "valid_loss").figure
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]
    bar, point = axes.lines[:2]
    band = first[0].bands["valid_loss"]
    assert bar.get_ydata().tolist() == [band.low[0], band.high[0]]
    assert point.get_ydata().tolist() == [band.mean[0]]
    assert len({line.get_xdata()[0] for line in axes.lines}) == len(report.curves)


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e30])
def test_all_words_lie_within_the_figure_and_apart(report: Findings, scale: float) -> None:
    """As matplotlib measures them; the layout only counts letters."""
    curves = tuple(replace(c, bands={m: scaled(b, scale) for m, b in c.bands.items()}) for c in report.curves)
    changed = replace(report, curves=curves)
    layers = layer_plots(report.layers[0], "layers")
    for drawing in (effect_plot(report), *(curve_plot(changed, m) for m in LOSSES), *layers):
        figure = drawing.figure
        with matplotlib.rc_context(STYLE):
            axes, renderer = figure.axes[0], FigureCanvasAgg(figure).get_renderer()
            figure.draw(renderer)
            found = figure.get_tightbbox(renderer).extents
            label = axes.xaxis.label.get_window_extent(renderer)
            below = [text.get_window_extent(renderer).y0 for text in axes.get_xticklabels()]
            offsets = [axis.get_offset_text().get_text() for axis in (axes.xaxis, axes.yaxis)]
        width, height = figure.get_size_inches()
        assert (found >= -0.01).all(), drawing.key
        assert (found <= [0, 0, width + 0.01, height + 0.01])[2:].all(), drawing.key
        assert label.y1 <= min(below) + 1, drawing.key
        assert offsets == ["", ""], drawing.key  # it would lie upon the title


def scaled(band: Band, by: float) -> Band:
    mean, low, high = (tuple(by * value for value in row) for row in (band.mean, band.low, band.high))
    return replace(band, mean=mean, low=low, high=high)


def cut(band: Band) -> Band:
    return replace(band, epochs=(1,), mean=band.mean[:1], low=band.low[:1], high=band.high[:1])


def test_ids_are_unique_over_all_figures_and_every_reference_is_met(report: Findings) -> None:
    ids, references = [], set()
    for svg in drawings(report):
        for element in ET.fromstring(svg).iter():
            ids += [element.get("id")] if element.get("id") else []
            references |= {value[5:-1] for value in element.attrib.values() if value.startswith("url(#")}
            references |= {value[1:] for value in element.attrib.values() if value.startswith("#")}
    assert len(ids) == len(set(ids))
    assert references
    assert references <= set(ids)


def test_an_arm_has_its_colour_in_every_figure(report: Findings) -> None:
    for drawing in curve_plots(report):
        assert f"var(--arm0, {COLOURS[0]})" in drawing.svg
        assert f"var(--arm1, {COLOURS[1]})" in drawing.svg
    assert f"var(--arm0, {COLOURS[0]})" in effect_plot(report).svg


def test_no_stand_in_and_no_fixed_ink_is_left(report: Findings) -> None:
    for svg in drawings(report):
        assert not any(stand_in in svg for stand_in in (INK, FAINT, ACCENT))
        assert "currentColor" in svg
        assert not any(fixed in svg for fixed in ("#000000", "#ffffff", "black", "white"))


def test_the_same_report_is_drawn_the_same(report: Findings) -> None:
    assert drawings(report) == drawings(report)


def test_a_negative_number_is_written_as_in_the_tables_beside(report: Findings) -> None:
    ticks = [text.text or "" for text in ET.fromstring(effect_plot(report).svg).iter(f"{SVG}text")]
    assert any(tick.startswith("-") for tick in ticks)
    assert "\u2212" not in "".join(ticks)


def test_every_seed_stands_in_the_effect_plot(report: Findings) -> None:
    uses = list(ET.fromstring(effect_plot(report).svg).iter(f"{SVG}use"))
    points = [use for use in uses if use.get("style", "").startswith("fill")]
    assert len(points) >= report.effects[0].pair.comparison.n + 1


def test_training_and_validation_accuracy_share_a_scale(report: Findings) -> None:
    def ticks(svg: str) -> list[tuple[str, str]]:
        axis = next(g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("id", "").endswith("axis_2"))
        return [(text.text, text.get("y")) for text in axis.iter(f"{SVG}text")]

    assert ticks(curve_plot(report, "train_accuracy").svg) == ticks(curve_plot(report, "valid_accuracy").svg)


def test_arms_beyond_the_palette_differ_by_marker() -> None:
    assert len({(colour(index), marker(index)) for index in range(50)}) == 50


@pytest.mark.parametrize("status", [Status.PENDING, Status.DIVERGED, Status.RUNNING])
def test_figures_without_finished_runs(tmp_path: Path, status: Status) -> None:
    statuses = {(arm, seed): status for arm in ("max", "average") for seed in range(2)}
    report = build(make_results(tmp_path, make_study(seeds=2), statuses=statuses))
    assert effect_plot(report) is None
    assert len(curve_plots(report)) == (0 if status is Status.PENDING else len(METRICS))


def test_interim_results_have_no_effect_plot(interim: Results) -> None:
    assert effect_plot(build(interim)) is None
