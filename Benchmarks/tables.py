"""The tables of a benchmark run, as Markdown."""

import collections
import statistics
from fractions import Fraction

def number(value, digits=3):
    if value is None:
        return ""
    if value == 0:
        return "0"
    if abs(value) >= 10 ** digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}" if abs(value) >= 0.001 else f"{value:.1e}"


def seconds_text(value):
    return "" if value is None else f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def peer_text(peer):
    if peer is None:
        return ""
    cost = seconds_text(peer["cpu"])
    if peer["verdict"] == "unknown":
        return f"> {cost}"
    if peer["verdict"] == "error":
        return "error"
    mark = " ✗" if peer["verdict"] == "violated" else ""
    if peer.get("mistaken"):
        mark = " **mistaken**"
    elif peer.get("confirmed") is False:
        mark = " ✗ (no such slope near its point)"
    return cost + mark


def bound_text(row):
    return "" if row.get("lowerBound") is None else number(float(Fraction(row["lowerBound"])))


def repair_text(row):
    """What would make an undecided property hold: a slope to add (or take away), and the most that it changes."""
    try:
        return ", ".join(f"{one['feature']} {number(float(Fraction(one['slope'])))} (change "
                         f"{number(float(Fraction(one['change'])))})" for one in row.get("repairs") or [])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return "unreadable"


def second_text(row):
    said = row.get("secondChecker", "")
    return seconds_text(row["secondCheckerCPU"]) if said == "valid" else said


def judged(row):
    """Of a property: what a reader can rely on."""
    if row.get("verdict") == "holds":
        return "ok" if row.get("accepted") else "NOT ACCEPTED"
    return "" if row.get("verdict") != "violated" else "not read" if row.get("unread") else "ok"


def cells(row, peers):
    if "error" in row:
        values = ["error", seconds_text(row["cpu"])] + [""] * 11
    else:
        share = row["provedShare"]
        values = [
            row["verdict"], seconds_text(row["cpu"]), seconds_text(row["cpuSeconds"]), str(row["leaves"]),
            number(row["proofBytes"], 12), seconds_text(row["checkSeconds"]), seconds_text(row.get("checkerCPU")),
            "" if row["verdict"] == "violated" else f"{100 * share:.4g} %",
            bound_text(row), repair_text(row), number(row.get("drop")), number(row["megabytes"]),
            second_text(row)]
    values = [row["query"]] + values + [peer_text((row.get("peers") or {}).get(peer)) for peer in peers]
    return values + ["; ".join(row["wrong"]) or judged(row)]


HEADINGS = ["network:feature", "verdict", "CPU s", "engine s", "leaves", "proof bytes", "check s", "vpals-check s",
            "proved", "lower bound", "repair", "drop", "MB", "second checker s"]
PEER_HEADINGS = {"smt": "Z3, whole query", "highs": "HiGHS", "scip": "SCIP"}


def markdown(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    return "\n".join(lines + ["| " + " | ".join(text.replace("|", "/") for text in row) + " |" for row in rows])


def results_table(rows, peers):
    return markdown(HEADINGS + [PEER_HEADINGS[p] for p in peers] + ["re-checked"], [cells(r, peers) for r in rows])


def peers_table(rows, peers):
    """How many of the shared queries each decided, and the ratio of CPU seconds where vPALs did."""
    lines = []
    shared = [row for row in rows if row.get("peers")]
    if not shared:
        return ""
    decided = [row for row in shared if row.get("verdict") in ("holds", "violated")]
    lines.append(["vPALs", f"{len(decided)} of {len(shared)}", seconds_text(sum(r["cpu"] for r in shared)), "", "", ""])
    for peer in peers:
        have = [row for row in shared if peer in row["peers"]]
        answered = [row for row in have if row["peers"][peer]["verdict"] in ("holds", "violated")]
        both = [row for row in answered if row in decided]
        limits = [row for row in have if row["peers"][peer]["verdict"] == "unknown" and row in decided]
        ratio = [row["peers"][peer]["cpu"] / max(row["cpu"], 1e-4) for row in both]
        ratio_limits = [row["peers"][peer]["cpu"] / max(row["cpu"], 1e-4) for row in limits]
        odd = sum(bool(row["peers"][peer].get("mistaken")) or row["peers"][peer].get("confirmed") is False
                  for row in have)
        lines.append([
            PEER_HEADINGS[peer], f"{len(answered)} of {len(have)}",
            seconds_text(sum(row["peers"][peer]["cpu"] for row in have)),
            f"{number(statistics.geometric_mean(ratio), 2)} ({len(both)})" if ratio else "",
            f"{number(statistics.geometric_mean(ratio_limits), 2)} ({len(limits)})" if ratio_limits else "", str(odd)])
    return markdown(["on the shared queries", "decided", "CPU s in all", "CPU s / vPALs' where both decide (queries)",
                     "at least, where only vPALs does (queries)", "mistaken or unconfirmed"], lines)


def totals(rows):
    """Lines of text."""
    verdicts = collections.Counter(row.get("verdict", "error") for row in rows)
    reasons = collections.Counter(row.get("reason") for row in rows if row.get("verdict") == "unknown")
    proofs = [row for row in rows if row.get("verdict") == "holds"]
    accepted = sum(bool(row.get("accepted")) for row in proofs)
    leaves = sum(row["leaves"] for row in proofs)
    data = sum(row["proofBytes"] or 0 for row in proofs)
    checking = sum(row["checkSeconds"] or 0 for row in proofs)
    lines = [
        f"{len(rows)} queries: {verdicts['holds']} hold, {verdicts['violated']} violated, "
        f"{verdicts['unknown']} undecided, {verdicts['error']} failed; "
        f"{sum(row['cpu'] for row in rows):.1f} CPU s, "
        f"most memory {max((r['megabytes'] for r in rows), default=0):.0f} MB",
        f"proofs: {accepted} of {len(proofs)} accepted by vpals-check; {leaves} leaves, {data} bytes"
        + (f", {data / leaves:.1f} bytes a leaf, {leaves / checking:.0f} leaves/s checked"
           if leaves and checking else "")]
    if reasons:
        lines.append("undecided: " + ", ".join(f"{count} × {reason}" for reason, count in reasons.items()))
    return lines


def second_checker_lines(properties):
    """One line, of what the second checker said about all properties of a run, if it was asked."""
    said = collections.Counter(row["secondChecker"] for row in properties if "secondChecker" in row)
    if not said:
        return []
    asked = said["valid"] + said["refused"]
    return [f"second checker: {said['valid']} of {asked} proofs valid" + "".join(
        f"; {count} {why}" for why, count in sorted(said.items()) if why.startswith("skipped"))]


# MARK: Other parts of a run


def skipped(rows):
    return "\n".join(f"- {row['skip']}" for row in rows if "skip" in row)


def own_table(rows):
    """Networks with specifications of their own: a line for each property, then one for each network."""
    properties, networks = [], []
    for row in (row for row in rows if "skip" not in row):
        wrong = "; ".join(row["wrong"])
        if "properties" not in row:
            networks.append([row["name"], "error", seconds_text(row["cpu"])] + [""] * 9 + [wrong])
            continue
        for one in row["properties"]:
            properties.append([
                row["name"], one["id"], one["verdict"], seconds_text(one["cpuSeconds"]), str(one["leaves"]),
                number(one["proofBytes"], 12), seconds_text(one["checkSeconds"]), second_text(one),
                "" if one["verdict"] == "violated" else f"{100 * one['provedShare']:.4g} %", bound_text(one),
                repair_text(one), number(one.get("drop")), judged(one)])
        verdicts = collections.Counter(one["verdict"] for one in row["properties"])
        proofs = [one for one in row["properties"] if one["verdict"] == "holds"]
        networks.append([
            row["name"], f"{verdicts['holds']} hold, {verdicts['violated']} violated, {verdicts['unknown']} undecided",
            seconds_text(row["cpu"]), seconds_text(row["wall"]),
            seconds_text(max(one["cpuSeconds"] for one in row["properties"])),
            seconds_text(statistics.median(one["cpuSeconds"] for one in row["properties"])),
            str(sum(one["leaves"] for one in proofs)), str(sum(one["proofBytes"] or 0 for one in proofs)),
            seconds_text(sum(one["checkSeconds"] or 0 for one in proofs)), seconds_text(row.get("checkerCPU")),
            number(row["megabytes"]), "" if row.get("heldOutR2") is None else f"{row['heldOutR2']:.3f}", wrong or "ok"])
    if not networks:
        return ""
    return markdown(["network", "property", "verdict", "engine s", "leaves", "proof bytes", "check s",
                     "second checker s", "proved", "lower bound", "repair", "drop", "re-checked"], properties) + "\n\n" + markdown(
        ["network", "all properties in one run", "CPU s", "wall s", "slowest, engine s", "median, engine s", "leaves",
         "proof bytes", "check s", "vpals-check s", "MB", "R² held out", ""], networks)


def threads_table(rows):
    lines = []
    for row in rows:
        one, two = (row["runs"][count] for count in (1, 2))
        lines.append([row["name"], one.get("verdict", "error"), two.get("verdict", "error"), str(one.get("leaves", "")),
                      seconds_text(one["wall"]), seconds_text(two["wall"]), f"{two['wall'] / one['wall']:.2f}",
                      seconds_text(one["cpu"]), seconds_text(two["cpu"]), f"{two['cpu'] / max(one['cpu'], 1e-4):.2f}",
                      "; ".join(row["wrong"]) or row["same"]])
    return lines and markdown(["network:feature", "one thread", "two threads", "leaves", "wall s, one", "wall s, two",
                               "ratio", "CPU s, one", "CPU s, two", "ratio", ""], lines)


def incremental_table(rows):
    lines = []
    for row in (row for row in rows if "skip" not in row):
        scratch, continued = row.get("scratch") or {}, row.get("continued") or {}
        both = {scratch.get("verdict"), continued.get("verdict")} in ({"holds"}, {"violated"})
        ratio = f"{row['continuedCPU'] / max(row['scratchCPU'], 1e-4):.2f}" if both else ""
        lines.append([row["name"], f"{100 * row['noise']:g} %", scratch.get("verdict", "error"),
                      seconds_text(row["scratchCPU"]), str(scratch.get("leaves", "")),
                      continued.get("verdict", "error") if row["noise"] else "",
                      seconds_text(row.get("continuedCPU")), str(continued.get("leaves", "")), ratio,
                      "; ".join(row["wrong"]) or "/".join(filter(None, map(judged, (scratch, continued))))])
    return lines and markdown(["network:feature", "noise", "from scratch", "CPU s", "leaves", "--from", "CPU s",
                               "leaves", "CPU ratio", "re-checked"], lines)
