"""A bundle over HTTP, as JSON: look-ups, a sequence's features, steering. `/openapi.json` describes it.

    GET  /bundle                                          what is served
    GET  /features?term=GO:0008270                        features of a term
    GET  /search?text=zinc                                terms, features, proteins
    POST /annotate {"sequence": "MKT..."}                 features that fire, terms that are called
    POST /steer {"sequence": "MKT...", "features": [7]}   what raising features writes

Nothing of a request is kept. Every refusal is `{"error": "one sentence"}`: 400 what cannot be answered, 404 what is not
there, 413 a body that is too large, 422 a body of another form, 503 where all models are busy. Needs the extra `api`.

Read `create_app`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated as With
from typing import Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from protsae.api import answers
from protsae.api.limits import BusyError, Limits, Turnstile
from protsae.api.opened import Activations, OpenBundle
from protsae.errors import InputError, ProtSAEError
from protsae.sequences import clean_sequence

NOT_THERE = ("There is no", "is not in this bundle")
_REFUSALS: dict[int | str, dict[str, Any]] = {code: {"model": answers.Refusal} for code in (400, 404, 413, 422, 503)}


def create_app(bundle: OpenBundle, limits: Limits | None = None) -> FastAPI:
    """The application over an open bundle.

    Args:
        bundle: stays open as long as the application runs.
        limits: what is let through.
    """
    limits = limits or Limits()
    app = FastAPI(title="ProtSAE", version="1", docs_url=None, redoc_url=None, responses=_REFUSALS)
    _add_refusals(app, limits)
    _add_look_ups(app, bundle, limits)
    _add_models(app, bundle, limits)
    return app


def _add_look_ups(app: FastAPI, bundle: OpenBundle, limits: Limits) -> None:
    @app.get("/bundle")
    def about() -> answers.BundleAnswer:
        """What is served."""
        plm = bundle.plm
        saes = [answers.SAEAnswer(**_of(row, answers.SAEAnswer)) for row in bundle.saes()]
        return answers.BundleAnswer(
            bundle_id=bundle.reader.meta().get("bundle_id", ""),
            language_model=plm.shown,
            layer=plm.layer,
            site=plm.site,
            licence=plm.licence,
            saes=saes,
        )

    @app.get("/features")
    def features(
        term: With[str, Query(max_length=200, description="GO id or name.")], sae: str | None = None
    ) -> list[answers.FeatureOfTerm]:
        """Of each SAE the feature that a term guides and the one that fits it best."""
        rows = bundle.features(term, sae)[: limits.rows]
        return [answers.FeatureOfTerm(**_of(row, answers.FeatureOfTerm)) for row in rows]

    @app.get("/search")
    def search(
        text: With[str, Query(min_length=1, max_length=200)], limit: With[int, Query(ge=1)] = 20
    ) -> answers.FoundAnswer:
        """Terms, features and proteins that match a text."""
        found = bundle.search(text, min(limit, limits.rows))
        return answers.FoundAnswer(
            terms=[answers.TermAnswer(**_of(row, answers.TermAnswer)) for row in found.terms],
            features=[answers.LabelledFeature(**_of(row, answers.LabelledFeature)) for row in found.features],
            proteins=[answers.ProteinAnswer(**_of(row, answers.ProteinAnswer)) for row in found.proteins],
        )


def _add_models(app: FastAPI, bundle: OpenBundle, limits: Limits) -> None:
    turnstile = Turnstile(limits.concurrent)

    @app.post("/annotate")
    def annotate(asked: answers.AnnotateAsked) -> answers.Annotated:
        """Features that fire on a sequence, the most unusual first, and the terms that guided ones call."""
        letters = clean_sequence(asked.sequence, max_residues=limits.residues).sequence
        with turnstile.enter():
            found = bundle.activations(letters, asked.sae)
            return _annotated(bundle, found, min(asked.limit, limits.rows))

    @app.post("/steer")
    def steer(asked: answers.SteerAsked) -> answers.Steered:
        """Raise features inside the language model and read what it writes instead."""
        letters = clean_sequence(asked.sequence, max_residues=limits.residues).sequence
        if len(asked.features) > limits.features:
            raise InputError(f"{len(asked.features)} features were given; at most {limits.features} may be raised.")
        with turnstile.enter():
            made = bundle.steer(letters, asked.features, asked.sae, strength=asked.strength)
        return answers.Steered(
            original=made.original,
            steered=made.steered,
            changed=(made.changed + 1).tolist(),
            perplexity_before=made.perplexity_before,
            perplexity_after=made.perplexity_after,
            features=[
                answers.ReadOut(feature=before.feature, max_before=before.max_act, max_after=after.max_act)
                for before, after in zip(made.before, made.after, strict=True)
            ],
        )


def _annotated(bundle: OpenBundle, found: Activations, limit: int) -> answers.Annotated:
    firing = []
    for one in bundle.firing(found, limit):
        row, values = bundle.feature(found.sae, one.feature), found.of(one.feature)
        places = values.nonzero()[0]
        firing.append(
            answers.Firing(
                feature=one.feature,
                label=row.label,
                label_grade=row.label_grade,
                peak=one.peak,
                position=one.position,
                n_active=one.n_active,
                surprise=one.surprise,
                positions=(places + 1).tolist(),
                acts=[round(float(value), 5) for value in values[places]],
            )
        )
    calls = [
        answers.Called(
            go_id=call.term.go_id,
            term_name=call.term.term_name,
            feature=call.term.feature,
            score=call.score,
            threshold=call.term.threshold,
            test_precision=call.term.test_precision,
        )
        for call in bundle.calls(found)[:limit]
    ]
    return answers.Annotated(sequence=found.sequence, sae=found.sae, features=firing, terms=calls)


def _of(row: Any, kind: type[Any]) -> dict[str, Any]:
    return dict(answers.fields_of(row, kind))


def _add_refusals(app: FastAPI, limits: Limits) -> None:
    @app.middleware("http")
    async def bounded(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        """Bodies of a stated length only, and none beyond the limit."""
        size = request.headers.get("content-length", "0" if request.method in {"GET", "HEAD"} else "")
        if not size.isdigit():
            return _refused(411, "The request does not state the length of its body; send Content-Length.")
        if int(size) > limits.body_bytes:
            return _refused(413, f"The body has {int(size):,} bytes; at most {limits.body_bytes:,} are read.")
        return await call(request)

    @app.exception_handler(ProtSAEError)
    def mendable(_request: Request, error: Exception) -> JSONResponse:
        sentence = str(error)
        if isinstance(error, BusyError):
            return _refused(503, sentence, {"Retry-After": "5"})
        is_missing = isinstance(error, InputError) and any(part in sentence for part in NOT_THERE)
        return _refused(404 if is_missing else 400, sentence)

    @app.exception_handler(RequestValidationError)
    def misformed(_request: Request, error: Exception) -> JSONResponse:
        first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
        where = ".".join(str(part) for part in first.get("loc", ()))
        return _refused(422, f"{where or 'The request'}: {first.get('msg', 'is of another form')}.")


def _refused(code: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=code, headers=dict(headers or {}))
