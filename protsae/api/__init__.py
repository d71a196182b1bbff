"""A bundle for programs: from Python (`opened.py`) and over HTTP (`http.py`, `python -m protsae.api BUNDLE`).

    with protsae.open_bundle("assets/demo") as bundle:
        best = bundle.features("GO:0008270")[0]
        acts = bundle.activations("MKTAYIAKQR...", best.sae)

Nothing here is known to the other parts of the library. Importing it loads no torch; the first sequence does.
"""
