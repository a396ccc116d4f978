"""Variables that the service does not take."""

from __future__ import annotations

from tests.deploy.kubernetes.mutants.draft import Mutant, drop, put, without

MUTANTS = [
    Mutant(
        "setting misspelt", "no setting CRNN_OCR_WROKERS", lambda d: put(d.settings, CRNN_OCR_WROKERS="2")
    ),
    Mutant("setting without its prefix", "no setting WORKERS", lambda d: put(d.settings, WORKERS="2")),
    Mutant(
        "value out of range",
        "would not start: CRNN_OCR_WORKERS",
        lambda d: put(d.settings, CRNN_OCR_WORKERS="0"),
    ),
    Mutant(
        "value of another kind",
        "would not start: CRNN_OCR_MAX_PIXELS",
        lambda d: put(d.settings, CRNN_OCR_MAX_PIXELS="5e7"),
    ),
    Mutant("origin that is none", "would not start", lambda d: put(d.settings, CRNN_OCR_CORS_ORIGINS="*")),
    Mutant(
        "given twice",
        "CRNN_OCR_LOG_FORMAT is given twice",
        lambda d: d.container["env"].append({"name": "CRNN_OCR_LOG_FORMAT", "value": "text"}),
    ),
    Mutant("reached by nobody", "where nobody reaches it", lambda d: drop(d.settings, "CRNN_OCR_HOST")),
    Mutant("another port", "listens on port 8000", lambda d: put(d.settings, CRNN_OCR_PORT="8000")),
    Mutant(
        "another container port",
        "listens on port 5000, which",
        lambda d: put(d.container["ports"][0], containerPort=8000),
    ),
    Mutant("no keys", "neither keys nor", lambda d: without(d.container["env"], "CRNN_OCR_API_KEYS_FILE")),
    Mutant("keys and none", "or both", lambda d: put(d.settings, CRNN_OCR_ALLOW_ANONYMOUS="true")),
    Mutant(
        "keys elsewhere",
        "does not lie in a Secret",
        lambda d: put(d.variable("CRNN_OCR_API_KEYS_FILE"), value="/etc/keys"),
    ),
    Mutant("keys to be written", "mounted to be read", lambda d: drop(d.mount("keys"), "readOnly")),
    Mutant(
        "models elsewhere",
        "no volume is mounted at CRNN_OCR_MODELS_DIR",
        lambda d: put(d.settings, CRNN_OCR_MODELS_DIR="/packs"),
    ),
    Mutant(
        "models not used", "CRNN_OCR_MODELS_DIR is not set", lambda d: drop(d.settings, "CRNN_OCR_MODELS_DIR")
    ),
    Mutant("models to be written", "could be written", lambda d: drop(d.mount("models"), "readOnly")),
    Mutant(
        "Redis that is none",
        "would not start",
        lambda d: [
            drop(d.variable("CRNN_OCR_REDIS_URL"), "valueFrom"),
            put(d.variable("CRNN_OCR_REDIS_URL"), value="redis"),
        ],
    ),
]
