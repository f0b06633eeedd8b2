"""A second implementation of the transparency log, written from RFC 6962 and the C2SP specifications tlog-tiles,
tlog-checkpoint, signed-note and tlog-proof, and nothing else. Needs the package cryptography, for Ed25519 alone.

    check_log.py log DIR VKEY [--since CHECKPOINT]   checkpoint, every tile, every entry, and the root of all entries
    check_log.py proof FILE ENTRY VKEY               a tlog-proof@v1 about the bytes of the file ENTRY
    check_log.py inclusion FILE                      one JSON object a line: {"first": index, "second": size,
                                                     "from": base64 of the entry, "root", "path"}; one answer a line
    check_log.py consistency FILE                    the same with "first", "second": sizes, and "from": the first root
    check_log.py make DIR COUNT                      writes a log with the entries "entry 0", ..., and a proof; prints
                                                     its public and its private key

Prints `valid...` and exits 0, or `invalid: REASON` and exits 1. Exits 2 when it cannot run.
"""

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
except ImportError as missing:
    if __name__ == "__main__":
        print(f"cannot run: {missing}", file=sys.stderr)
        sys.exit(2)
    can_verify_notes = False  # the Merkle tree needs no cryptography
else:
    can_verify_notes = True

LARGEST_FILE = 1 << 26
WIDTH = 256  # hashes of a full tile
HASH = 32


class Invalid(Exception):
    pass


def require(condition, reason):
    if not condition:
        raise Invalid(reason)


# RFC 6962, section 2.1.


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size):
    """The largest power of two smaller than size."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def tree_hash(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = split(len(leaves))
    return node_hash(tree_hash(leaves[:half]), tree_hash(leaves[half:]))


def audit_path(index, leaves):
    """PATH(index, D[n]), section 2.1.1."""
    if len(leaves) == 1:
        return []
    half = split(len(leaves))
    if index < half:
        return audit_path(index, leaves[:half]) + [tree_hash(leaves[half:])]
    return audit_path(index - half, leaves[half:]) + [tree_hash(leaves[:half])]


def root_of_path(index, size, leaf, path):
    """The root that PATH(index, D[size]) leads to: its definition read backwards."""
    if size == 1:
        require(not path, "the path is too long")
        return leaf
    require(path, "the path is too short")
    half = split(size)
    if index < half:
        return node_hash(root_of_path(index, half, leaf, path[:-1]), path[-1])
    return node_hash(path[-1], root_of_path(index - half, size - half, leaf, path[:-1]))


def check_inclusion(index, size, leaf, path, root):
    require(0 <= index < size, "no such leaf")
    require(root_of_path(index, size, leaf, path) == root, "the path leads to another root")


def roots_of_proof(first, second, whole, known, path):
    """Both roots that SUBPROOF(first, D[second], whole) leads to, section 2.1.2 read backwards."""
    if first == second:
        if whole:
            require(not path, "the path is too long")
            return known, known
        require(len(path) == 1, "the path has the wrong length")
        return path[0], path[0]
    require(path, "the path is too short")
    half = split(second)
    if first <= half:
        old, new = roots_of_proof(first, half, whole, known, path[:-1])
        return old, node_hash(new, path[-1])
    old, new = roots_of_proof(first - half, second - half, False, known, path[:-1])
    return node_hash(path[-1], old), node_hash(path[-1], new)


def check_consistency(first, second, first_root, second_root, path):
    require(0 < first <= second, "not an earlier tree")
    old, new = roots_of_proof(first, second, True, first_root, path)
    require(old == first_root, "the path leads to another first root")
    require(new == second_root, "the path leads to another second root")


# Signed notes and checkpoints.


def decode(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("not base64") from None
    require(base64.b64encode(data) == text, "not the canonical base64")
    return data


def encode(data):
    return base64.b64encode(data)


def decimal(text):
    require(re.fullmatch(rb"0|[1-9][0-9]{0,15}", text), "not a decimal number")
    return int(text)


def key_id(name, public):
    return hashlib.sha256(name + b"\n\x01" + public).digest()[:4]


def read_vkey(text):
    name, identifier, key = text.encode().split(b"+", 2)
    data = decode(key)
    require(len(data) == 33 and data[0] == 1, "not an Ed25519 key")
    require(identifier == key_id(name, data[1:]).hex().encode(), "the key has another ID")
    return name, data[1:]


def verify_note(data, name, public):
    """The text of a note that the key has signed."""
    try:
        data.decode()
    except UnicodeDecodeError:
        raise Invalid("the note is not UTF-8") from None
    require(not any(byte < 32 and byte != 10 for byte in data), "a control character")
    place = data.rfind(b"\n\n")
    require(place >= 0 and data.endswith(b"\n"), "no signatures")
    text, lines = data[: place + 1], data[place + 2 : -1].split(b"\n")
    found = False
    for line in lines:
        match = re.fullmatch("— ([^ +]+) ([^ ]+)".encode(), line)
        require(match, "a signature line of another form")
        signature = decode(match[2])
        if match[1] != name or signature[:4] != key_id(name, public):
            continue
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text)
        except InvalidSignature:
            raise Invalid("bad signature") from None
        found = True
    require(found, "not signed by the key")
    return text


def read_checkpoint(data, name, public):
    lines = verify_note(data, name, public)[:-1].split(b"\n")
    require(len(lines) >= 3 and all(lines), "no checkpoint")
    require(lines[0] == name, "another origin")
    root = decode(lines[2])
    require(len(root) == HASH, "a root of another length")
    return decimal(lines[1]), root


# Tiles.


def read_file(path):
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise Invalid(f"missing {path}") from None
    require(len(data) <= LARGEST_FILE, f"too large: {path}")
    return data


def tile_path(level, index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    path = f"tile/{level}/" + "/".join(groups)
    return path if width == WIDTH else f"{path}.p/{width}"


def read_bundle(data):
    entries = []
    while data:
        require(len(data) >= 2, "a cut bundle")
        length = int.from_bytes(data[:2], "big")
        require(len(data) >= 2 + length, "a cut bundle")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


def tiles(count):
    for index in range(-(-count // WIDTH)):
        yield index, min(WIDTH, count - index * WIDTH)


def check_log(directory, name, public, since):
    size, root = read_checkpoint(read_file(f"{directory}/checkpoint"), name, public)
    leaves = []
    for index, width in tiles(size):
        entries = read_bundle(read_file(f"{directory}/{tile_path('entries', index, width)}"))
        require(len(entries) == width, f"bundle {index} has {len(entries)} entries")
        leaves += [leaf_hash(entry) for entry in entries]
    require(tree_hash(leaves) == root, "the entries have another root")
    level, hashes = 0, leaves
    while hashes:
        for index, width in tiles(len(hashes)):
            expected = b"".join(hashes[index * WIDTH : index * WIDTH + width])
            path = tile_path(level, index, width)
            require(read_file(f"{directory}/{path}") == expected, f"{path} has other hashes")
        full = len(hashes) // WIDTH
        hashes = [tree_hash(hashes[index * WIDTH : (index + 1) * WIDTH]) for index in range(full)]
        level += 1
    if since:
        old_size, old_root = read_checkpoint(read_file(since), name, public)
        require(old_size <= size, "rollback")
        require(tree_hash(leaves[:old_size]) == old_root, "fork")
    return size, root


def check_proof(data, entry, name, public):
    lines, rest = [], data
    while True:
        line, newline, rest = rest.partition(b"\n")
        require(newline, "the proof ends too early")
        if not line:
            break
        lines.append(line)
    require(lines and lines.pop(0) == b"c2sp.org/tlog-proof@v1", "another format")
    if lines and lines[0].startswith(b"extra "):
        decode(lines.pop(0)[6:])
    require(lines and lines[0].startswith(b"index "), "no index")
    index = decimal(lines.pop(0)[6:])
    path = [decode(line) for line in lines]
    require(all(len(node) == HASH for node in path), "a hash of another length")
    size, root = read_checkpoint(rest, name, public)
    check_inclusion(index, size, leaf_hash(entry), path, root)
    return index, size


def answers(kind, file):
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            start, root = (decode(item[key].encode()) for key in ("from", "root"))
            path = [decode(node.encode()) for node in item["path"]]
            try:
                if kind == "inclusion":
                    check_inclusion(item["first"], item["second"], leaf_hash(start), path, root)
                else:
                    check_consistency(item["first"], item["second"], start, root, path)
                yield "valid"
            except Invalid:
                yield "invalid"


def make(directory, count):
    private = ed25519.Ed25519PrivateKey.generate()
    raw = serialization.Encoding.Raw
    seed = private.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    public = private.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
    name = b"python.example/log"

    def write(path, data):
        path = f"{directory}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    entries = [b"entry %d" % number for number in range(count)]
    for index, width in tiles(count):
        part = entries[index * WIDTH : index * WIDTH + width]
        bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in part)
        write(f"log/{tile_path('entries', index, width)}", bundle)
    leaves = [leaf_hash(entry) for entry in entries]
    level, hashes = 0, leaves
    while hashes:
        for index, width in tiles(len(hashes)):
            write(f"log/{tile_path(level, index, width)}", b"".join(hashes[index * WIDTH : index * WIDTH + width]))
        full = len(hashes) // WIDTH
        hashes = [tree_hash(hashes[index * WIDTH : (index + 1) * WIDTH]) for index in range(full)]
        level += 1
    text = name + b"\n%d\n" % count + encode(tree_hash(leaves)) + b"\n"
    signature = encode(key_id(name, public) + private.sign(text))
    checkpoint = text + b"\n" + "— ".encode() + name + b" " + signature + b"\n"
    write("log/checkpoint", checkpoint)
    index = count // 2
    path = b"".join(encode(node) + b"\n" for node in audit_path(index, leaves))
    write("proof", b"c2sp.org/tlog-proof@v1\nindex %d\n" % index + path + b"\n" + checkpoint)
    for prefix, key in ((b"", public), (b"PRIVATE+KEY+", seed)):
        identifier = key_id(name, public).hex().encode()
        print((prefix + name + b"+" + identifier + b"+" + encode(b"\x01" + key)).decode())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    log = commands.add_parser("log")
    log.add_argument("directory")
    log.add_argument("vkey")
    log.add_argument("--since")
    proof = commands.add_parser("proof")
    for name in ("file", "entry", "vkey"):
        proof.add_argument(name)
    for name in ("inclusion", "consistency"):
        commands.add_parser(name).add_argument("file")
    maker = commands.add_parser("make")
    maker.add_argument("directory")
    maker.add_argument("count", type=int)
    arguments = parser.parse_args()
    try:
        if arguments.command == "log":
            size, root = check_log(arguments.directory, *read_vkey(arguments.vkey), arguments.since)
            print(f"valid: {size} {encode(root).decode()}")
        elif arguments.command == "proof":
            found = check_proof(read_file(arguments.file), read_file(arguments.entry), *read_vkey(arguments.vkey))
            print("valid: {} of {}".format(*found))
        elif arguments.command == "make":
            make(arguments.directory, arguments.count)
        else:
            for answer in answers(arguments.command, arguments.file):
                print(answer)
    except Invalid as reason:
        print(f"invalid: {reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
