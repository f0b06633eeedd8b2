"""A second reader of certificates, written from docs/certificate-format.md. Needs the standard library alone, and with
--vkey the package cryptography.

    check_certificate.py FILE --directory DIR --spec FILE [--now TIME] [--log-proof [FILE]] [--vkey KEY]

FILE is SPEC.intoto.json, DIR holds the model's files and the proofs, --spec is the specification. Checks the form of the
envelope and of every field, that the payload is canonical, the subjects, the files, the specification, the sizes and
digests of the proofs, and the time. With --log-proof (default: DIR/SPEC.tlog-proof) also that the log has an entry of
this certificate; with --vkey, that the checkpoint is signed by that key.

It verifies no signature of the envelope (openssl does, docs/signing.md), checks no proof (check_proof.py does), reads no
network and no specification, and looks for no revocation.

Prints one line: `valid: ...` and exits 0, `invalid: REASON` and exits 1, or `cannot run: REASON` and exits 2.
"""

import argparse
import base64
import binascii
import datetime
import hashlib
import json
import math
import os
import re
import stat
import sys
import unicodedata

import check_log
from check_log import Invalid, require

LARGEST_INTEGER = 2**53 - 1
LARGEST_ENVELOPE = 24 << 20
LARGEST_PAYLOAD = 16 << 20
LARGEST_FILE = 1 << 30
LARGEST_LOG_PROOF = 2_000_000
LARGEST_EXTRA = 65_536
LOGGED_FILES = 100
DAY = 86_400_000


class CannotRun(Exception):
    pass


# JSON. Strict: what readers disagree on is refused.


def members(pairs):
    names = [unicodedata.normalize("NFC", unicode(name)) for name, _ in pairs]
    require(len(set(names)) == len(names), "two members of one name")
    return dict(pairs)


def unicode(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid("half of a surrogate pair") from None
    return text


def integer(text):
    require(len(text) <= 17 and abs(int(text)) <= LARGEST_INTEGER, "an integer beyond 2^53 - 1")
    return int(text)


def no_number(text):
    raise Invalid(f"{text} is no integer")


def check_bounds(value):
    """Refuses nesting of more than 32 levels, more than a million values, and texts that are no Unicode."""
    count, waiting = 0, [(value, 0)]
    while waiting:
        value, depth = waiting.pop()
        count += 1
        require(depth < 32 and count <= 1_000_000, "nested too deeply, or too many values")
        if isinstance(value, str):
            unicode(value)
        elif isinstance(value, (dict, list)):
            inner = value.values() if isinstance(value, dict) else value
            waiting += [(element, depth + 1) for element in inner]


def read_json(data, place):
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=members, parse_int=integer, parse_float=no_number, parse_constant=no_number
        )
        check_bounds(value)
    except Invalid as reason:
        raise Invalid(f"{place}: {reason}") from None
    except (ValueError, RecursionError) as reason:
        raise Invalid(f"{place} is no JSON: {reason}") from None
    return value


def canonical(value):
    """RFC 8785, integers alone."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# Fields. Each reader takes a value and its place, and gives what it read.


def members_of(value, place, names):
    require(isinstance(value, dict), f"{place} is no object")
    for name in names:
        require(name in value, f'{place} lacks the field "{name}"')
    for name in value:
        require(name in names, f"{place} has an unknown field {name!r}")
    return value


def record(**readers):
    """A reader of an object with these members and no others."""

    def read(value, place):
        members_of(value, place, readers)
        return {name: reader(value[name], f"{place}.{name}") for name, reader in readers.items()}

    return read


def array(reader, least, most):
    def read(value, place):
        require(isinstance(value, list), f"{place} is no array")
        require(least <= len(value) <= most, f"{place} has {len(value)} elements; expected {least} to {most}")
        return [reader(element, f"{place}[{index}]") for index, element in enumerate(value)]

    return read


def optional(reader):
    return lambda value, place: None if value is None else reader(value, place)


def text(value, place, most=65_536):
    require(isinstance(value, str), f"{place} is no string")
    require(len(value.encode()) <= most, f"{place} has more than {most} bytes")
    return value


def name(value, place):
    value = text(value, place, 200)
    require(re.fullmatch(r"[^\x00-\x1f\x7f]+", value), f"{place} is empty or has control characters")
    return value


def file_name(value, place):
    value = name(value, place)
    require("/" not in value and value not in (".", ".."), f"{place} is not the name of a file")
    return value


def digest(value, place):
    require(isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value), f"{place} is no SHA-256 digest")
    return value


def whole(least, most):
    def read(value, place):
        require(type(value) is int and least <= value <= most, f"{place} is no integer from {least} to {most}")
        return value

    return read


count = whole(0, LARGEST_INTEGER)


def choice(*words):
    def read(value, place):
        require(isinstance(value, str) and value in words, f"{place} is not {' or '.join(words)}")
        return value

    return read


def rational(value, place):
    """Numerator and denominator of a number in lowest terms."""
    value = text(value, place, 4096)
    match = re.fullmatch("(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?", value)
    require(match, f"{place} is no exact number")
    top, bottom = int(match[1]), int(match[2] or 1)
    require(match[2] is None or (bottom > 1 and math.gcd(top, bottom) == 1), f"{place} is not in lowest terms")
    return top, bottom


def time(value, place):
    """Milliseconds since 1970."""
    match = isinstance(value, str) and re.fullmatch(
        r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.]([0-9]{3}))?Z", value
    )
    require(match and match[7] != "000", f"{place} is no time in UTC like 2026-05-01T12:00:00Z")
    try:
        moment = datetime.datetime(*(int(part) for part in match.groups()[:6]))
    except ValueError:
        raise Invalid(f"{place} is no time of the calendar") from None
    passed = (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)
    require(passed >= 0, f"{place} is before 1970")
    return passed + int(match[7] or 0)


def same(value):
    """What makes two names one: their Unicode form NFC."""
    return unicodedata.normalize("NFC", value)


tool = record(name=name, version=name)
quantity = record(name=name, statement=text)
rationals = array(rational, 1, 4096)


def model_files(value, place):
    files = array(record(name=file_name, sha256=digest, bytes=count), 1, 1000)(value, place)
    names = [same(file["name"]) for file in files]
    require(
        all(first < second for first, second in zip(names, names[1:])), f"{place} has a name doubled or out of order"
    )
    return files


def share(value, place):
    value = record(rows=count, inside=count)(value, place)
    require(value["inside"] <= value["rows"], f"{place}.inside is more than there are rows")
    return value


def axis(value, place):
    value = record(exponent=whole(-1022, 971), low=rational, high=rational)(value, place)
    ends = []
    for top, bottom in (value["low"], value["high"]):
        shift = value["exponent"] + bottom.bit_length() - 1
        require(bottom & (bottom - 1) == 0, f"{place} has an end that is no multiple of a power of two")
        # top / 2^k is a multiple of 2^exponent.
        require(shift <= 0 or top % (1 << shift) == 0, f"{place} has an end that is no multiple of 2^exponent")
        ends.append((top, bottom))
    (a, b), (c, d) = ends
    require(a * d <= c * b, f"{place}.low is above high")
    return value


def error(value, place):
    value = rational(value, place)
    require(value[0] >= 0, f"{place} is negative")
    return value


def identifiers(value, place):
    ids = array(name, 1, 10_000)(value, place)
    require(len(set(map(same, ids))) == len(ids), f"{place} has a property twice")
    return ids


def semantics(value, place):
    word = value.get("arithmetic") if isinstance(value, dict) else None
    if word == "binary64-exact":
        return record(arithmetic=text, grid=array(axis, 1, 4096))(value, place)
    if word in ("binary32-bounded", "binary64-bounded"):
        return record(arithmetic=text, errors=array(error, 1, 4096), properties=identifiers)(value, place)
    return record(arithmetic=choice("real"))(value, place)


def counterexample(value, place):
    value = record(
        query=count, x=rationals, xPrime=optional(rationals), fx=rational, fxPrime=optional(rational), drop=rational
    )(value, place)
    second = value["xPrime"]
    require((second is None) == (value["fxPrime"] is None), f"{place} has half of a second point")
    require(second is None or len(second) == len(value["x"]), f"{place} has points of two lengths")
    require(value["drop"][0] > 0, f"{place}.drop is not positive")
    return value


def property_record(value, place):
    value = record(
        id=name,
        statement=text,
        verdict=choice("holds", "violated", "unknown"),
        reason=optional(text),
        engine=name,
        milliseconds=count,
        cpuMilliseconds=count,
        leaves=count,
        solverLeaves=count,
        provedShare=text,
        lowerBound=optional(rational),
        counterexample=optional(counterexample),
        queryDigests=array(digest, 0, 10_000),
        proof=optional(record(path=file_name, sha256=digest, bytes=count)),
        audit=record(leaves=count, confirmed=count),
    )(value, place)
    verdict, audit = value["verdict"], value["audit"]
    require((verdict == "unknown") == (value["reason"] is not None), f"{place}.reason does not fit the verdict")
    require(
        (verdict == "violated") == (value["counterexample"] is not None),
        f"{place}.counterexample does not fit the verdict",
    )
    shares = "1" if verdict == "holds" else "0|0[.][0-9]{0,5}[1-9]"
    require(re.fullmatch(shares, value["provedShare"]), f"{place}.provedShare does not fit the verdict")
    require(value["solverLeaves"] <= value["leaves"], f"{place}.solverLeaves is more than all leaves")
    require(audit["confirmed"] <= audit["leaves"] <= value["leaves"], f"{place}.audit counts more than there are")
    return value


def property_records(value, place):
    records = array(property_record, 1, 10_000)(value, place)
    require(len({same(record["id"]) for record in records}) == len(records), f"{place} has an id twice")
    return records


def certificate(value, place):
    require(isinstance(value, dict), f"{place} is no object")
    found = value.get("format")
    require(found == "vpals-certificate/v1", f"{place} is of the format {found!r}, which this program does not read")
    value = record(
        format=text,
        model=record(name=name, version=name, files=model_files, networkDigest=digest),
        specification=record(
            name=name,
            sha256=digest,
            digest=digest,
            features=array(quantity, 0, 4096),
            outputs=array(quantity, 0, 4096),
        ),
        properties=property_records,
        semantics=semantics,
        verifier=tool,
        solver=tool,
        checker=tool,
        data=optional(record(sha256=digest, training=share, heldOut=share)),
        startedAt=time,
        finishedAt=time,
        expiresAt=time,
    )(value, place)
    finished, expires = value["finishedAt"], value["expiresAt"]
    require(value["startedAt"] <= finished, f"{place}.finishedAt is before startedAt")
    require(
        finished < expires <= finished + 3650 * DAY,
        f"{place}.expiresAt is not after finishedAt by at most 3650 days",
    )
    return value


# The file.


def base64_bytes(value, place, most):
    require(isinstance(value, str), f"{place} is no string")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"{place} is no base64") from None
    require(base64.b64encode(data).decode() == value, f"{place} is not the one base64 of its bytes")
    require(len(data) <= most, f"{place} has more than {most} bytes")
    return data


def payload_of(data):
    """The payload of an envelope and its number of signatures. Members that DSSE does not name are passed over."""
    envelope = read_json(data, "the envelope")
    require(isinstance(envelope, dict), "the envelope is no object")
    for member in ("payload", "payloadType", "signatures"):
        require(member in envelope, f'the envelope lacks the field "{member}"')
    require(envelope["payloadType"] == "application/vnd.in-toto+json", "the payload is of another type")
    payload = base64_bytes(envelope["payload"], "the payload", LARGEST_PAYLOAD)
    signatures = envelope["signatures"]
    require(isinstance(signatures, list) and len(signatures) <= 16, "signatures is no array of at most 16")
    keys = []
    for signature in signatures:
        require(isinstance(signature, dict), "a signature is no object")
        key = text(signature.get("keyid"), "a signature's keyid", 256)
        require(re.fullmatch(r"[^\x00-\x1f\x7f]+", key), "a signature's keyid is empty or has control characters")
        base64_bytes(signature.get("sig"), "a signature's sig", 1024)
        keys.append(same(key))
    require(len(set(keys)) == len(keys), "two signatures with one keyid")
    return payload, len(keys)


def subject_of(name, sha256):
    return {"name": name, "digest": {"sha256": sha256}}


def statement_of(predicate):
    """The only Statement of a certificate."""
    files = [subject_of(file["name"], file["sha256"]) for file in predicate["model"]["files"]]
    specification = predicate["specification"]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": files + [subject_of(specification["name"] + ".yaml", specification["sha256"])],
        "predicateType": "urn:vpals:certificate:v1",
        "predicate": predicate,
    }


def read_statement(payload):
    """The predicate as it was written and as it was read."""
    statement = read_json(payload, "the payload")
    require(isinstance(statement, dict), "the payload is no object")
    for member, wanted in (
        ("_type", "https://in-toto.io/Statement/v1"),
        ("predicateType", "urn:vpals:certificate:v1"),
    ):
        require(statement.get(member) == wanted, f"{member} is not {wanted}")
    predicate = statement.get("predicate")
    claims = certificate(predicate, "$.predicate")
    expected = statement_of(predicate)
    require(
        statement.get("subject") == expected["subject"],
        "the subjects are not the certificate's files, in order, and its specification",
    )
    require(canonical(expected).encode() == payload, "the payload is not the canonical JSON of its statement")
    return predicate, claims


def read_named(path, most):
    """The content of a file that the command line names."""
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as problem:
        raise CannotRun(f"{path}: {problem.strerror}") from None
    require(len(data) <= most, f"{path} has more than {most} bytes")
    return data


def check_file(path, wanted, size):
    """Compares a file that the certificate names."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # or a named pipe would be waited for
        with open(descriptor, "rb") as file:
            require(stat.S_ISREG(os.fstat(descriptor).st_mode), f"{path} is no regular file")
            state, read = hashlib.sha256(), 0
            while piece := file.read(1 << 20):
                state.update(piece)
                read += len(piece)
                require(read <= LARGEST_FILE, f"{path} has more than {LARGEST_FILE} bytes")
    except OSError as problem:
        raise Invalid(f"{path}: {problem.strerror}") from None
    require(size is None or read == size, f"{path} has {read} bytes, not {size}")
    require(state.hexdigest() == wanted, f"{path} is not the file that the certificate speaks of")


def verdict_of(predicate):
    verdicts = [record["verdict"] for record in predicate["properties"]]
    return "violated" if "violated" in verdicts else "undecided" if "unknown" in verdicts else "holds"


def check_log_proof(data, predicate, payload, vkey):
    """The entry's number and the log's name."""
    lines, rest = [], data
    while True:
        line, newline, rest = rest.partition(b"\n")
        require(newline, "the log's proof ends too early")
        if not line:
            break
        lines.append(line)
    require(lines and lines.pop(0) == b"c2sp.org/tlog-proof@v1", "the log's proof is of another format")
    require(lines and lines[0].startswith(b"extra "), "the log's proof does not have the entry")
    entry = check_log.decode(lines.pop(0)[6:])
    require(0 < len(entry) <= LARGEST_EXTRA, "the entry is too large")
    require(lines and lines[0].startswith(b"index "), "the log's proof has no index")
    index = check_log.decimal(lines.pop(0)[6:])
    require(len(lines) <= 53, "the path is too long")
    path = [check_log.decode(line) for line in lines]
    require(all(len(node) == check_log.HASH for node in path), "a hash of another length")
    note, signatures, _ = rest.rpartition(b"\n\n")
    parts = note.split(b"\n")
    require(signatures and len(parts) >= 3 and all(parts), "the log's proof has no checkpoint")
    require(not any(byte < 32 for part in parts for byte in part), "a control character in the checkpoint")
    size, root = check_log.decimal(parts[1]), check_log.decode(parts[2])
    check_log.check_inclusion(index, size, check_log.leaf_hash(entry), path, root)
    if vkey is not None:
        check_log.check_proof(data, entry, *vkey)

    event = read_json(entry, "the entry")
    require(canonical(event).encode() == entry, "the entry is not canonical JSON")
    members_of(event, "the entry", ["type", "time", "subject", "annotations"])
    require(event["type"] == "certificate-issued", "the entry is of another event")
    time(event["time"], "the entry's time")
    model, specification = predicate["model"], predicate["specification"]
    directory = f"{model['name']}/{model['version']}"
    file = f"{directory}/{specification['name']}.intoto.json"
    subjects = [
        subject_of(f"{file}#predicate", sha256(canonical(predicate).encode())),
        subject_of(f"{file}#payload", sha256(payload)),
        subject_of(f"{specification['name']}.yaml", specification["sha256"]),
    ]
    subjects += [subject_of(f"{directory}/{one['name']}", one["sha256"]) for one in model["files"][:LOGGED_FILES]]
    require(event["subject"] == subjects, "the log's entry is of another certificate")
    annotations = {"verdict": verdict_of(predicate), "expiresAt": predicate["expiresAt"]}
    require(event["annotations"] == annotations, "the log's entry says something else of the certificate")
    return index, parts[0].decode(errors="replace")


def check(arguments):
    payload, signatures = payload_of(read_named(arguments.file, LARGEST_ENVELOPE))
    predicate, claims = read_statement(payload)
    now = arguments.now
    require(now < claims["expiresAt"], f"the certificate expired at {predicate['expiresAt']}")
    require(claims["finishedAt"] <= now + 300_000, f"it was made in the future, at {predicate['finishedAt']}")
    for file in claims["model"]["files"]:
        check_file(os.path.join(arguments.directory, file["name"]), file["sha256"], file["bytes"])
    if not os.path.exists(arguments.spec):
        raise CannotRun(f"{arguments.spec}: there is no such file")
    check_file(arguments.spec, claims["specification"]["sha256"], None)
    proofs = [one["proof"] for one in claims["properties"] if one["proof"]]
    for proof in proofs:
        check_file(os.path.join(arguments.directory, proof["path"]), proof["sha256"], proof["bytes"])
    logged = ""
    if arguments.log_proof is not None:
        path = arguments.log_proof or os.path.join(arguments.directory, claims["specification"]["name"] + ".tlog-proof")
        data = read_named(path, LARGEST_LOG_PROOF)
        try:
            index, origin = check_log_proof(data, predicate, payload, arguments.vkey)
        except Invalid as reason:
            raise Invalid(f"{path}: {reason}") from None
        signed = ", whose key signed that" if arguments.vkey else ""
        logged = f"; entry {index} of the log {origin}{signed}"
    holding = sum(one["verdict"] == "holds" for one in claims["properties"])
    model = claims["model"]
    return (
        f"valid: {model['name']}/{model['version']} for {claims['specification']['name']}: {holding} of"
        f" {len(claims['properties'])} properties are claimed to hold, {len(proofs)} proofs are there;"
        f" certificate {sha256(canonical(predicate).encode())}, payload {sha256(payload)};"
        f" signatures: {signatures}, not verified{logged}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--directory", required=True)
    parser.add_argument("--spec", required=True)
    parser.add_argument("--now", help="a time like 2026-05-01T12:00:00Z; the clock's when it is not given")
    parser.add_argument("--log-proof", nargs="?", const="")
    parser.add_argument("--vkey")
    arguments = parser.parse_args()
    try:
        try:
            if arguments.now is None:
                passed = datetime.datetime.now(datetime.timezone.utc).timestamp()
                arguments.now = math.floor(passed * 1000)
            else:
                arguments.now = time(arguments.now, "--now")
            if arguments.vkey is not None:
                if not check_log.can_verify_notes:
                    raise CannotRun("--vkey needs the package cryptography")
                arguments.vkey = check_log.read_vkey(arguments.vkey)
        except (Invalid, ValueError) as reason:
            raise CannotRun(str(reason)) from None
        print(check(arguments))
    except Invalid as reason:
        print(f"invalid: {reason}")
        return 1
    except CannotRun as reason:
        print(f"cannot run: {reason}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
