"""The measurements as a page and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import marked_text


def write(results: dict[str, Any], folder: Path) -> None:
    """Write benchmark.md and benchmark.png into the folder."""
    (folder / "benchmark.md").write_text(page(results))
    picture(results, folder / "benchmark.png")


def page(results: dict[str, Any]) -> str:
    """The results in Markdown."""
    lines = [
        "# Speed and memory", "",
        "One thread, one core, a synthetic house track at 44.1 kHz in stereo; medians of cpu "
        "seconds. Made by `make bench`; below each table the machine it was measured on.",
    ]  # fmt: skip

    def add(part: str, title: str, table: list[str]) -> None:
        lines.extend(["", f"## {title}", "", *table, "", _machine(results["machines"][part])])

    if "speed" in results:
        add("speed", "A five-minute track, everything included", speed_table(results["speed"]))
    if "stages" in results:
        add("stages", "Stage by stage, five minutes", _stages(results["stages"]))
    if "startup" in results:
        add("startup", "Start-up of the commands", _startup(results["startup"]))
    if "long" in results:
        add("long", "A long file", _long(results["long"]))
    if "overhead" in results:
        table = _overhead(results["overhead"], results["bare job"])
        add("overhead", "What the workflow adds", table)
    return "\n".join(lines) + "\n"


def _machine(where: dict[str, Any]) -> str:
    return (
        f"({where['processor']}, {where['cores']} cores, {where['memory_gb']} GB, "
        f"{where['system']}; Python {where['python']}, NumPy {where['numpy']}, "
        f"vectors: {where.get('loops', '-')}.)"
    )


def _long(long: dict[str, Any]) -> list[str]:
    return [
        f"{long['minutes']:.0f} minutes: {long['cpu']:.1f} s of cpu "
        f"({60 * long['minutes'] / long['cpu']:.0f} times faster than it plays), "
        f"{long['peak_mb']:.0f} MB at most.", "",
        "| threads | wall s | cpu s | peak MB |", "|---|---|---|---|",
        *(f"| {n} | {row['wall']:.1f} | {row['cpu']:.1f} | {row['peak_mb']:.0f} |"
          for n, row in long["threads"].items()),
    ]  # fmt: skip


def speed_table(speed: dict[str, dict[str, float]]) -> list[str]:
    """The systems side by side, dropgrid first, then what most people would take instead."""
    ours = speed["dropgrid"]["cpu"]
    names = {
        "dropgrid": "dropgrid analyze: beats, downbeats, tempo, sections, key, loudness",
        "mixxx": "mixxx-analyzer 0.1.2 (Mixxx's): beats, tempo, key, loudness",
        "open": "dropgrid with `bpm: {method: open}`, `key: {method: profiles}`",
        "librosa": "librosa: beat tracker",
        "madmom": "madmom 0.16.1: beat ensemble and tracker, downbeat ensemble and tracker",
    }
    lines = ["| | cpu s | times dropgrid | cpu s per minute | peak MB |", "|---|---|---|---|---|"]
    for key in [name for name in names if name in speed]:
        row = speed[key]
        peak = f"{row['peak_mb']:.0f}"
        if row["peak_minutes"] != 5:
            peak += f" (of {row['peak_minutes']:g} min)"
        lines.append(
            f"| {names[key]} | {row['cpu']:.2f} | {row['cpu'] / ours:.2f} | "
            f"{row['cpu'] / 5:.2f} | {peak} |"
        )
    return [
        *lines, "",
        "madmom and librosa are measured on a one-minute excerpt as WAV, the others on Ogg "
        "Vorbis; what is linear in the length is multiplied by five, start-up is not.",
    ]  # fmt: skip


def _stages(stages: dict[str, dict[str, float]]) -> list[str]:
    floor = stages["floor"]
    least = floor["transforms"] + floor["matrix products"]
    other = {k: v for k, v in stages["seconds"].items() if k.startswith("decoding ")}
    seconds = {k: v for k, v in stages["seconds"].items() if k not in other}
    total = sum(seconds.values())
    return [
        "| stage | cpu s | share |", "|---|---|---|",
        *(f"| {name} | {s:.2f} | {s / total:.0%} |" for name, s in seconds.items()),
        f"| all | {total:.2f} | |", "",
        "Decoding above is of a WAV; of the same music as "
        + ", ".join(f"{name.removeprefix('decoding ').upper()} {s:.2f} s"
                    for name, s in other.items()) + ".", "",
        f"The floor: the Fourier transforms at their best rate here take "
        f"{floor['transforms']:.2f} s, all matrix products of filterbanks and networks at "
        f"{floor['GFLOP/s']:.0f} GFLOP/s {floor['matrix products']:.2f} s: {least:.2f} s "
        f"together. The stages take {total / least:.1f} times that.",
    ]  # fmt: skip


def _startup(startup: dict[str, dict[str, float]]) -> list[str]:
    lines = ["| command | cpu s | peak MB |", "|---|---|---|"]
    for name, row in startup.items():
        lines.append(f"| dropgrid {name} | {row['cpu']:.2f} | {row['peak_mb']:.0f} |")
    return [*lines, "", "A library of one track of 3 s: nearly all of the time is start-up."]


def _overhead(rows: list[dict[str, Any]], bare_job: float) -> list[str]:
    heads = ("tracks", "cores", "minutes each", "cpu s of one in-process", "wall s",
             "in-process s / cores", "overhead (wall)", "overhead (cpu)", "load")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        cells = (
            row["tracks"], row["cores"], f"{row['minutes_each']:g}",
            f"{row['cpu_in_process']:.2f}", f"{row['wall']:.1f}", f"{row['wall_in_process']:.1f}",
            f"{row['overhead']:.2f}", f"{row['overhead_cpu']:.2f}", f"{row['load']:.1f}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return [
        *lines, "",
        "Overhead is wall time of `snakemake --cores N` times N, over the time of the same tracks "
        "analysed in one process (`dropgrid analyze`, which keeps no features), less 1; with cpu "
        "seconds instead of wall time in the other column, which other work on the machine "
        "disturbs less. Load is the machine's load average at the time: above the cores, the wall "
        "column says little.", "",
        f"A job that only starts Python and imports NumPy takes {bare_job:.3f} s.",
    ]  # fmt: skip


MARKER = "<!-- benchmark: python benchmarks/run.py writes what follows -->"


def figures(results: dict[str, Any]) -> str:
    """The figures that README.md shows, as a Markdown table."""
    speed = results["speed"]
    ours = speed["dropgrid"]["cpu"]
    lines = [
        "| five minutes of music, one core | CPU time | times dropgrid's | memory |",
        "|---|---|---|---|",
        *(
            f"| {name} | {speed[key]['cpu']:.1f} s | {_rounded(speed[key]['cpu'] / ours)} | "
            f"{_memory(speed[key])} |"
            for key, name in (("dropgrid", "dropgrid: beats, tempo, sections, key, loudness"),
                              ("mixxx", "mixxx-analyzer (Mixxx's): beats, tempo, key, loudness"),
                              ("open", "dropgrid with `bpm: {method: open}`, "
                                       "`key: {method: profiles}`"),
                              ("madmom", "madmom 0.16.1: beats and downbeats"))
            if key in speed
        ),
        "",
        " ".join(_sentences(results)),
    ]  # fmt: skip
    return "\n".join(lines)


def _memory(measured: dict[str, float]) -> str:
    """The memory for five minutes; empty where it was measured on another length."""
    return f"{measured['peak_mb']:.0f} MB" if measured["peak_minutes"] == 5 else ""


def _rounded(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def _sentences(results: dict[str, Any]) -> list[str]:
    """Below the table: its machine, what the workflow adds, a long file; as far as measured, and
    where that was on another machine, which."""
    processors = {part: where["processor"] for part, where in results["machines"].items()}
    here = processors["speed"]

    def on(part: str) -> str:
        return "" if processors[part] == here else f" ({processors[part]})"

    sentences = [f"({here}.)"]
    if rows := results.get("overhead"):
        shares = {row["tracks"]: row["overhead_cpu"] for row in rows}  # on most cores
        each = ", ".join(f"{share:.0%} at {tracks} tracks" for tracks, share in shares.items())
        sentences.append(f"Running the workflow adds {each} to the CPU time{on('overhead')}.")
    if long := results.get("long"):
        sentences.append(
            f"A file of {long['minutes'] / 60:g} hours takes {long['cpu']:.0f} s and "
            f"{long['peak_mb']:.0f} MB{on('long')}."
        )
    return sentences


def renew(readme: Path, results: dict[str, Any]) -> None:
    """Write the figures after MARKER into a document that has it."""
    if "speed" in results:
        marked_text.renew(readme, MARKER, figures(results))


def picture(results: dict[str, Any], path: Path) -> None:
    """Bars: cpu seconds of a five-minute track, and where dropgrid's go."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right, last) = plt.subplots(1, 3, figsize=(15, 3.6))
    if "speed" in results:
        names = list(results["speed"])
        seconds = [results["speed"][name]["cpu"] for name in names]
        bars = left.barh(names, seconds, color=["#2563eb"] + ["#94a3b8"] * 4)
        left.bar_label(bars, [f"{s:.1f} s" for s in seconds], padding=4)
        left.set_xlim(right=max(seconds) * 1.2)
        left.invert_yaxis()
    left.set_title("cpu of a five-minute track, one core")
    if "stages" in results:
        stages = {k: v for k, v in results["stages"]["seconds"].items() if "decoding " not in k}
        bars = right.barh(list(stages), list(stages.values()), color="#2563eb")
        right.bar_label(bars, [f"{s:.2f} s" for s in stages.values()], padding=4)
        right.set_xlim(right=max(stages.values()) * 1.2)
        right.invert_yaxis()
    right.set_title("where dropgrid's goes")
    rows = [row for row in results.get("overhead", []) if row["cores"] == 2]
    bars = last.barh([f"{row['tracks']} tracks" for row in rows],
                     [100 * row["overhead_cpu"] for row in rows], color="#2563eb")  # fmt: skip
    last.bar_label(bars, [f"{row['overhead_cpu']:.0%}" for row in rows], padding=4)
    last.invert_yaxis()
    last.set_title("what the workflow adds, % of cpu")
    for axes in (left, right, last):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
