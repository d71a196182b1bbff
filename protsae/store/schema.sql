-- The contract between precompute (writes) and the explorer (reads). One store is one DuckDB file in a bundle. It holds
-- what every page needs; what goes beyond are analyses beside it (analysis.py).
--
-- Positions count residues from 1, as UniProt does. `split` follows homology clusters. An activation is the SAE's own
-- (in the units of its rescaled input) unless a comment says otherwise. Rows lie sorted by the columns named at the
-- end of each table's comment; the large tables carry no index, the order is what makes look-ups fast.

-- Facts about the store itself: schema_version, bundle_id, created_by, plm, layer, site, n_train_proteins, ...
CREATE TABLE meta (
    key    VARCHAR PRIMARY KEY,
    value  VARCHAR NOT NULL
);

-- Shipped proteins. Sorted by accession.
CREATE TABLE protein (
    accession     VARCHAR PRIMARY KEY,
    entry_name    VARCHAR NOT NULL,   -- '' where unknown
    protein_name  VARCHAR NOT NULL,   -- recommended name only; '' where unknown
    gene_names    VARCHAR NOT NULL,   -- separated by blanks; '' where unknown
    organism      VARCHAR NOT NULL,   -- '' where unknown
    cluster       VARCHAR NOT NULL,   -- representative of the homology cluster
    split         VARCHAR NOT NULL,   -- train | valid | test
    length        INTEGER NOT NULL,   -- residues
    sequence      VARCHAR NOT NULL    -- one-letter code, upper case
);

-- Residue annotations of shipped proteins (UniProt feature columns, ligand contacts). Sorted by accession, kind, start_pos.
CREATE TABLE annotation (
    accession  VARCHAR NOT NULL,
    kind       VARCHAR NOT NULL,      -- e.g. 'Active site', 'Transmembrane', 'Metal contact'
    label      VARCHAR NOT NULL,      -- the source's short note, '' where it has none
    start_pos  INTEGER NOT NULL,      -- first residue, 1-based
    end_pos    INTEGER NOT NULL,      -- last residue, included
    source     VARCHAR NOT NULL       -- uniprot | structure
);

-- All terms of the ontology, annotated or not. Sorted by go_id.
CREATE TABLE go_term (
    go_id                VARCHAR PRIMARY KEY,  -- GO:0008270
    name                 VARCHAR NOT NULL,
    namespace            VARCHAR NOT NULL,     -- MFO | BPO | CCO
    is_obsolete          BOOLEAN NOT NULL,
    information_content  DOUBLE,               -- -log2 of the share of annotated proteins; NULL where there is none
    n_train              INTEGER NOT NULL,     -- annotated proteins (closed under ancestors) that trained the SAEs
    n_valid              INTEGER NOT NULL,
    n_test               INTEGER NOT NULL,
    n_shipped            INTEGER NOT NULL      -- of the shipped proteins, any split
);

-- Exact and other synonyms, and alternative ids (scope 'ALT_ID'). Sorted by go_id.
CREATE TABLE go_synonym (
    go_id    VARCHAR NOT NULL,
    synonym  VARCHAR NOT NULL,
    scope    VARCHAR NOT NULL                  -- EXACT | NARROW | BROAD | RELATED | ALT_ID
);

-- Direct edges used for the closure. Sorted by child.
CREATE TABLE go_edge (
    child     VARCHAR NOT NULL,
    parent    VARCHAR NOT NULL,
    relation  VARCHAR NOT NULL                 -- is_a | part_of
);

-- GO annotations of shipped proteins, closed under ancestors. Sorted by go_id, accession.
CREATE TABLE protein_go (
    go_id      VARCHAR NOT NULL,
    accession  VARCHAR NOT NULL,
    is_direct  BOOLEAN NOT NULL,               -- false: follows from a descendant
    evidence   VARCHAR NOT NULL                -- EXP | IEA of the direct annotation, '' where it is inherited
);

-- The bundle's SAEs. Sorted by name.
CREATE TABLE sae (
    name                 VARCHAR PRIMARY KEY,  -- the folder below sae/, the value of `sae` in addresses; says nothing of what it is
    display_name         VARCHAR NOT NULL,     -- what pages call it, e.g. 'ProtSAE'
    role                 VARCHAR NOT NULL,     -- guided | unguided | imported: decides colours, words and comparisons
    architecture         VARCHAR NOT NULL,     -- one of protsae.sae, e.g. protsae, topk
    namespace            VARCHAR NOT NULL,     -- MFO | BPO | CCO, GO for all three: whose terms guide it; '' where none do
    d_model              INTEGER NOT NULL,
    d_sae                INTEGER NOT NULL,
    k                    INTEGER NOT NULL,
    n_defined            INTEGER NOT NULL,     -- guided features; they are features 0 .. n_defined - 1
    l0                   DOUBLE NOT NULL,      -- mean active features a residue, forced ones included, valid split
    l0_forced            DOUBLE NOT NULL,      -- of these, beyond the k of TopK: forced, or with thresholds of their own
    explained_variance   DOUBLE NOT NULL,      -- 1 - SSE/SST about the per-dimension mean, test split
    share_alive          DOUBLE NOT NULL       -- features that fire on at least one residue of the corpus, 0 to 1
);

-- One row a feature. Sorted by sae, feature.
CREATE TABLE feature (
    sae             VARCHAR NOT NULL,
    feature         INTEGER NOT NULL,          -- 0-based index in its SAE
    kind            VARCHAR NOT NULL,          -- defined | free
    go_id           VARCHAR,                   -- the guiding term of a defined feature, else NULL
    density         DOUBLE NOT NULL,           -- share of residues on which it fires, 0 to 1
    protein_density DOUBLE NOT NULL,           -- share of proteins in which it fires, 0 to 1
    max_act         DOUBLE NOT NULL,           -- over the corpus; 0 for a feature that never fires
    mean_act        DOUBLE NOT NULL,           -- over the residues on which it fires; 0 where none
    p99_act         DOUBLE NOT NULL,           -- 99th percentile of positive activations: the unit of steering strength
    p999_act        DOUBLE NOT NULL,           -- 99.9th percentile: normalised activation = min(1, act / p999_act)
    histogram       INTEGER[] NOT NULL,        -- residues in 40 equal bins over (0, max_act]; empty where it never fires
    aa_effect       REAL[] NOT NULL,           -- change of the 20 amino-acid logits for a unit activation, ARNDCQEGHILKMFPSTWYV, centred; empty where the language model predicts none
    aa_enrichment   REAL[] NOT NULL,           -- log2 of the amino acid's share among firing residues over its share in the corpus, same order
    umap_x          REAL,                      -- place of its decoder direction; NULL where it never fires
    umap_y          REAL,
    label           VARCHAR NOT NULL,          -- what the explorer calls it, without its number; '' where nothing aligns
    label_id        VARCHAR NOT NULL,          -- the GO id or the kind of annotation that is meant; '' where nothing is
    label_origin    VARCHAR NOT NULL,          -- guided | go | annotation | none: where the label comes from
    label_grade     VARCHAR NOT NULL,          -- strong | weak: that very alignment holds on test; none: the label is a guess
    label_f1        REAL,                      -- test F1 of that alignment, from feature_go or feature_annotation; NULL where it has none
    label_null_f1   REAL                       -- the same with shuffled labels
);

-- What is reached for a term without any feature, on the test proteins of feature_go: all terms that are scored or guide
-- a feature. AUROCs are NULL where they were not measured, or train, valid or test lack a positive or a negative.
-- Sorted by go_id.
CREATE TABLE term_baseline (
    go_id              VARCHAR PRIMARY KEY,
    n_train            INTEGER,                -- proteins with an annotation in the term's sub-ontology: the others say nothing
    n_valid            INTEGER,
    n_test             INTEGER,
    all_positive_f1    REAL,                   -- F1 of calling every protein positive
    composition_auroc  REAL,                   -- logistic regression on the 20 amino-acid shares and log length
    probe_auroc        REAL,                   -- logistic regression on the PLM's mean state; both fitted on train, penalty by valid
    neuron_auroc       REAL                    -- dimension of the PLM's mean state, and its sign, with the best AUROC on train
);

-- Protein-level alignment of features with GO terms. For every term the best feature of each SAE, for every defined
-- feature its own term, for every feature its three best terms. Feature, pooling and threshold were chosen on valid and
-- frozen; test_* are what they score on the test split. Sorted by sae, feature.
CREATE TABLE feature_go (
    sae              VARCHAR NOT NULL,
    feature          INTEGER NOT NULL,
    go_id            VARCHAR NOT NULL,
    is_guiding       BOOLEAN NOT NULL,         -- the feature is this term's defined feature
    is_best_for_term BOOLEAN NOT NULL,         -- no other feature of this SAE has a higher valid F1 for the term
    rank_in_feature  INTEGER NOT NULL,         -- 1 = the feature's best term by gain: valid F1 less that of calling all positive
    pooling          VARCHAR NOT NULL,         -- max | mean: how residue activations become the protein's score
    threshold        DOUBLE NOT NULL,          -- the protein is called positive where its score exceeds it
    valid_f1         REAL NOT NULL,
    test_precision   REAL NOT NULL,
    test_recall      REAL NOT NULL,
    test_f1          REAL NOT NULL,
    test_f1_low      REAL NOT NULL,            -- 95 % bootstrap interval over proteins
    test_f1_high     REAL NOT NULL,
    test_auroc       REAL,                     -- NULL where the test split has no positive or no negative
    test_auroc_low   REAL,                     -- 95 % bootstrap interval over the same resamples; NULL where not measured
    test_auroc_high  REAL,
    null_f1          REAL NOT NULL,            -- the same choice and score after shuffling the labels over proteins
    n_pos_valid      INTEGER NOT NULL,
    n_pos_test       INTEGER NOT NULL,
    grade            VARCHAR NOT NULL          -- strong | weak | none: how far the alignment holds (grades.py has the rule)
);

-- For every term the paired difference of the two features that it is compared by: of a guided SAE the feature that it
-- guides, else that SAE's best; of one without guidance the best. Sorted by go_id.
CREATE TABLE feature_difference (
    go_id            VARCHAR NOT NULL,
    sae              VARCHAR NOT NULL,         -- guided
    feature          INTEGER NOT NULL,
    other_sae        VARCHAR NOT NULL,         -- unguided or imported
    other_feature    INTEGER NOT NULL,
    difference       REAL NOT NULL,            -- test_f1 of the one less that of the other
    difference_low   REAL NOT NULL,            -- 95 % bootstrap interval over proteins, both features on the same resamples
    difference_high  REAL NOT NULL
);

-- Residue-level alignment of features with annotation kinds; the columns mean the same, with residues in place of
-- proteins, recall counted per annotated region, threshold as a share of max_act. Sorted by sae, feature.
CREATE TABLE feature_annotation (
    sae                 VARCHAR NOT NULL,
    feature             INTEGER NOT NULL,
    kind                VARCHAR NOT NULL,
    is_best_for_kind    BOOLEAN NOT NULL,
    rank_in_feature     INTEGER NOT NULL,
    threshold           DOUBLE NOT NULL,       -- one of 0, .15, .5, .6, .8 of max_act
    valid_f1            REAL NOT NULL,
    test_precision      REAL NOT NULL,
    test_recall         REAL NOT NULL,
    test_f1             REAL NOT NULL,
    test_f1_low         REAL NOT NULL,
    test_f1_high        REAL NOT NULL,
    test_auroc          REAL,
    null_f1             REAL NOT NULL,
    n_pos_valid         INTEGER NOT NULL,      -- annotated residues
    n_pos_test          INTEGER NOT NULL,
    grade               VARCHAR NOT NULL
);

-- What is reached for a kind of residue annotation without any feature, on the test residues of feature_annotation.
-- Sorted by kind.
CREATE TABLE kind_baseline (
    kind              VARCHAR PRIMARY KEY,
    all_positive_f1   REAL,                    -- F1 of calling every residue positive; recall counts regions, as above
    amino_acid_auroc  REAL                     -- AUROC of the share of the residue's letter within the kind, counted on train
);

-- Which proteins are shown for each feature. By the strongest residue: top | high (50-75 % quantile of protein maxima) |
-- low (below 25 %) | 3d (the strongest others with a structure). Where label_id is the guiding term, or a GO term that
-- holds, by the score that it is judged by, among proteins annotated in its sub-ontology: with (the highest that carry
-- it) | without (the highest that do not) | silent (the lowest that carry it and are not called); the last of with and
-- without has a structure where the others have none. Sorted by sae, feature, band, rank.
CREATE TABLE example_band (
    sae        VARCHAR NOT NULL,
    feature    INTEGER NOT NULL,
    band       VARCHAR NOT NULL,
    rank       INTEGER NOT NULL,               -- 1 = first of its band
    accession  VARCHAR NOT NULL,
    score      REAL NOT NULL                   -- what the band is sorted by: the protein's maximum, or its pooled score
);

-- These proteins with all residues on which the feature fires; no row where it is silent. Sorted by sae, feature,
-- accession.
CREATE TABLE example (
    sae        VARCHAR NOT NULL,
    feature    INTEGER NOT NULL,
    accession  VARCHAR NOT NULL,
    peak_act   REAL NOT NULL,                  -- maximum over the protein's residues
    peak_pos   INTEGER NOT NULL,
    positions  USMALLINT[] NOT NULL,           -- active residues, 1-based, ascending
    acts       UTINYINT[] NOT NULL             -- their activations as act / max_act * 255, rounded up; never 0
);

-- The features that fire most alike over proteins, within the SAE and in the others. Sorted by sae, feature.
CREATE TABLE neighbour (
    sae            VARCHAR NOT NULL,
    feature        INTEGER NOT NULL,
    other_sae      VARCHAR NOT NULL,
    other_feature  INTEGER NOT NULL,
    correlation    REAL,                       -- of the proteins' mean activations; NULL where it was not measured
    cosine         REAL NOT NULL,              -- of the decoder directions
    rank           INTEGER NOT NULL            -- 1 = most alike within other_sae
);

-- Structures, experimental or predicted, one chain a protein, renumbered 1, 2, 3, ... over the modelled residues. Sorted
-- by accession.
CREATE TABLE structure (
    accession       VARCHAR NOT NULL,
    pdb_id          VARCHAR NOT NULL,
    chain           VARCHAR NOT NULL,
    atoms           VARCHAR NOT NULL,          -- full | ca
    resolution      DOUBLE,                    -- angstrom; NULL where the method has none
    identity        DOUBLE NOT NULL,           -- of the modelled chain to the sequence over aligned residues, 0 to 1
    coverage        DOUBLE NOT NULL,           -- share of the sequence that is modelled, 0 to 1
    positions       INTEGER[] NOT NULL,        -- UniProt position of the 1st, 2nd, ... modelled residue; 0 = not in the sequence
    author_numbers  VARCHAR[] NOT NULL,        -- the structure's own residue numbers, insertion codes included
    pdb             BLOB NOT NULL              -- gzipped PDB text: chain A, backbone or C-alpha atoms, then ligands
);
