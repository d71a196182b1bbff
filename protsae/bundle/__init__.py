"""The bundle: one folder that holds all an explorer needs. Its format has one owner, this package.

    store.duckdb                              what every page needs: the tables of protsae/store/schema.sql
    analyses/<name>/{analysis.json, *.parquet}    what goes beyond, see protsae/store/analyses/
    sae/<name>/{cfg.json, sae.safetensors}    the SAEs
    plm.json, plm.safetensors                 which language model, layer and site; its weights where they are shipped
    manifest.json                             hashes of these files, versions, seeds, settings, inputs, metrics

Read `layout.py`, then `opening.py` (the one validator), then `building.py` (how a bundle appears and changes).
Opening a bundle imports no torch.
"""
