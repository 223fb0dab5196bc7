"""What people write first: a study in Python, from its question to its numbers. Type checkers read it."""

from pathlib import Path

import assay


def study() -> assay.Study:
    return assay.Study(
        "width",
        "Do more maps recognise characters better, under either rule?",
        network=assay.ConvPool(maps=(4,), kernel_size=3),
        recipe=assay.Recipe(assay.optim.Adam(lr=0.01), batch_size=20, epochs=1),
        data=assay.DataSpec("glyphs", train=94, valid=47, test=47),
        engine="reference",
        factors=[
            assay.Factor("network.maps", {"narrow": (2,), "wide": (4,)}, name="width"),
            assay.Factor("optimizer.lr", [0.01, 0.1]),
        ],
        claims=[assay.Claim("Wide is better.", ("wide-0.01 > narrow-0.01",))],
        seeds=2,
        quick={"training.epochs": 1},
    )


def main(folder: Path) -> list[str]:
    chosen = study().override({"training.epochs": 2, "training": {"batch_size": 30}})
    (folder / "width.toml").write_text(chosen.to_toml(), encoding="utf-8")
    again = assay.load_study(folder / "width.toml")
    assert again == chosen == assay.Study.from_tables(chosen.to_tables())
    plan = assay.make_plan(chosen, assay.load_data(chosen.data))
    parameters: int = plan.cohorts[0].network.parameter_count
    with assay.run(chosen, folder / "first", workers=1, progress=False) as results:
        arms = [run.arm for run in results.runs if run.test is not None and run.test.accuracy >= 0]
        frame = results.frame()
        assert len(frame) == len(arms) == len(chosen.arms) * 2
    with assay.run(chosen, folder / "second", reuse=folder / "first", progress=False) as results:
        assert results.complete
    layer: assay.nn.Layer = assay.nn.ReLU()
    return [*arms, f"{parameters} parameters", repr(layer), *assay.builtin_studies()]
