"""Every setting of the service, read once from the environment (``ADLOOM_...``) or a ``.env`` file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MEBIBYTE = 1 << 20


class Settings(BaseSettings):
    """One field, one environment variable: ``data_dir`` is ``ADLOOM_DATA_DIR``."""

    model_config = SettingsConfigDict(env_prefix="ADLOOM_", env_file=".env", extra="ignore", frozen=True)

    # where things live
    data_dir: Path = Field(default=Path("var"), description="folder of the embedded databases, pictures and secrets")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in the data folder")
    jobs_database_url: str | None = Field(default=None, description="job log; default: SQLite, or as above")
    storage_url: str | None = Field(default=None, description="pictures: file:///folder or s3://bucket/prefix")

    # the web
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(default=8000, description="port to listen on")
    public_url: str | None = Field(
        default=None, description="how visitors reach this server; default: http://host:port"
    )
    cors_origins: tuple[str, ...] = Field(
        default=(), description='origins whose pages may decide and report; ["*"]: all'
    )
    max_body_bytes: int = Field(default=MEBIBYTE, description="largest JSON body")
    max_upload_bytes: int = Field(default=32 * MEBIBYTE, description="largest photograph or feed")
    max_photo_pixels: int = Field(default=60_000_000, description="largest photograph, width times height")
    fetch: Literal["public", "all", "none"] = Field(
        default="public", description="photographs named by address: of the open internet, also of our network, or not"
    )
    rate_limit: str | None = Field(
        default=None, description='requests a key may make, such as "50/second"; default: no limit'
    )
    rate_storage: str | None = Field(
        default=None, description="where rates of several processes are counted, redis://host:6379; default: in each"
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="lines for people or for machines; auto: for people on a terminal"
    )
    access_log: bool = Field(default=False, description="a line for every request but decisions and events")
    tracing: bool = Field(
        default=False, description="OpenTelemetry traces, needs the extra otel and OTEL_... variables"
    )
    log_level: str = Field(default="info", description="debug, info, warning or error")

    # secrets
    admin_key: SecretStr | None = Field(default=None, description="first admin key; default: made at the first start")
    secret_key: SecretStr | None = Field(
        default=None, description="signs click tokens, salts visitors; default: made once"
    )

    # models
    text_backend: str = Field(default="local", description="text model backend")
    text_model: str = Field(
        default="smollm2", description="its weights: a row of the weight table, hub id, folder or GGUF file"
    )
    text_device_map: str | None = Field(
        default=None, description="auto: accelerate spreads that model over GPUs and memory; default: one device"
    )
    text_adapter: str = Field(
        default="none",
        description="laid over that model: a weight row such as copywriter, or a folder; none: the model as it is",
    )
    text_languages: str | None = Field(
        default=None, description="languages that model writes, such as de,fr; default: what its card says"
    )
    text_url: str | None = Field(default=None, description="server of the openai-compatible backend, with its /v1")
    text_api_key: SecretStr | None = Field(default=None, description="key of that server, if it wants one")
    image_backend: str = Field(default="plates", description="image backend when a request names none")
    diffusers_model: str = Field(default="", description="pipeline of the diffusers backend: hub id or folder")
    diffusers_controlnet: str | None = Field(default=None, description="its ControlNet, where its family needs one")
    diffusers_lora: str | None = Field(default=None, description="LoRA weights laid over it: hub id or file")
    diffusers_dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="its precision; auto: 16 bits on a GPU"
    )
    diffusers_safety_checker: bool = Field(default=True, description="leave its own safety checker in, if it has one")
    diffusers_tries: Annotated[int, Field(ge=1, le=16)] = Field(
        default=4, description="pictures painted at most while the product grows"
    )
    matting_backend: str = Field(
        default="auto", description="who cuts out: auto (packshot, else the best installed), packshot, isnet, birefnet"
    )
    threads: Annotated[int, Field(ge=0, le=256)] = Field(
        default=0, description="threads of the text model; 0: half the cores"
    )

    # proof and labels
    ocr: Literal["sampled", "always", "never"] = Field(
        default="sampled", description="how often the label of a product is read again in a finished picture"
    )

    label_policy: Literal["none", "eu", "cn", "all"] = Field(
        default="none", description="labels of pictures when a request names none: C2PA, GB 45438, both"
    )
    safety: Literal["off", "warn", "block"] = Field(
        default="warn", description="photographs and generated places that may not be safe for work; needs opennsfw"
    )
    label_producer: str = Field(default="adloom", description="your name or code in the labels: who makes the pictures")
    c2pa_certificate: Path | None = Field(
        default=None, description="PEM chain that signs manifests; default: a test certificate that nobody else trusts"
    )
    c2pa_key: Path | None = Field(default=None, description="its private key, PEM without a password")
    c2pa_algorithm: str = Field(default="es256", description="es256, es384, es512, ps256, ps384, ps512 or ed25519")
    c2pa_timestamp_url: str | None = Field(default=None, description="RFC 3161 time stamps of manifests; default: none")
    c2pa_trust: Path | None = Field(default=None, description="PEM roots whose manifests are called trusted")

    # work in the background
    job_workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="chunks of items worked on at the same time"
    )
    job_chunk: Annotated[int, Field(ge=1, le=100)] = Field(default=8, description="items in a chunk")
    items_waiting: Annotated[int, Field(ge=1)] = Field(
        default=100_000, description="items of jobs that may wait in a workspace; more are refused with 429"
    )
    disk_reserve_mb: Annotated[int, Field(ge=0)] = Field(
        default=200, description="jobs pause when less is free where the data folder lies"
    )
    executor_id: str = Field(default="embedded", description="stable name of this process; each process its own")

    # tests
    events_waiting: Annotated[int, Field(ge=1)] = Field(default=10_000, description="rows that may wait for a commit")
    refresh_s: Annotated[float, Field(gt=0)] = Field(
        default=1.0, description="how often to look whether weights are due"
    )
    refresh_at_latest_s: float = Field(default=30.0, description="longest wait of new evidence for new weights")
    clock_tolerance_s: float = Field(default=300.0, description="how far in the future an event's time may lie")
    burst_visitor: Annotated[int, Field(ge=1)] = Field(
        default=30, description="decisions, or clicks, of one visitor in 10 s; what comes beyond is marked as a burst"
    )
    burst_address: Annotated[int, Field(ge=1)] = Field(
        default=500, description="pixels and clicks from one /24 or /48 network in 10 s; beyond: marked"
    )
    burst_addresses: Literal["public", "all", "none"] = Field(
        default="public", description="which addresses are judged; private ones are most likely our own proxy's"
    )
    retain_days: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="decisions and events older than this are folded into sums every hour; default: kept"
    )

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'adloom.sqlite'}"

    @property
    def jobs_database(self) -> str:
        if self.jobs_database_url:
            return self.jobs_database_url
        if self.database_url and not self.database_url.startswith("sqlite"):
            return self.database_url
        return f"sqlite:///{self.data_dir.resolve() / 'jobs.sqlite'}"

    @property
    def storage(self) -> str:
        return self.storage_url or f"file://{self.data_dir.resolve() / 'objects'}"

    @property
    def address(self) -> str:
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # listening everywhere is no address
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    def secret(self) -> bytes:
        """The 32 bytes or more that sign tokens and salt visitors. Made once, in a file only its owner can read."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        return keep_secret(self.data_dir / "secret.key", secrets.token_hex(32)).encode()


def keep_secret(path: Path, value: str) -> str:
    """Write a secret to a file of mode 0600 if there is none yet, and say what the file holds.

    Written whole beside and then linked into place, so that two processes that start at once agree and a crash
    leaves either nothing or all of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
