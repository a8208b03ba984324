"""Users, tokens, nkeys, `.creds` files and certificates, each with a real server that believes nobody else."""

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nkeys  # type: ignore[import-untyped]
import pytest
import trustme

from pulse_radar import BrokerRefused, BrokerUnavailable, Publisher, Pulse, Settings
from pulse_radar.testing.nats_server import NatsServer

# The settings of a process, and of the server that knows it.
Way = Callable[[Path], tuple[dict[str, object], str]]


class Identity:
    """A key pair as NATS has them: an operator's, an account's, a user's."""

    def __init__(self, prefix: int) -> None:
        self.seed: bytes = nkeys.encode_seed(os.urandom(32), prefix)
        self._pair = nkeys.from_seed(bytearray(self.seed))
        self.name: str = self._pair.public_key.decode()

    def vouches_for(self, subject: "Identity", **nats: Any) -> str:
        """A token of NATS' own kind, signed by us."""
        claims = {
            "iat": int(time.time()),
            "iss": self.name,
            "sub": subject.name,
            "nats": {"version": 2, **nats},
        }
        digest = hashlib.new("sha512_256", json.dumps(claims).encode()).digest()
        claims["jti"] = base64.b32encode(digest).decode().rstrip("=")
        parts = [json.dumps(part).encode() for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims)]
        text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        return (text + b"." + base64.urlsafe_b64encode(self._pair.sign(text)).rstrip(b"=")).decode()


def by_user(_directory: Path) -> tuple[dict[str, object], str]:
    return {"nats_user": "ada", "nats_password": "secret"}, "authorization { user: ada, password: secret }"


def by_token(_directory: Path) -> tuple[dict[str, object], str]:
    return {"nats_token": "secret"}, "authorization { token: secret }"


def by_nkey(directory: Path) -> tuple[dict[str, object], str]:
    user = Identity(nkeys.PREFIX_BYTE_USER)
    file = directory / "user.nk"
    file.write_bytes(user.seed)
    return {"nats_nkey": file}, f"authorization {{ users: [ {{ nkey: {user.name} }} ] }}"


def by_credentials(directory: Path) -> tuple[dict[str, object], str]:
    operator, account, system, user = (
        Identity(prefix)
        for prefix in (
            nkeys.PREFIX_BYTE_OPERATOR,
            nkeys.PREFIX_BYTE_ACCOUNT,
            nkeys.PREFIX_BYTE_ACCOUNT,
            nkeys.PREFIX_BYTE_USER,
        )
    )
    unlimited = dict.fromkeys(("subs", "data", "payload", "conn", "leaf", "imports", "exports"), -1)
    unlimited |= dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)
    itself = operator.vouches_for(operator, type="operator", system_account=system.name)
    known = operator.vouches_for(account, type="account", limits=unlimited)
    of_system = operator.vouches_for(system, type="account")
    lets_in = account.vouches_for(user, type="user", subs=-1, data=-1, payload=-1)
    file = directory / "user.creds"
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{lets_in}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    accounts = f"{account.name}: {known}\n{system.name}: {of_system}"
    return {"nats_credentials": file}, (
        f"operator: {itself}\nsystem_account: {system.name}\nresolver: MEMORY\nresolver_preload: {{\n{accounts}\n}}"
    )


def by_certificate(directory: Path) -> tuple[dict[str, object], str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    for name, certificate in (
        ("server", authority.issue_cert("127.0.0.1")),
        ("client", authority.issue_cert("ada")),
    ):
        certificate.cert_chain_pems[0].write_to_path(directory / f"{name}.pem")
        certificate.private_key_pem.write_to_path(directory / f"{name}.key")
    files = {
        f"nats_tls_{what}": directory / f"client.{end}" for what, end in (("cert", "pem"), ("key", "key"))
    }
    return {"nats_tls_ca": directory / "ca.pem", **files}, (
        f'tls {{ cert_file: "{directory}/server.pem", key_file: "{directory}/server.key", '
        f'ca_file: "{directory}/ca.pem", verify: true }}'
    )


@pytest.mark.parametrize("way", [by_user, by_token, by_nkey, by_credentials, by_certificate])
async def test_who_shows_it_is_let_in_and_nobody_else(way: Way, tmp_path: Path) -> None:
    shown, known = way(tmp_path)
    async with NatsServer(tmp_path, settings=known) as server:
        settings = Settings.load(broker=server.url, **shown)
        pulse = Pulse(settings=settings)
        pulse.topic("knowledge")
        async with pulse, Publisher(settings=settings) as publisher:
            assert (await publisher.publish("knowledge", "x", {})).sequence > 0
        nobody = {name: value for name, value in shown.items() if name == "nats_tls_ca"}
        # A server that wants a certificate just hangs up.
        with pytest.raises((BrokerRefused, BrokerUnavailable) if "nats_tls_ca" in shown else BrokerRefused):
            async with Publisher(settings=Settings.load(broker=server.url, **nobody)):
                pass
