"""The HTTP API on the made-up bundle: answers are the store's and the models', refusals one sentence."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the HTTP API needs the extra `api`")

from fastapi.testclient import TestClient

from protsae.api.__main__ import main
from protsae.api.http import create_app
from protsae.api.limits import Limits, Turnstile
from protsae.api.opened import OpenBundle, open_bundle
from protsae.errors import ConfigError, ProtSAEError

GUIDED = "protsae_mfo"
LIMITS = Limits(residues=200, rows=30, features=3, body_bytes=4000)


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Iterator[OpenBundle]:
    with open_bundle(tiny_bundle, device="cpu") as opened:
        yield opened


@pytest.fixture(scope="module")
def client(bundle: OpenBundle) -> TestClient:
    return TestClient(create_app(bundle, LIMITS))


@pytest.fixture
def sequence(bundle: OpenBundle) -> str:
    return min(bundle.reader.sequence_index()["sequence"].tolist(), key=len)


def test_what_is_served(client: TestClient, bundle: OpenBundle) -> None:
    said = client.get("/bundle").json()
    assert (said["bundle_id"], said["layer"]) == ("tiny", bundle.plm.layer)
    assert [sae["name"] for sae in said["saes"]] == [row.name for row in bundle.saes()]


def test_features_of_a_term_are_the_stores(client: TestClient, bundle: OpenBundle) -> None:
    go_id = bundle.reader.guiding_features(GUIDED)[0].go_id
    rows = client.get("/features", params={"term": go_id}).json()
    expected = bundle.features(go_id)
    assert [(r["sae"], r["feature"], r["test_f1"], r["null_f1"], r["grade"]) for r in rows] == [
        (r.sae, r.feature, r.test_f1, r.null_f1, r.grade) for r in expected
    ]


def test_a_search_finds_by_kind(client: TestClient, bundle: OpenBundle) -> None:
    found = client.get("/search", params={"text": "binding", "limit": 2}).json()
    assert [term["go_id"] for term in found["terms"]] == [hit.go_id for hit in bundle.search("binding", 2).terms]
    assert set(found) == {"terms", "features", "proteins"}


def test_a_sequence_is_annotated_as_from_python(client: TestClient, bundle: OpenBundle, sequence: str) -> None:
    said = client.post("/annotate", json={"sequence": f">x\n{sequence}", "sae": GUIDED, "limit": 5}).json()
    found = bundle.activations(sequence, GUIDED)
    assert said["sequence"] == sequence
    assert [one["feature"] for one in said["features"]] == [one.feature for one in bundle.firing(found, 5)]
    for one in said["features"]:
        values = found.of(one["feature"])
        assert one["positions"] == (values.nonzero()[0] + 1).tolist()
        assert one["acts"] == pytest.approx(values[values > 0].tolist(), abs=1e-4)
    called = [(call.term.go_id, call.score) for call in bundle.calls(found)][:5]
    assert {term["go_id"]: term["score"] for term in said["terms"]} == pytest.approx(dict(called))


def test_steering_gives_what_python_gives(client: TestClient, bundle: OpenBundle, sequence: str) -> None:
    feature = bundle.firing(bundle.activations(sequence, "vanilla"), 1)[0].feature
    asked = {"sequence": sequence, "sae": "vanilla", "features": [feature], "strength": 5}
    said = client.post("/steer", json=asked).json()
    made = bundle.steer(sequence, feature, "vanilla", strength=5)
    assert (said["steered"], said["changed"]) == (made.steered, (made.changed + 1).tolist())
    assert said["features"][0]["max_after"] == pytest.approx(made.after[0].max_act)


@pytest.mark.parametrize(
    ("path", "body", "code", "said"),
    [
        ("/annotate", {"sequence": "M" * 201}, 400, "200"),
        ("/annotate", {"sequence": "MKT1*AYI?"}, 400, ""),
        ("/annotate", {"sequence": "MKTAYIAK", "sae": "none"}, 404, "There is no SAE 'none'"),
        ("/annotate", {"sequences": "MKTAYIAK"}, 422, "body.sequence"),
        ("/annotate", {"sequence": "MKTAYIAK", "limit": 0}, 422, "body.limit"),
        ("/annotate", {"sequence": "M" * 5000}, 413, "at most 4,000 are read"),
        ("/steer", {"sequence": "MKTAYIAK", "features": [1, 2, 3, 4]}, 400, "4 features were given; at most 3"),
        ("/steer", {"sequence": "MKTAYIAK", "features": [9999]}, 404, "There is no feature 9999"),
        ("/steer", {"sequence": "MKTAYIAK", "features": []}, 422, "body.features"),
        ("/steer", {"sequence": "MKTAYIAK", "features": [1], "strength": 1000}, 422, "body.strength"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    client: TestClient, path: str, body: dict[str, object], code: int, said: str
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == code, answer.text
    assert set(answer.json()) == {"error"}
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_a_term_that_is_not_there(client: TestClient) -> None:
    answer = client.get("/features", params={"term": "GO:9999999"})
    assert (answer.status_code, "no GO term 'GO:9999999'" in answer.json()["error"]) == (404, True)
    assert client.get("/search").status_code == 422


def test_a_body_of_unknown_length_is_not_read(client: TestClient) -> None:
    answer = client.post("/annotate", content=iter([b"{}"]))
    assert answer.status_code == 411


def test_one_too_many_is_told_to_come_back(bundle: OpenBundle, sequence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    turnstile = Turnstile(1)
    monkeypatch.setattr("protsae.api.http.Turnstile", lambda _n: turnstile)
    busy = TestClient(create_app(bundle, Limits(concurrent=1)))
    with turnstile.enter():
        answer = busy.post("/annotate", json={"sequence": sequence})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert busy.post("/annotate", json={"sequence": sequence}).status_code == 200


def test_openapi_describes_every_way_in_and_asks_no_network(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/bundle", "/features", "/search", "/annotate", "/steer"}
    assert client.get("/docs").status_code == 404


def test_limits_below_one_and_missing_bundles_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="rows must be at least 1, got 0"):
        Limits(rows=0)
    assert main([str(tmp_path / "none")]) == 2
    assert "There is no bundle at" in capsys.readouterr().err
    assert issubclass(ConfigError, ProtSAEError)
