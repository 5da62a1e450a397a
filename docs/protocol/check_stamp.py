#!/usr/bin/env python3
"""calx-stamp-1 with Python's standard library alone: the vectors of stamp.md and the check of a
receipt's request, tree, stamp and seeds.

    check_stamp.py                 prints the vectors of stamp.md and receipt.md
    check_stamp.py receipt.json    exit 0 if commitment, path, stamp and seeds hold
"""

import hashlib
import json
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def sha256d(data):
    return sha256(sha256(data))


def u32(value):
    return value.to_bytes(4, "big")


def leaf_hash(commitment, salt):
    return sha256(b"\x00" + commitment + salt)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def tree_root(level):
    while len(level) > 1:
        above = [node_hash(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
        level = above + level[len(above) * 2 :]
    return level[0]


def root_of(node, index, siblings, width):
    siblings = list(siblings)
    while width > 1:
        if not (index + 1 == width and width % 2):
            other = siblings.pop(0)
            node = node_hash(node, other) if index % 2 == 0 else node_hash(other, node)
        index, width = index // 2, (width + 1) // 2
    assert not siblings
    return node


def payload(target, leaves, root):
    return sha256(b"calx-stamp-1" + target + u32(leaves) + root)


VERSION, VERSION_MASK = 0x20000000, 0x1FFFE000
PART_1 = bytes.fromhex("0100000001" + "00" * 32 + "ffffffff" + "16" + "0340d10c2f63616c782f")


def part_2(carried):
    outputs = "02" + "00" * 8 + "0151" + "00" * 8 + "22" + "6a20"
    return bytes.fromhex("ffffffff" + outputs) + carried + bytes(4)


def header(stamp, carried):
    root = sha256d(stamp["part_1"] + stamp["en1"] + stamp["en2"] + part_2(carried))
    for branch in stamp["branches"]:
        root = sha256d(root + branch)
    words = [stamp[name].to_bytes(4, "little") for name in ("version", "ntime", "nbits", "nonce")]
    return words[0] + stamp["previous"] + root + b"".join(words[1:])


def meets(digest, target):
    return int.from_bytes(digest, "little") <= int.from_bytes(target, "big")


def search(target, leaves, root):
    """The lowest extranonce 2, then the lowest nonce, of the software template."""
    carried = payload(target, leaves, root)
    stamp = {"part_1": PART_1, "en1": bytes(4), "branches": [], "previous": bytes(32),
             "version": VERSION, "ntime": 0x68E00000, "nbits": 0x17023A04}
    for extranonce in range(1 << 64):
        stamp["en2"] = extranonce.to_bytes(8, "little")
        stamp["nonce"] = 0
        start = header(stamp, carried)[:76]
        for nonce in range(1 << 32):
            digest = sha256d(start + nonce.to_bytes(4, "little"))
            if meets(digest, target):
                return extranonce, nonce, digest


def canonical(value):
    # Enough of RFC 8785 for receipts: no floats, and keys that are ASCII.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def commitment(request):
    return sha256(b"calx-request-1\n" + canonical(request))


def image_seed(request, index, stamp_hash=None, salt=None):
    identity = sha256(b"calx-identity-1\n" + canonical(request["identity"]))
    stamped = b"\x01" + stamp_hash if request["mode"] == "stamped" else b"\x00"
    private = b"\x01" + salt if request["identity"]["seed"]["type"] == "private" else b"\x00"
    return sha256(b"calx-image-seed-1\0" + identity + index.to_bytes(8, "big") + stamped + private)


def numbered_leaf(number):
    return leaf_hash(sha256(b"request" + u32(number)), sha256(b"salt" + u32(number))[:16])


EXAMPLE_REQUEST = {
    "identity": {"model": "11" * 32, "class": 7, "guidance": 2500, "steps": 25, "sampler": "ddim",
                 "width": 32, "height": 32, "seed": {"type": "text", "value": "hello"}},
    "mode": "seeded", "first_index": 0, "count": 16}


def print_vectors():
    for leaves in (1, 2, 3, 7):
        root = tree_root([numbered_leaf(i) for i in range(leaves)])
        print(f"root of {leaves} numbered leaves  ", root.hex())
    target = ((1 << 244) - 1).to_bytes(32, "big")
    root = tree_root([numbered_leaf(i) for i in range(3)])
    print("payload, 12 bits, 3 leaves ", payload(target, 3, root).hex())
    extranonce, nonce, digest = search(target, 3, root)
    print(f"stamp: extranonce 2 {extranonce}, nonce {nonce:08x}, hash {digest.hex()}")
    print("commitment                 ", commitment(EXAMPLE_REQUEST).hex())
    print("image seed 0, seeded       ", image_seed(EXAMPLE_REQUEST, 0).hex())
    stamped = dict(EXAMPLE_REQUEST, mode="stamped")
    print("image seed 5, stamped      ", image_seed(stamped, 5, digest).hex())
    private = sha256(b"calx-private-seed-1\0" + bytes(range(32)) + b"\x01" + u32(5) + b"hello")
    print("private seed commitment    ", private.hex())
    hidden = json.loads(json.dumps(EXAMPLE_REQUEST))
    hidden["identity"]["seed"] = {"type": "private", "value": private.hex()}
    print("image seed 0, private      ", image_seed(hidden, 0, salt=bytes(range(32))).hex())


def check(receipt):
    of = bytes.fromhex
    request, tree, stamp = receipt["request"], receipt["tree"], receipt["stamp"]
    yield "commitment", commitment(request).hex() == receipt["commitment"]
    leaf = leaf_hash(of(receipt["commitment"]), of(tree["salt"]))
    root = root_of(leaf, tree["index"], [of(s) for s in tree["siblings"]], stamp["leaves"])
    yield "tree path", root.hex() == stamp["root"]
    carried = payload(of(stamp["target"]), stamp["leaves"], of(stamp["root"]))
    fields = {name: int(stamp[name], 16) for name in ("version", "ntime", "nbits", "nonce")}
    fields |= {"part_1": of(stamp["coinbase_part_1"]), "en1": of(stamp["extranonce_1"]),
               "en2": of(stamp["extranonce_2"]), "previous": of(stamp["previous_hash"]),
               "branches": [of(branch) for branch in stamp["branches"]]}
    digest = sha256d(header(fields, carried))
    rolled = fields["version"] & ~VERSION_MASK == VERSION
    yield "stamp", rolled and meets(digest, of(stamp["target"])) and digest.hex() == stamp["hash"]
    if request["identity"]["seed"]["type"] != "private":
        images = receipt["images"]
        seeds = [image_seed(request, i["index"], digest).hex() for i in images]
        yield "seeds", seeds == [i["seed"] for i in images]


def main():
    if len(sys.argv) == 1:
        print_vectors()
        return 0
    with open(sys.argv[1], encoding="utf-8") as file:
        results = list(check(json.load(file)))
    for name, holds in results:
        print(f"{name:12}{'ok' if holds else 'FAIL'}")
    return 0 if all(holds for _, holds in results) else 1


if __name__ == "__main__":
    sys.exit(main())
