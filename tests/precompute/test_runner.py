"""The runner: order, skipping, starting again, locking, and what it tells."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from precompute.config import RunConfig
from precompute.options import build
from precompute.pipeline.finished import EARLIER_BOUND, kept_settings
from precompute.pipeline.places import one_a_place, share_stages, without_place
from precompute.pipeline.progress import Console, Meter, StageRecord, duration
from precompute.pipeline.runner import RUN_NAME, Run, Runner, Stage
from precompute.stages.order import STAGES
from protsae.errors import ConfigError, InputError
from protsae.files import locked

Fake = Callable[..., tuple[Stage, ...]]


@pytest.fixture
def calls() -> list[str]:
    """Names of the fake stages that have run, in order."""
    return []


@pytest.fixture
def fake(calls: list[str]) -> Fake:
    """Three stages that note that they ran; what the first reads may be changed."""

    def runs(name: str) -> Run:
        def run(config: RunConfig, work: Path, report: Callable[[str], None]) -> dict[str, int]:
            calls.append(name)
            (work / name / f"{len(calls)}.txt").write_text("x")
            report("working")
            return {"files": len(list((work / name).iterdir()))}

        return run

    def make(inputs: tuple[str, ...] = ("proteins",)) -> tuple[Stage, ...]:
        return (
            Stage(name="first", run=runs("first"), settings=("seed",), inputs=inputs),
            Stage(name="second", run=runs("second"), settings=("k",), after=("first",), resumes=True),
            Stage(name="third", run=runs("third"), after=("second",)),
        )

    return make


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    for name in ("proteins", "annotations", "ontology", "clusters"):
        (tmp_path / name).write_text(name)
    return RunConfig(
        proteins=tmp_path / "proteins",
        annotations=tmp_path / "annotations",
        ontology=tmp_path / "ontology",
        clusters=tmp_path / "clusters",
        plm="esm2_t6_8M_UR50D",
        out=tmp_path / "bundle",
    )


def run(config: RunConfig, stages: tuple[Stage, ...]) -> list[StageRecord]:
    return Runner(config, Console(quiet=True), stages).run()


def test_what_is_done_is_skipped(config: RunConfig, calls: list[str], fake: Fake) -> None:
    first = run(config, fake())
    again = run(config, fake())

    assert calls == ["first", "second", "third"]
    assert [record.was_done for record in first + again] == [False] * 3 + [True] * 3
    assert again[0].wall_s == first[0].wall_s
    assert again[0].numbers == {"files": 1}
    assert first[0].peak_rss_mb > 10


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"k": 5}, ["second", "third"]),
        ({"seed": 1}, ["first", "second", "third"]),
        ({"epochs": 1}, []),
        ({"device": "cpu"}, []),
        ({"workers": 2}, []),
    ],
)
def test_a_changed_setting_runs_what_depends_on_it(
    config: RunConfig, calls: list[str], fake: Fake, change: dict[str, object], expected: list[str]
) -> None:
    run(config, fake())
    calls.clear()
    run(replace(config, **change), fake())
    assert calls == expected


def test_a_changed_input_runs_what_depends_on_it(config: RunConfig, calls: list[str], fake: Fake) -> None:
    run(config, fake())
    calls.clear()
    config.annotations.write_text("other")
    run(config, fake())
    assert calls == []
    config.proteins.write_text("other")
    run(config, fake())
    assert calls == ["first", "second", "third"]


@pytest.mark.parametrize("name", ["structures", "pdb files"])
@pytest.mark.parametrize("place", ["in the folder", "beside it"])
def test_an_edited_table_of_structures_runs_what_depends_on_it(
    config: RunConfig, calls: list[str], fake: Fake, name: str, place: str
) -> None:
    folder = config.out.parent / name
    folder.mkdir()
    config = replace(config, structures=folder)
    stages = fake(("structures",))
    table = (folder if place == "in the folder" else folder.parent) / "structures.tsv"
    expected: list[str] = []
    for text in (None, "Entry\tfile\n", "Entry\tfile\nP1\tone.pdb\n", "Entry\tfile\nP1\ttwo.pdb\n"):
        if text is not None:
            table.write_text(text)
        run(config, stages)
        run(config, stages)
        expected += ["first", "second", "third"]
        assert calls == expected


def test_of_a_bundle_as_plm_its_model_counts_and_not_what_else_it_holds(
    config: RunConfig, calls: list[str], fake: Fake, tiny_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "other"))
    config = replace(config, plm=str(bundle))
    run(config, fake(("plm",)))
    (bundle / "manifest.json").write_text("{}")
    run(config, fake(("plm",)))
    assert calls == ["first", "second", "third"]
    (bundle / "plm.safetensors").write_bytes(b"others")
    run(config, fake(("plm",)))
    assert calls == ["first", "second", "third"] * 2


def test_what_a_stage_foretells_is_told_before_the_next_one_and_even_where_it_is_done(
    config: RunConfig, calls: list[str], fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = fake()

    def foretold(_config: RunConfig, _work: Path) -> Iterator[str]:
        yield f"told after {' '.join(calls)}"
        if len(calls) == 1:
            raise InputError("too small; give more")

    stages = (replace(first, foretells=foretold), *others)
    with pytest.raises(InputError, match="too small"):
        Runner(config, Console(), stages).run()
    assert calls == ["first"]
    calls.append("more")
    Runner(config, Console(), stages).run()

    told = capsys.readouterr().err
    assert told.index("told after first") < told.index("first: already done") < told.index("told after first more")


def test_several_places_are_a_run_each_that_share_what_no_place_changes(
    config: RunConfig, calls: list[str], fake: Fake
) -> None:
    first, second, third = fake()
    stages = (first, replace(second, settings=("layer",)), third)
    assert without_place(stages) == ("first",)
    assert without_place(STAGES) == ("proteins", "structures")
    assert one_a_place(config) == (config,)

    configs = one_a_place(replace(config, layers=(2, 5, 2), sites=("A", "resid_post", "R")))

    assert [(one.out.parent, one.out.name, one.layer, one.site) for one in configs] == [
        (config.out, "A2", 2, "attn_out"),
        (config.out, "R2", 2, "resid_post"),
        (config.out, "A5", 5, "attn_out"),
        (config.out, "R5", 5, "resid_post"),
    ]
    assert not any(one.is_suite for one in configs)
    for one in configs:
        share_stages(configs[0].work, one.work, without_place(stages))
        run(one, stages)
    assert calls == ["first", *["second", "third"] * 4]


def test_an_unfinished_stage_starts_clean_unless_it_resumes(config: RunConfig, calls: list[str], fake: Fake) -> None:
    run(config, fake())
    for name in ("first", "second"):
        (config.work / name / "done.json").unlink()
        (config.work / name / "left.txt").write_text("x")
    run(config, fake())

    assert not (config.work / "first" / "left.txt").exists()
    assert (config.work / "second" / "left.txt").exists()


def test_a_damaged_record_counts_as_not_done(config: RunConfig, calls: list[str], fake: Fake) -> None:
    run(config, fake())
    calls.clear()
    (config.work / "third" / "done.json").write_text('{"fingerpr')
    run(config, fake())
    assert calls == ["third"]


def test_one_stage_needs_those_before_it(config: RunConfig, calls: list[str], fake: Fake) -> None:
    with pytest.raises(InputError, match="stage second needs stage first, which is not done"):
        Runner(config, Console(quiet=True), fake()).run_one("second")
    Runner(config, Console(quiet=True), fake()).run_one("first", remember=False)
    assert not (config.work / RUN_NAME).exists()
    for name in ("second", "second"):
        Runner(config, Console(quiet=True), fake()).run_one(name)
    assert json.loads((config.work / RUN_NAME).read_text())["out"] == str(config.out)
    assert calls == ["first", "second"]
    Runner(config, Console(quiet=True), fake()).run_one("second", force=True)
    assert calls == ["first", "second", "second"]
    assert len(list((config.work / "second").iterdir())) == 2


def test_an_unknown_stage_is_quoted(config: RunConfig, fake: Fake) -> None:
    with pytest.raises(ConfigError, match="there is no stage 'nap'; the stages are first, second, third"):
        Runner(config, Console(quiet=True), fake()).stage("nap")


def test_two_runs_do_not_share_a_work_folder(config: RunConfig, calls: list[str], fake: Fake) -> None:
    config.work.mkdir()
    with locked(config.work), pytest.raises(InputError, match="another run is at work in"):
        run(config, fake())
    run(config, fake())


def test_every_stage_depends_on_earlier_ones_and_on_settings_that_exist() -> None:
    seen: set[str] = set()
    for stage in STAGES:
        assert set(stage.after) <= seen
        assert set(stage.settings) | set(stage.inputs) <= set(RunConfig.__dataclass_fields__)
        seen.add(stage.name)
    used = {name for stage in STAGES for name in (*stage.settings, *stage.inputs)}
    assert set(RunConfig.__dataclass_fields__) - used == {
        *("device", "engine", "workers", "shards_at", "train_processes", "preset", "layers", "sites"),
    }


def test_the_meter_tells_rate_and_time_left() -> None:
    lines: list[str] = []
    meter = Meter(lines.append, "embed", 1000, every_s=0)
    meter.skip(100)
    meter._start -= 10
    meter.advance(300)
    assert lines == ["embed: 400 of 1,000 residues, 30/s, 20 s left"]


def test_durations_read_well() -> None:
    assert [duration(s) for s in (0.4, 42, 200, 7500)] == ["0 s", "42 s", "3 min 20 s", "2 h 5 min"]


def test_the_summary_names_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    Console().summary(
        [StageRecord("embed", 12.5, 300.4, {"residues": 12345, "share": 0.25, "plm": "x"}, was_done=True)]
    )
    shown = capsys.readouterr().err
    for text in ("embed", "(already done)", "12.5", "300", "12,345", "0.25"):
        assert text in shown


@pytest.mark.parametrize(("said", "bound"), [(True, EARLIER_BOUND), (False, 0.0), (None, RunConfig.rate_bound)])
def test_a_run_of_an_older_version_keeps_its_bound_on_rates(
    finished_run: Path, said: bool | None, bound: float, tmp_path: Path
) -> None:
    kept = json.loads((finished_run.with_name("bundle.work") / RUN_NAME).read_text())
    (tmp_path / RUN_NAME).write_text(json.dumps({**kept, **({} if said is None else {"bound_rates": said})}))
    known = kept_settings(tmp_path)
    assert known is not None
    assert build(RunConfig, known).rate_bound == bound
