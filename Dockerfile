# The image of crnn-ocr (docs/docker.md). From the repository's root: docker build --tag crnn-ocr .
# Behind a mirror of PyPI: --build-arg PIP_INDEX_URL=… (PIP_TRUSTED_HOST and PIP_EXTRA_INDEX_URL likewise).
ARG PYTHON_IMAGE=python:3.11-slim

# ---- what is installed: locked versions, checked by their hashes, without what the service never uses
FROM ${PYTHON_IMAGE} AS installed
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY deploy/docker/requirements.txt deploy/docker/build.txt ./
RUN python -m venv --without-pip /opt/crnn-ocr \
 && python -m pip --python /opt/crnn-ocr/bin/python install \
      --no-deps --no-compile --only-binary :all: --require-hashes --requirement requirements.txt \
 && python -m pip install --no-compile --only-binary :all: --require-hashes --requirement build.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
 && python -m pip --python /opt/crnn-ocr/bin/python install --no-deps --no-compile --no-index wheels/*.whl
COPY deploy/docker/slim.py deploy/docker/bill.py ./
RUN python slim.py /opt/crnn-ocr \
 && mkdir /opt/crnn-ocr/share \
 && cyclonedx-py environment --output-reproducible --no-validate --pyproject pyproject.toml \
      --output-file /opt/crnn-ocr/share/sbom.cdx.json /opt/crnn-ocr/bin/python \
 && /opt/crnn-ocr/bin/python -B bill.py /opt/crnn-ocr/share/sbom.cdx.json
# The kernel keeps a signal from process 1 until it has a handler: this one is there before the server's.
COPY deploy/docker/stoppable.pth /opt/crnn-ocr/lib/python3.11/site-packages/

# ---- the system around it, without what a finished service has no use for
FROM ${PYTHON_IMAGE} AS system
RUN groupadd --gid 10001 crnn-ocr \
 && useradd --uid 10001 --gid crnn-ocr --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin crnn-ocr \
 && mkdir /models \
 && install --directory --owner 10001 --group 10001 --mode 700 /jobs
COPY --from=installed /opt/crnn-ocr /opt/crnn-ocr
COPY deploy/docker/healthy.py /opt/crnn-ocr/
COPY deploy/docker/trim.py deploy/docker/prepare.py /build/
RUN PYTHONDONTWRITEBYTECODE=1 python /build/trim.py \
 && /opt/crnn-ocr/bin/python /build/prepare.py /opt/crnn-ocr/graphs \
 && rm -rf /build

# ---- the image: one layer, so that what was removed above is not in it
FROM scratch
# hadolint ignore=DL3067
COPY --from=system / /
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="crnn-ocr" \
      org.opencontainers.image.description="Image in, text out: Chinese and English OCR for plain CPUs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/crnn-ocr/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    OPENBLAS_NUM_THREADS=1 \
    CRNN_OCR_HOST=0.0.0.0 \
    CRNN_OCR_PORT=5000 \
    CRNN_OCR_MODELS_DIR=/models \
    CRNN_OCR_CACHE_DIR=/opt/crnn-ocr/graphs \
    CRNN_OCR_VERIFY_MODELS=true
WORKDIR /tmp
USER 10001:10001
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
  CMD ["python", "-I", "-S", "/opt/crnn-ocr/healthy.py"]
ENTRYPOINT ["crnn-ocr"]
CMD ["serve"]
