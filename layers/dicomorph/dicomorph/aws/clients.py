"""Clients of AWS, with the patience that whoever waits for them has.

boto3 is loaded when the first one is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_s3.client import S3Client

# Of S3, too: four attempts have to fit into what the workflow gives a worker (120 s).
_READ_TIMEOUT = 20


def s3_client(*, bare: bool = False) -> S3Client:
    """Return a client whose presigned URLs work in every region.

    What is encrypted with a KMS key is given to signatures of version 4 alone, and in older regions
    boto3 presigns with version 2. Where a bucket is younger than its name in the global DNS, and in
    regions that are off by default, only the region's own host answers without a redirection, which
    a signed URL does not survive.

    Parameters
    ----------
    bare : bool
        Whether it asks for no checksums by itself, as the SDK does since 2025: whoever sends what it
        has signed, or begun, would have to send them.
    """
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    signing = Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required" if bare else "when_supported",
        s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
    )
    return boto3.client("s3", config=client_config(read_timeout=_READ_TIMEOUT).merge(signing))


def client_config(*, read_timeout: int) -> Config:
    """Return the configuration of a client that waits so many seconds for an answer."""
    from botocore.config import Config  # noqa: PLC0415

    # Well below the 29 s of the gateway, so that a request survives one lost connection.
    return Config(
        connect_timeout=2,
        read_timeout=read_timeout,
        retries={"mode": "standard", "max_attempts": 4},
        tcp_keepalive=True,
        max_pool_connections=48,  # two rows of documents side by side, and the threads of an adapter
    )
