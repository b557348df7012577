# adloom in one image: API, worker and command line, weights inside, starts offline.
#   docker build -t adloom .
#   docker run -p 8000:8000 -v adloom-data:/data adloom
# Another base with Python 3.11 works too: --build-arg BASE=...
# For torch's CPU build, a gigabyte instead of five, point pip at wheels of it: --build-arg PIP_FIND_LINKS=... or
# --build-arg PIP_EXTRA_INDEX_URL=...; behind a proxy with its own certificate: --build-arg PIP_CERT=...
ARG BASE=debian:bookworm-slim
FROM ${BASE}
ARG PIP_CERT
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS

RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --uid 10001 adloom \
 && mkdir -p /app /data /weights && chown adloom:adloom /app /data /weights

USER adloom
WORKDIR /app
ENV ADLOOM_WEIGHTS=/weights ADLOOM_DATA_DIR=/data ADLOOM_HOST=0.0.0.0 ADLOOM_PORT=8000 \
    PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1

# dependencies first: this layer lasts as long as the lock does
COPY --chown=adloom:adloom pyproject.toml constraints.txt README.md LICENSE ./
RUN mkdir -p prompts models experiments service \
 && python3 -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -e .

COPY --chown=adloom:adloom prompts prompts
COPY --chown=adloom:adloom models models
COPY --chown=adloom:adloom experiments experiments
COPY --chown=adloom:adloom service service
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps -c constraints.txt -e . \
 && adloom weights add smollm2 && adloom weights add ocr && adloom weights add opennsfw && adloom weights check

VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4).read()"
CMD ["adloom", "serve"]
