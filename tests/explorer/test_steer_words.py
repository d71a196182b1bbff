"""What the Steer page says and draws of a result: the verdict beside random features, the curve, the difference."""

import re

import numpy as np
import pytest

from explorer.services import data
from explorer.services.refs import FeatureRef
from explorer.services.slices import Known
from explorer.steer import charts, verdicts
from explorer.steer.diff import GROUP, LINE, ROOM, WHO, diff_html
from explorer.steer.doses import Dose, Told
from explorer.steer.runs import Push
from protsae.alphabet import AMINO_ACIDS
from protsae.steering.steer import Reading, SteerResult
from protsae.store.rows import FeatureRow

from .conftest import OpenPage, traces


@pytest.fixture
def row(open_page: OpenPage) -> FeatureRow:
    """A feature whose 99th percentile is 1."""
    open_page("find")
    found = data.feature(FeatureRef("protsae_mfo", 5))
    assert found is not None
    return found._replace(p99_act=1.0)


def result(
    strength: float,
    before: float,
    after: float,
    changed: list[int],
    *,
    peak: float | None = None,
    letters: str = "WWDE",
) -> SteerResult:
    """The mean goes from `before` to `after`; the peak with it, or to `peak`; the changed residues become `letters`."""
    original = "MKVLAAGITR"
    new = dict(zip(changed, letters, strict=False))
    steered = "".join(new.get(i, letter) for i, letter in enumerate(original))
    logp = np.log(np.full((4, 20), 0.05))
    return SteerResult(
        strength=strength,
        original=original,
        steered=steered,
        masked=np.array([1, 3, 5, 7]),
        changed=np.array(changed, dtype=int),
        logp_before=logp,
        logp_after=logp,
        log_odds=np.ones(len(changed)),
        before=(Reading(5, before, before, None),),
        after=(Reading(5, after if peak is None else peak, after, None),),
        perplexity_before=9.0,
        perplexity_after=10.0,
    )


def pushes(*means: float) -> Known[Push]:
    """Random features after which the mean and the peak are these."""
    return Known([Push((9,), Reading(5, mean, mean, None), 3, 9.0) for mean in means], len(means))


MANY = pushes(*[1.1] * 20)
"""Twenty that move little."""


@pytest.mark.parametrize(
    ("given", "random", "title", "said"),
    [
        (result(0, 1, 1, []), MANY, "Untouched.", "At strength 0 nothing is pushed"),
        (result(1, 1, 1, []), MANY, "Nothing changes.", "alters the model's choice at none of 4 hidden residues"),
        (result(1, 1, 3, [1, 3]), MANY, "Raised, and specific.", "further than under 20 of 20 random features"),
        (result(1, 1, 3, [1, 3]), pushes(*[1.1] * 19, 3), "Raised, but not specific.", "only 19 of 20"),
        (result(1, 1, 3, [1, 3]), pushes(1.1, 1.1), "Raised, but not specific.", "only 2 of 2 random features"),
        (result(1, 1, 3, [1, 3]), MANY._replace(total=21), "Raised.", "its peak rises from 1 to 3."),
        (result(1, 3, 1, [1]), MANY, "The new sequence does not carry more of it.", "falls from 3 to 1"),
        (result(1, 3, 3, [1]), MANY, "The new sequence does not carry more of it.", "stays at 3"),
        (result(-1, 3, 1, [1]), pushes(*[3] * 20), "Lowered, and specific.", "falls from 3 to 1"),
        (result(-1, 1, 3, [1]), MANY, "The new sequence does not carry less of it.", "rises from 1 to 3"),
        (result(2.75, 1, 3, [1]), MANY, "Raised, and specific.", "Strength 2.75 is beyond nature"),
    ],
)
def test_the_verdict_reads_the_result_beside_random_features(
    row: FeatureRow, given: SteerResult, random: Known[Push], title: str, said: str
) -> None:
    found = verdicts.read(row, given, random)

    assert found.title == title
    assert said in found.text
    assert ("beyond nature" in found.text) is (given.strength > 1)
    assert "barely there" not in found.text


@pytest.mark.parametrize(
    ("given", "random", "title"),
    [
        (result(1, 1, 3, [1, 3], peak=0.8), MANY, "Raised, but not in the peak."),
        (result(1, 1, 3, [1, 3], peak=1), MANY, "Raised, but not in the peak."),
        (result(1, 1, 3, [1, 3], peak=0.8), MANY._replace(total=21), "Raised, but not in the peak."),
        (result(1, 1, 3, [1, 3], peak=0.8), pushes(1.1), "Raised, but not in the peak and not specific."),
        (result(-1, 3, 1, [1, 3], peak=4), pushes(*[3] * 20), "Lowered, but not in the peak."),
    ],
)
def test_nothing_is_specific_where_the_peak_does_not_move_with_the_mean(
    row: FeatureRow, given: SteerResult, random: Known[Push], title: str
) -> None:
    assert verdicts.read(row, given, random).title == title


def test_a_rise_by_one_letter_is_not_called_specific(row: FeatureRow) -> None:
    likes = row._replace(aa_enrichment=np.where(np.array(list(AMINO_ACIDS)) == "W", 2.0, -1.0))
    alike = result(1, 1, 3, [1, 3, 5, 7], letters="WWWW")

    found = verdicts.read(likes, alike, MANY)
    assert found.title == "Raised, but by one letter."
    assert found.text.startswith(
        "4 of 4 changed residues became W, which the feature likes anyway (4.0 times as frequent where it fires). "
    )
    assert "further than under 20 of 20 random features" in found.text
    plain = verdicts.read(row._replace(aa_enrichment=np.zeros(20)), alike, MANY)
    assert plain.text.startswith("4 of 4 changed residues became W. ")
    assert verdicts.read(row, result(1, 1, 3, [1, 3, 5, 7], letters="WWWD"), MANY).title == "Raised, and specific."
    assert verdicts.read(row, result(1, 1, 3, [1, 3], letters="WW"), MANY).title == "Raised, and specific."
    assert verdicts.read(row, result(1, 1, 3, [1, 3, 5], peak=0.5, letters="WWW"), MANY).title == (
        "Raised, but by one letter and not in the peak."
    )


def test_a_rise_from_nothing_to_little_is_said_to_be_little(row: FeatureRow) -> None:
    assert "its peak is at 3.0 % of the feature's 99th percentile" in (
        verdicts.read(row._replace(p99_act=100.0), result(1, 1, 3, [1]), MANY).text
    )


def dose(strength: float, steered: float, random: float, log_odds: float | None = None) -> Dose:
    def told(value: float, odds: float | None) -> Told:
        return Told(Reading(0, value, value, None), odds, None, 3)

    control = told(random, None if log_odds is None else -2.0)
    return Dose(strength, {"feature": told(steered, log_odds), "random_feature": control, "random_direction": control})


def test_the_curve_is_read_in_words() -> None:
    flat = [dose(s, 1.0, 1.0) for s in (0.0, 1.0, 5.0)]
    falling = [dose(-1.0, 4.0, 1.0), dose(0.0, 2.0, 1.0), dose(1.0, 1.0, 1.0), dose(5.0, 0.5, 1.0)]
    rising = [dose(0.0, 1.0, 1.0), dose(1.0, 4.0, 1.1), dose(5.0, 5.0, 1.2)]
    slight = [dose(0.0, 1.0, 1.0), dose(1.0, 1.2, 1.01), dose(5.0, 0.8, 1.0)]
    alike = [dose(0.0, 1.0, 1.0), dose(1.0, 4.0, 4.1), dose(5.0, 5.0, 4.9)]
    none = "No strength makes the new sequence carry more of it."
    assert verdicts.read_curve(flat).title == verdicts.read_curve(falling).title == none
    more = "Turning it up makes the new sequence carry more of it."
    assert verdicts.read_curve(rising).title == verdicts.read_curve(slight).title == more
    assert verdicts.read_curve(slight).text.endswith("Stronger pushes lose it again.")
    assert (
        "to 5 at strength 5, to 1.2 at most under one random feature or direction" in verdicts.read_curve(rising).text
    )
    assert "within the natural range" in verdicts.read_curve(rising).text
    assert "so it does under a control" in verdicts.read_curve(alike).title


def test_where_a_probe_judges_the_curve_the_features_own_word_does_not_count() -> None:
    proud = [dose(0.0, 1.0, 1.0, -2.0), dose(1.0, 9.0, 1.0, -2.0), dose(5.0, 9.0, 1.0, -1.9)]
    raised = [dose(0.0, 1.0, 1.0, -2.0), dose(1.0, 1.0, 1.0, -0.5), dose(5.0, 1.0, 1.0, 1.0)]

    said = verdicts.read_curve(proud, 0.5)
    assert said.title == "No strength makes the new sequence carry more of it."
    assert "by a probe that steering did not touch is -2.00" in said.text
    found = verdicts.read_curve(raised, 0.5)
    assert found.title == "Turning it up makes the new sequence carry more of it."
    assert "from -2.00, untouched, to +1.00 at strength 5, to -2.00 at most" in found.text
    means = raised[0].told["feature"]._replace(log_odds=2.5)
    also = [one._replace(told=one.told | {"difference_of_means": means}) for one in raised]
    assert "By the same judge the difference of means reaches +2.50." in verdicts.read_curve(also, 0.5).text
    assert "Proteins that carry the term have +3.00 (median)." in verdicts.read_curve(proud, 0.5, 3.0).text


def test_differences_are_outlined_in_both_lines_and_nothing_else() -> None:
    html = diff_html("MKVLAAGITRMKVLA", "MKVLAAGITRMKWLA")

    assert html.count("<b>") == 2  # V to W is radical
    assert diff_html("MKV", "MRV").count('<b class="near">') == 2  # K to R is not
    assert [re.sub("<[^>]*>?", " ", group).split() for group in html.replace(WHO, "").split('class="psd-n">')[1:]] == [
        ["1", "MKVLAAGITR", "MKVLAAGITR"],
        ["11", "MK", "V", "LA", "MK", "W", "LA"],
    ]
    shown = re.findall(r'<span class="psd-(who|n)">', html)
    assert shown == ["who", "n", "who", "n"]  # whichever group begins a line, the two sequences are named before it
    assert all(LINE % (GROUP * groups) == 0 for groups in ROOM)
    assert "120 residues in lines without a change" in diff_html("M" * 121, "M" * 120 + "K")


def test_log_odds_stand_at_their_residue() -> None:
    marked = traces(charts.log_odds(result(1, 1, 3, [1, 7]), "dark"))[1]

    assert marked["x"] == [2, 8]
    assert marked["customdata"] == ["K2W, radical", "I8W, radical"]
