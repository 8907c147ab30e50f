"""HTTPS by the panel itself: browsers lend their microphone and camera to pages of localhost and of HTTPS only.

The handshake belongs to the thread of its connection and has the time limit of a request, so a client that does not
finish it is aborted like one that does not finish a request, and nobody waits for it.
"""

from __future__ import annotations

import logging
import socket
import ssl
from pathlib import Path

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.metrics import REFUSED
from rider_core.web.serving.connections import WatchedConnection

log = logging.getLogger(__name__)

REMEDY = "rider web certificate makes both, or give the files of your own certificate"


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """The context for the certificate of the settings; None: the panel speaks plain HTTP.

    Raises:
        ConfigError: only one of the two files is set, or they cannot be used.
    """
    certificate, key = settings.web_tls_cert, settings.web_tls_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "RIDER_WEB_TLS_CERT" if certificate is None else "RIDER_WEB_TLS_KEY"
        raise ConfigError(f"{missing} is not set, and the other file of the certificate is", remedy=REMEDY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the certificate {certificate} with {key} cannot be used: {error}", remedy=REMEDY) from None
    return context


def accepted(context: ssl.SSLContext, client: socket.socket, watched: WatchedConnection) -> ssl.SSLSocket | None:
    """The encrypted connection; None: the handshake failed, and the connection is closed."""
    encrypted: socket.socket = client
    try:
        encrypted = context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        watched.replace(encrypted)  # the one before is an empty shell now
        watched.begin_wait(receives=True)
        encrypted.do_handshake()
        return encrypted
    except (OSError, ValueError) as error:  # a client of plain HTTP, one that went away, one that knows no TLS 1.2
        REFUSED.labels("web", "tls").inc()
        log.debug("a handshake with %s failed: %s", watched.address, error)
        encrypted.close()
        return None
    finally:
        watched.end_wait(0)


def _no_password() -> str:
    raise ValueError("the key is protected by a password; write it without one: openssl pkey -in KEY -out NEW")


def write_self_signed(certificate: Path, key: Path, names: list[str], days: int) -> None:
    """Write a certificate for these host names and addresses that is signed by itself, and its key.

    Raises:
        OSError: a file cannot be written.
    """
    # Imported here: the panel itself needs no more than the standard library for HTTPS.
    from rider_core.web.serving.self_signed import self_signed  # noqa: PLC0415

    certificate_pem, key_pem = self_signed(names, days)
    for path, content, mode in ((key, key_pem, 0o600), (certificate, certificate_pem, 0o644)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=mode)
        path.chmod(mode)
        path.write_bytes(content)
