"""The keys of what is in the object store, and the sizes of the secrets and tokens in them.

::

    instances/<2 hex>/<Orthanc id>/<token>.dcm                        an upload
    instances/<2 hex>/<Orthanc id>/<job id>-<nnnnnn>-<pppppp>.dcm     a product of a job
    results/<token>.<dcm or json>                                     an answer too large for itself
    jobs/<job id>/…                                                   documents (`jobs.documents`)
    erasures/<resource>/<time>-<token>/…                              documents (`services.erasure.records`)
    sweeps/<part>.json                                                documents (`services.sweeping`)
    incoming/<any name>                                               a file that somebody else has put there
    incoming/uploads/<upload id>                                      the same, by way of the API
    rejected/<token>, rejected/<token>.json                           one that was not taken, and why
    arrivals/<token>/<nnnnnn>.json                                    documents (`services.arrival.notes`)

The two digits in front spread the store's partitions. Every version of an instance has a key
of its own, so a key always has the same bytes.
"""

from __future__ import annotations

from dicomorph.model.resources import Ancestry

INSTANCES = "instances/"
INSTANCES_DEPTH = 3  # slashes in the key of a version
RESULTS = "results/"
JOBS = "jobs/"
ERASURES = "erasures/"
SWEEPS = "sweeps/"
INCOMING = "incoming/"
INCOMING_UPLOADS = "incoming/uploads/"
REJECTED = "rejected/"
ARRIVALS = "arrivals/"

TOKEN_BYTES = 16
"""Of what nobody may guess, or meet twice: the names of uploads and results, the ids of jobs."""

SIBLING_BYTES = 8
"""Of a name that differs from the few beside it: the plans of a job, the folders of processes."""

KEY_BYTES = 32
"""Of the secret from which the new identifiers of a job, or of one answer, derive."""


def upload_key(ancestry: Ancestry, token: bytes) -> str:
    """Return a key for a new version of an instance."""
    return f"{_versions(ancestry.instance)}{token.hex()}.dcm"


def product_key(job_id: str, product: str, number: int, position: int) -> str:
    """Return the key of a product.

    It follows from the plan, so a repeated invocation writes the same bytes under the same
    key. The position keeps two sources apart that become one product (spec, gotcha G26).
    """
    return f"{_versions(product)}{job_id}-{number:06}-{position:06}.dcm"


def result_key(token: bytes, suffix: str) -> str:
    """Return the key of an answer that is fetched by its address, such as ``results/7f01.dcm``."""
    return f"{RESULTS}{token.hex()}.{suffix}"


def incoming_upload_key(upload_id: str) -> str:
    """Return the key under which a client sends a file past the API."""
    return f"{INCOMING_UPLOADS}{upload_id}"


def exported_key(prefix: str, product: Ancestry, *, file: str = "") -> str:
    """Return the key of a product in a target: nothing of its source, and of the job, is in it.

    Parameters
    ----------
    file : str
        What tells it from products of other files that have its identifiers, if there may be any.
    """
    name = f"{product.instance}-{file}" if file else product.instance
    return f"{prefix}{product.patient}/{product.study}/{product.series}/{name}.dcm"


def job_prefix(job_id: str) -> str:
    """Return what the keys of all documents of a job start with."""
    return f"{JOBS}{job_id}/"


def file_name(key: str) -> str:
    """Return the last part of a key."""
    return key.rpartition("/")[2]


def is_instance_key(key: str) -> bool:
    """Tell whether a version of an instance may lie under a key."""
    return key.startswith(INSTANCES) and key.endswith(".dcm") and key.count("/") == INSTANCES_DEPTH


def product_of(key: str) -> str:
    """Return the Orthanc id of the instance whose version lies under a key."""
    return key.split("/")[2]


def is_any_product_key(key: str) -> bool:
    """Tell whether an object was written by any job: uploads have a token for a name."""
    return "-" in file_name(key)


def is_product_key(key: str, job_id: str) -> bool:
    """Tell whether an object was written by a job."""
    return file_name(key).startswith(f"{job_id}-")


def job_of(key: str) -> str:
    """Return the id of the job that has written a product; of an upload, something that is no id."""
    return file_name(key).rsplit("-", 2)[0]


def _versions(instance: str) -> str:
    return f"{INSTANCES}{instance[:2]}/{instance}/"
