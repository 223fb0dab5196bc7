-- One study's results. Written by one process; see contract.py for the promises.
-- Each row ends with a digest of its other columns; see digests.py.
CREATE TABLE header (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,             -- JSON
    digest BLOB NOT NULL
) STRICT;

CREATE TABLE run (
    arm TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'diverged', 'failed')),
    engine TEXT NOT NULL,
    parameters INTEGER NOT NULL,
    flops INTEGER NOT NULL,
    peak_memory INTEGER NOT NULL,    -- bytes
    memory_source TEXT NOT NULL,
    epochs INTEGER NOT NULL,
    best_epoch INTEGER,
    valid_best REAL,
    valid_final REAL,
    test_loss REAL,
    test_correct INTEGER,
    test_total INTEGER,
    steps_per_second REAL,
    seconds_per_epoch REAL,
    message TEXT,
    stuck INTEGER NOT NULL CHECK (stuck = 0 OR (stuck = 1 AND status = 'done')),
    train_best REAL,                 -- of all training images
    train_final REAL,
    evaluation_seconds_per_epoch REAL,
    processor TEXT,
    temperature REAL,                -- fitted on the validation set
    calibration_error REAL,          -- on the test set, at that temperature
    host TEXT,
    digest BLOB NOT NULL,
    PRIMARY KEY (arm, seed),
    CHECK (status <> 'done' OR ifnull(test_loss >= 0 AND test_correct BETWEEN 0 AND test_total AND test_total > 0, 0))
) STRICT;

CREATE TABLE epoch (
    arm TEXT NOT NULL,
    seed INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    train_loss REAL,                 -- NULL stands for not a number
    train_accuracy REAL NOT NULL,
    valid_loss REAL,
    valid_accuracy REAL NOT NULL,
    seconds REAL NOT NULL,
    steps_per_second REAL NOT NULL,
    evaluation_seconds REAL,
    digest BLOB NOT NULL,
    PRIMARY KEY (arm, seed, epoch)
) STRICT;

CREATE TABLE layer (                 -- in the order of the network
    arm TEXT NOT NULL,
    seed INTEGER NOT NULL,
    epoch INTEGER NOT NULL,          -- 0 is before the first step
    layer TEXT NOT NULL,
    weight_norm REAL,                -- NULL where a layer has no such thing, infinity where it is not finite
    gradient_norm REAL,
    decay_norm REAL,
    update_ratio REAL,
    loss_ratio REAL,
    dead_share REAL,
    spread REAL NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (arm, seed, epoch, layer)
) STRICT;

CREATE TABLE answer (
    arm TEXT NOT NULL,
    seed INTEGER NOT NULL,
    correct BLOB NOT NULL,           -- one bit per test example, numpy.packbits
    predicted BLOB NOT NULL,         -- one byte per test example
    digest BLOB NOT NULL,
    PRIMARY KEY (arm, seed)
) STRICT;

CREATE TABLE test_opening (
    arm TEXT NOT NULL,
    seed INTEGER NOT NULL,
    at TEXT NOT NULL,                -- UTC
    digest BLOB NOT NULL
) STRICT;
