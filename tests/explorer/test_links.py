"""Links and addresses: what is built comes back, what is wrong is said in one sentence."""

from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from explorer.shell import links
from protsae.errors import InputError
from protsae.store.rows import SAERow

SAES = [
    SAERow("protsae_mfo", "ProtSAE MFO", "guided", "protsae", "MFO", 32, 64, 8, 9, 8.0, 0.5, 0.8, 0.9),
    SAERow("vanilla", "Vanilla", "unguided", "topk", "", 32, 100, 8, 0, 8.0, 0.0, 0.8, 0.9),
]


@pytest.mark.parametrize(
    ("link", "url"),
    [
        (links.find(), "./"),
        (links.find("zinc & co"), "./?q=zinc+%26+co"),
        (links.feature("vanilla", 7), "./feature?sae=vanilla&feature=7"),
        (links.feature("vanilla", 7, band="low", protein="P1"), "./feature?sae=vanilla&feature=7&band=low&protein=P1"),
        (links.compare("GO:0008270"), "./compare?go=GO%3A0008270"),
        (links.map_of("vanilla", "f1"), "./map?sae=vanilla&colour=f1"),
        (links.steer("vanilla", 7), "./steer?sae=vanilla&feature=7"),
    ],
)
def test_an_address_is_built(link: links.Link, url: str) -> None:
    assert link.url == url
    assert link.script == f"app_pages/{link.page}.py"


@pytest.mark.parametrize("base", ["", "lab/protsae/", "user/ada/proxy/8501/"])
@pytest.mark.parametrize("page", ["", *(name for name in links.PAGES if name != "find")])
def test_every_link_stays_under_the_base_from_every_page(base: str, page: str) -> None:
    here = f"https://host/{base}{page}?sae=vanilla"

    assert urljoin(here, links.find("zinc").url) == f"https://host/{base}?q=zinc"
    assert urljoin(here, links.find().url) == f"https://host/{base}"
    assert urljoin(here, links.feature("vanilla", 7).url) == f"https://host/{base}feature?sae=vanilla&feature=7"


def test_a_feature_link_reads_back() -> None:
    query = parse_qs(urlsplit(links.feature("vanilla", 99).url).query)

    assert links.read_feature({name: values[0] for name, values in query.items()}, SAES) == ("vanilla", 99)


def test_no_feature_in_the_address_is_no_error() -> None:
    assert links.read_feature({"sae": "vanilla"}, SAES) is None


@pytest.mark.parametrize("value", ["abc", "-1", "64", "1.0", "", "٣"])
def test_a_bad_feature_number_is_quoted(value: str) -> None:
    with pytest.raises(InputError, match="no feature of protsae_mfo; its features are numbered 0 to 63") as caught:
        links.read_feature({"sae": "protsae_mfo", "feature": value}, SAES)
    assert repr(value) in str(caught.value)


def test_a_number_too_long_for_python_is_quoted_in_short() -> None:
    with pytest.raises(InputError, match="no feature of vanilla") as caught:
        links.read_feature({"sae": "vanilla", "feature": "9" * 5000}, SAES)
    assert len(str(caught.value)) < 150
    assert links.read_feature({"sae": "vanilla", "feature": "0" * 5000 + "7"}, SAES) == ("vanilla", 7)


def test_an_unknown_autoencoder_is_quoted() -> None:
    with pytest.raises(InputError, match="no autoencoder 'nope'; it has protsae_mfo, vanilla"):
        links.read_sae({"sae": "nope"}, SAES)


def test_a_feature_without_autoencoder_is_refused() -> None:
    with pytest.raises(InputError, match="names feature '3' but no autoencoder"):
        links.read_feature({"feature": "3"}, SAES)


def test_choices() -> None:
    assert links.read_choice({}, "band", ["top", "low"]) == "top"
    assert links.read_choice({"band": "low"}, "band", ["top", "low"]) == "low"
    with pytest.raises(InputError, match="band='x' is not known here; choose top, low"):
        links.read_choice({"band": "x"}, "band", ["top", "low"])


@pytest.mark.parametrize(
    ("text", "go_id"),
    [
        ("GO:0008270", "GO:0008270"),
        (" go:0008270 ", "GO:0008270"),
        ("0008270", "GO:0008270"),
        ("GO:8270", "GO:0008270"),
        ("8270", None),
        ("zinc", None),
    ],
)
def test_go_ids_are_recognised(text: str, go_id: str | None) -> None:
    assert links.go_id_in(text) == go_id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("vanilla #70", [("vanilla", 70)]),
        ("#7", [("protsae_mfo", 7), ("vanilla", 7)]),
        ("mfo 7", [("protsae_mfo", 7)]),
        ("feature 99", [("vanilla", 99)]),
        ("zinc", []),
        ("P00330", []),
        ("0008270", []),
    ],
)
def test_features_are_found_by_number(text: str, found: list[tuple[str, int]]) -> None:
    assert links.feature_in(text, SAES) == found
