#!/usr/bin/env python3
"""What stock libraries say of DSSE envelopes: signing_agree.py PUBLIC_KEY ENVELOPE...

One line of JSON per envelope, in order: {"accepted": true} or {"accepted": false, "reason": "..."}. Accepted means:
securesystemslib verifies one signature by the key, in-toto-attestation validates the statement, and the predicate of a
verification summary is one of its class, without unknown fields (verifiedLevels: an array of strings, as SLSA says).
"""
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

IN_TOTO = "application/vnd.in-toto+json"
VSA = "https://slsa.dev/verification_summary/v1"


def judge(path, key):
    envelope = Envelope.from_dict(json.loads(path.read_bytes()))
    envelope.verify([key], 1)
    # Signed, but securesystemslib leaves it to the caller to ask for a type.
    if envelope.payload_type != IN_TOTO:
        raise ValueError(f"payload type {envelope.payload_type}")
    message = json_format.Parse(envelope.payload.decode("utf-8"), statement_pb2.Statement())
    Statement.copy_from_pb(message).validate()
    if message.predicate_type == VSA:
        predicate = json_format.MessageToDict(message.predicate)
        # in-toto-attestation 0.9.3 declares one string where SLSA asks for an array of them.
        levels = predicate.pop("verifiedLevels")
        if not isinstance(levels, list) or not levels or not all(isinstance(level, str) for level in levels):
            raise ValueError(f"verified levels {levels}")
        summary = json_format.ParseDict(predicate, vsa_pb2.VerificationSummary())
        if summary.verification_result not in ("PASSED", "FAILED"):
            raise ValueError(f"verification result {summary.verification_result}")


def main(public_key, *paths):
    loaded = load_pem_public_key(pathlib.Path(public_key).read_bytes())
    der = loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = SSlibKey.from_crypto(loaded, keyid=hashlib.sha256(der).hexdigest())
    for path in map(pathlib.Path, paths):
        try:
            judge(path, key)
            print(json.dumps({"accepted": True}))
        except Exception as error:  # Whatever a library refuses with.
            print(json.dumps({"accepted": False, "reason": f"{type(error).__name__}: {error}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
