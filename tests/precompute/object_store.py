"""An S3 on this machine that is spoken to over the network, where the packages s3fs and moto[server] are there."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import fsspec
import pytest

URL = "s3://tests/runs"


@contextmanager
def object_store(patched: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve a bucket at URL; processes started inside find it, too."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        patched.setenv(name, value)
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST"), timeout=10).close()  # an earlier bucket's
    files = fsspec.filesystem("s3", skip_instance_cache=True)
    files.mkdir("tests")
    yield
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()
