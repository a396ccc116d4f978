-- The table of jobs in SQLite, version 1. Times are seconds since 1970; lists are JSON.

CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    request TEXT NOT NULL,
    idempotency_key TEXT,
    digest TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    expires REAL,
    expired REAL,
    files INTEGER NOT NULL,
    files_planned INTEGER NOT NULL DEFAULT 0,
    files_failed INTEGER NOT NULL DEFAULT 0,
    pages_total INTEGER NOT NULL DEFAULT 0,
    pages_running INTEGER NOT NULL DEFAULT 0,
    pages_done INTEGER NOT NULL DEFAULT 0,
    pages_failed INTEGER NOT NULL DEFAULT 0,
    open_tasks INTEGER NOT NULL,        -- `plan` and `read` tasks that have not ended
    waiting INTEGER NOT NULL DEFAULT 0, -- tasks that nobody holds, due or not
    places INTEGER NOT NULL DEFAULT 0,  -- the place of the last task
    sequence INTEGER NOT NULL DEFAULT 1,
    tag REAL NOT NULL DEFAULT 0,        -- see decisions.py
    problem TEXT
);
CREATE UNIQUE INDEX jobs_by_key ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_by_owner ON jobs (owner, number);
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE INDEX jobs_by_tag ON jobs (owner, tag, number) WHERE waiting > 0;
CREATE INDEX jobs_by_end ON jobs (expires) WHERE expires IS NOT NULL;

CREATE TABLE files (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    name TEXT NOT NULL, -- JSON
    size INTEGER NOT NULL,
    pages INTEGER,
    problem TEXT,
    PRIMARY KEY (job, number)
) WITHOUT ROWID;

CREATE TABLE pages (
    job INTEGER NOT NULL,
    file INTEGER NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    attempts INTEGER NOT NULL DEFAULT 0,
    sequence INTEGER NOT NULL,
    elapsed_ms REAL NOT NULL DEFAULT 0,
    problem TEXT,
    PRIMARY KEY (job, file, number)
) WITHOUT ROWID;
CREATE INDEX pages_by_sequence ON pages (job, sequence);

CREATE TABLE tasks (
    number INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    place INTEGER NOT NULL,           -- order within the job
    kind TEXT NOT NULL,
    file INTEGER NOT NULL DEFAULT 0,
    pages TEXT NOT NULL DEFAULT '[]', -- those that are still to be read
    attempt INTEGER NOT NULL DEFAULT 1,
    since REAL NOT NULL DEFAULT 0,    -- it is not given out between these two times
    until REAL NOT NULL DEFAULT 0,
    lease TEXT UNIQUE,
    worker TEXT,
    beat INTEGER NOT NULL DEFAULT 0,
    begun INTEGER NOT NULL DEFAULT 0  -- whether a page has been begun under this lease
);
CREATE INDEX tasks_waiting ON tasks (job, place) WHERE lease IS NULL;
CREATE INDEX tasks_by_job ON tasks (job);

CREATE TABLE owners (
    owner TEXT PRIMARY KEY,
    tag REAL NOT NULL,
    virtual REAL NOT NULL -- the virtual time among the owner's jobs
) WITHOUT ROWID;

CREATE TABLE figures (
    virtual REAL NOT NULL, -- the virtual time among owners
    expired_leases INTEGER NOT NULL,
    retries INTEGER NOT NULL
);
INSERT INTO figures VALUES (0, 0, 0);
