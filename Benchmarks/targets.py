"""What verification is meant to cost, and whether a run met it."""

from tables import PEER_HEADINGS, bound_text, markdown, number, repair_text, seconds_text

# Query: seconds to prove and check it in, and the time it is given.
QUERIES = {
    "n12_2x16_mono_s0:0": (0.1, 20), "n12_2x32_mono_s0:0": (4, 20), "n6_4x64_mono_s0:0": (20, 60),
    "n12_3x32_mono_s0:0": (60, 60), "n12_2x64_mono_s0:0": (60, 60), "n24_2x32_mono_s0:0": (60, 60),
}
# Network: seconds for its slowest property, seconds for all of them.
RECIPE = {
    "n12_3x64": (1, 3), "n16_4x64": (None, 300), "n9_300-300": (None, 300),
    "n12_4x256_signed": (0.1, None),
}
RECIPE_LIMITS = {"n12_3x64": 60, "n16_4x64": 300, "n9_300-300": 300, "n12_4x256_signed": 60}
# Violated queries: refuted, exactly, before the peers do.
REFUTED = ["n24_2x8_free_s0:1", "n12_2x16_free_s0:1", "n24_2x16_free_s0:5", "n12_2x32_free_s0:5", "n24_2x32_free_s0:7",
           "n12_3x32_free_s0:1"]
LEAVES_PER_SECOND, BYTES_PER_LEAF, MEGABYTES = 30_000, 40, 1000
CHECKER_NETWORK = "n12_3x64"  # the one that the checker's figures are meant for, if its proofs are long enough
CHECKER_LEAVES = 1000


def targets_table(rows, recipes, options):
    """rows: of the queries; recipes: of the recipe's networks."""
    lines = query_lines(rows)
    for row in recipes:
        lines += recipe_lines(row)
    if options.targets:
        missing = [name for name in RECIPE if name not in {row["name"] for row in recipes}]
        why = "not there" if options.recipe else "not run (--recipe)"
        lines += [[name, " / ".join(f"{target:g} s" for target in RECIPE[name] if target), why, "", ""]
                  for name in missing]
    lines += checker_lines(rows, recipes) + memory_lines(rows + recipes)
    lines += [refuted_line(row, options.peers) for row in rows if row["query"] in REFUTED]
    return lines and markdown(
        ["", "target", "measured median", "", "where undecided: certified lower bound; repair"], lines)


def met(is_met):
    return "met" if is_met else "missed"


def query_lines(rows):
    lines = []
    for row in (row for row in rows if row["query"] in QUERIES):
        target, _ = QUERIES[row["query"]]
        decided = row.get("verdict") in ("holds", "violated")
        cost = row["cpu"] + (row.get("checkerCPU") or 0)
        measured = seconds_text(cost) + " s" if decided else f"undecided after {row['limit']} s"
        lines.append([f"{row['query']}: proof and check", f"{target:g} s", measured, met(decided and cost <= target),
                      undecided_text([row])])
    return lines


def undecided_text(rows):
    """Bound and repair of the undecided ones among properties."""
    return "; ".join(f"{bound_text(row)}; {repair_text(row) or 'none'}" for row in rows
                     if row.get("verdict") == "unknown")


def recipe_lines(row):
    if row["name"] not in RECIPE or "properties" not in row:
        return []
    each, every = RECIPE[row["name"]]
    undecided = [one for one in row["properties"] if one["verdict"] == "unknown"]
    note, lines = undecided_text(undecided), []
    if each is not None:
        slowest = max(one["cpuSeconds"] + (one["checkSeconds"] or 0) for one in row["properties"])
        measured = f"undecided: {len(undecided)}" if undecided else f"{seconds_text(slowest)} s"
        lines.append([f"{row['name']}: slowest property", f"{each:g} s", measured,
                      met(not undecided and slowest <= each), note])
    if every is not None:
        cost = row["cpu"] + (row.get("checkerCPU") or 0)
        measured = f"undecided: {len(undecided)}" if undecided else f"{seconds_text(cost)} s"
        repaired = undecided and all(one.get("repairs") for one in undecided)
        verdict = "missed, but can be repaired" if repaired else met(not undecided and cost <= every)
        lines.append([f"{row['name']}: all {len(row['properties'])} properties", f"{every:g} s", measured, verdict,
                      note])
    return lines


def checker_lines(rows, recipes):
    """Of the largest proof of the network that the targets name, or of any."""
    own = [(one, f"{row['name']}, {one['id']}") for row in recipes for one in row.get("properties", [])
           if row["name"] == CHECKER_NETWORK]
    is_long = any((one.get("leaves") or 0) >= CHECKER_LEAVES for one, _ in own)
    every = own if is_long else [(row, row["query"]) for row in rows] or own
    proofs = [(one, name) for one, name in every if one.get("verdict") == "holds" and one.get("checkSeconds")]
    if not proofs:
        return []
    one, name = max(proofs, key=lambda pair: pair[0]["leaves"])
    speed = one["leaves"] / one["checkSeconds"]
    lines = [[f"checker, {one['leaves']} leaves of {name}", f"{LEAVES_PER_SECOND} leaves/s",
              f"{number(speed)} leaves/s", met(speed >= LEAVES_PER_SECOND), ""]]
    # The header of a small proof outweighs its leaves.
    size, name = max((one["proofBytes"] / one["leaves"], name) for one, name in proofs
                     if one["leaves"] >= min(100, max(other["leaves"] for other, _ in proofs)))
    return lines + [[f"size, {name}", f"{BYTES_PER_LEAF} bytes a leaf", f"{number(size)} bytes a leaf",
                     met(size <= BYTES_PER_LEAF), ""]]


def memory_lines(rows):
    most = max(rows, key=lambda row: row.get("megabytes", 0), default={})
    if "megabytes" not in most:
        return []
    return [[f"peak memory, {most.get('query', most.get('name'))}", f"{MEGABYTES} MB", f"{most['megabytes']:.0f} MB",
             met(most["megabytes"] <= MEGABYTES), ""]]


def peer_note(peer):
    if peer["verdict"] == "unknown":
        return "> "
    return "mistaken, " if peer.get("mistaken") else "unconfirmed, " if peer.get("confirmed") is False else ""


def refuted_line(row, with_peers):
    name = f"{row['query']}: refuted, exactly"
    if row.get("verdict") != "violated":
        return [name, "before the peers", row.get("verdict", "error"), "missed", undecided_text([row])]
    peers = {key: peer for key, peer in (row.get("peers") or {}).items() if key != "smt"}
    others = [f"{PEER_HEADINGS[key]} {peer_note(peer)}{seconds_text(peer['cpu'])} s" for key, peer in peers.items()
              if peer["verdict"] != "error"]
    first = all(row["cpu"] < peer["cpu"] for peer in peers.values() if peer["verdict"] == "violated")
    verdict = met(first) if others else "no peer ran" if with_peers else "no peer asked (--peers)"
    return [name, "before " + (", ".join(others) or "the peers"), seconds_text(row["cpu"]) + " s", verdict, ""]

