"""The command line ``mcrepro``."""

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mcrepro._near import near_miss
from mcrepro.companion.project import DEFAULT_PROFILE, Project, available_cpus
from mcrepro.errors import BuildError, McreproError
from mcrepro.experiments import PROFILES

if TYPE_CHECKING:
    import pandas as pd

PROFILE = "MCREPRO_PROFILE"  # names the profile where the command line names none


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Errors that are meant for the reader are one message on standard error and status 1; a mistake
    in the command itself is status 2; Ctrl-C is 130.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # piped into head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"error: {error.strerror or error}{where}", file=sys.stderr)
        return 1
    except McreproError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is kept", file=sys.stderr)
        return 130
    return 0


def _build(arguments: argparse.Namespace) -> None:
    from mcrepro.companion.build import build

    project = Project.find()
    report = build(
        project,
        profile=arguments.profile,
        only=arguments.only,
        jobs=arguments.jobs,
        words=_words(arguments),
        force=arguments.force,
        timeout=arguments.timeout,
    )
    if report.missing:
        told = f"Without outputs, not executed in profile {arguments.profile}: "
        names = ", ".join(report.missing)
        print(textwrap.fill(told + names, 96, subsequent_indent="  ", break_on_hyphens=False))
        print("Links to the figures and tables of these pages stay plain text")
    print(
        f"Chapters: {len(report.executed)} executed, {len(report.reused)} unchanged; "
        f"site {'built' if report.site_built else 'unchanged'}; {report.seconds:.1f} s"
    )
    if agreement := _agreement(project):
        print(agreement)
    print(f"Open: {project.html / 'index.html'}")


def _agreement(project: Project) -> str:
    """Return which claims of the site disagree with the reference run, from the ledger's file."""
    path = project.html / "data" / "claims.json"
    if not path.is_file():
        return ""
    import pandas as pd

    from mcrepro import ledger

    return ledger.agreement_line(pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))))


def _run(arguments: argparse.Namespace) -> None:
    from mcrepro.companion.run import run_chapter

    own = run_chapter(
        Project.find(),
        arguments.chapter,
        _words(arguments),
        profile=arguments.profile,
        jobs=arguments.jobs,
        timeout=arguments.timeout,
    )
    print(f"Notebook: {own.notebook}")
    print(f"Open: {own.page}")


def _check(_arguments: argparse.Namespace) -> None:
    from mcrepro.companion.check import check_site

    project = Project.find()
    pages = project.toc()
    if not project.html.is_dir():
        raise BuildError("there is no site yet; run: mcrepro build")
    findings = check_site(project.html, pages)
    for finding in findings:
        print(finding)
    if findings:
        raise BuildError(f"the site has {len(findings)} fault{'s' * (len(findings) > 1)}")
    print(f"{len(pages)} pages, no fault")


def _archive(arguments: argparse.Namespace) -> None:
    from mcrepro.companion.release import archive

    project = Project.find()
    digest = archive(project, arguments.file)
    print(f"{digest}  {project.shown(arguments.file)}")


def _status(arguments: argparse.Namespace) -> None:
    from mcrepro.companion.build import statuses

    chapters = statuses(Project.find(), arguments.profile)
    width = max((len(chapter.name) for chapter in chapters), default=0)
    for chapter in chapters:
        profile, day, runtime, outcome = chapter.cells()
        print(f"{chapter.name:<{width}}  {outcome:<12}  {profile}  {day}  {runtime}")


def _data(arguments: argparse.Namespace) -> None:
    from mcrepro import data

    if arguments.action == "fetch":
        for path in data.fetch(arguments.name):
            print(path)
        return
    print(data.describe(arguments.name))


def _verdicts(arguments: argparse.Namespace) -> None:
    from mcrepro import ledger

    jobs = arguments.jobs or available_cpus()
    if arguments.save_reference:
        ledger.settled_commit()  # refuse now what would be refused at the end
    table = ledger.verdicts(profile=arguments.profile, jobs=jobs, paper=arguments.paper)
    checked = table[table["verdict"] != "not checked"]
    print(checked[["id", "verdict"]].to_string(index=False))
    print(ledger.summary(table).to_string())
    if agreement := ledger.agreement_line(table):
        print(agreement)
    if arguments.save_reference:
        commit = ledger.settled_commit()
        print(f"Saved: {ledger.save_reference(table, commit=commit)}")
        if arguments.profile == "paper":
            print(f"Saved: {ledger.save_tables(_protocols(checked), commit, jobs=jobs)}")
            # What chapters show beyond the claims; last, for nothing above depends on it.
            print(f"Saved: {ledger.save_tables(_others(arguments.paper), commit, jobs=jobs)}")


def _protocols(verdicts: "pd.DataFrame") -> list[str]:
    """Return the protocols that decided claims."""
    names = [name for cell in verdicts["protocol"] for name in cell.split("; ") if name]
    return list(dict.fromkeys(names))


def _others(paper: str | None) -> list[str]:
    """Return the protocols, of one paper or all, that no claim names."""
    from mcrepro import experiments, ledger

    claimed = {check.protocol for claim in ledger.load() for check in claim.checks}
    names = [name for name in experiments.names() if name not in claimed]
    return [name for name in names if paper in (None, name.partition("-")[0])]


def _diff(arguments: argparse.Namespace) -> None:
    from mcrepro import ledger

    table = ledger.changes(ledger.reference_at(arguments.revision), ledger.load_reference())
    if table.empty:
        print(f"No number and no verdict of the reference changed since {arguments.revision}")
        return
    print(table.to_string(index=False, na_rep="–"))
    new, gone = table["before"].isna(), table["after"].isna()
    verdicts = table[table["verdict before"] != table["verdict after"]]
    print(
        f"{(~new & ~gone).sum()} numbers changed, {new.sum()} new, {gone.sum()} gone; "
        f"{verdicts['id'].nunique()} claims have another verdict"
    )


def _students(arguments: argparse.Namespace) -> None:
    from mcrepro.companion.build import select
    from mcrepro.companion.students import edition

    project = Project.find()
    chapters = edition.chapters_with_exercises(project)
    if arguments.chapter:
        names = select([chapter.name for chapter in chapters], arguments.chapter)
        chapters = [chapter for chapter in chapters if chapter.name in names]
    folder = Path(arguments.folder) if arguments.folder else project.build / "students"
    words = _words(arguments)
    for notebook in edition.make(project, chapters, folder, arguments.exercise, words):
        print(project.shown(notebook))
    if not arguments.prove:
        return
    jobs = arguments.jobs or available_cpus()
    faults = edition.prove_all(project, chapters, arguments.exercise, words, jobs)
    for fault in faults:
        print(fault)
    if faults:
        raise BuildError(f"the grading has {len(faults)} fault{'s' * (len(faults) > 1)}")


def _clean(arguments: argparse.Namespace) -> None:
    project = Project.find()
    if not project.build.is_dir():
        return
    for path in sorted(project.build.iterdir()):
        if path.name == "cache" and not arguments.cache:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        print(f"removed {project.shown(path)}")


def _words(arguments: argparse.Namespace) -> dict[str, str]:
    return dict(arguments.parameter)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mcrepro", description="Build the executable book about matrix completion."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    def executing(sub: argparse.ArgumentParser) -> None:
        _profile(sub)
        _jobs(sub)
        _parameter(sub)
        sub.add_argument(
            "--timeout",
            type=_positive,
            metavar="SECONDS",
            help="time that one cell may take (default: 120 smoke, 900 quick, no limit paper)",
        )

    sub = add("build", _build, "Execute the notebooks that changed and build the site.")
    executing(sub)
    sub.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="CHAPTER",
        help="execute only these chapters (patterns such as 'onesided/*'); "
        "the others are shown as they were stored, or without outputs",
    )
    sub.add_argument("--force", action="store_true", help="execute also what did not change")

    sub = add("run", _run, "Execute one chapter with your own parameters, beside the book.")
    sub.add_argument("chapter", metavar="CHAPTER", help="such as onesided/estimators")
    executing(sub)

    add("check", _check, "Look for faults in the built site.")
    sub = add("archive", _archive, "Pack the built site into a zip that opens offline.")
    sub.add_argument("file", type=Path, metavar="FILE", help="the zip to write")
    _profile(add("status", _status, "List the chapters and whether their outputs are current."))

    data = add("data", _data, "List the real data sets, or get one.")
    actions = data.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list the data sets, or all about one of them")
    listing.add_argument("name", metavar="NAME", nargs="?")
    fetch = actions.add_parser("fetch", help="download one, or say how to get it")
    fetch.add_argument("name", metavar="NAME")

    sub = add("verdicts", _verdicts, "Compute the verdict of every registered claim.")
    _profile(sub)
    _jobs(sub)
    sub.add_argument("--paper", metavar="KEY", help="only the claims of this paper")
    sub.add_argument(
        "--save-reference", action="store_true", help="keep the estimates in book/reference"
    )

    sub = add("diff", _diff, "List numbers and verdicts of the reference that changed.")
    sub.add_argument("revision", metavar="REVISION", help="a revision of git to compare with")

    sub = add("students", _students, "Make nbgrader assignments of the exercises.")
    sub.add_argument("chapter", metavar="CHAPTER", nargs="*", help="default: all with exercises")
    sub.add_argument(
        "--exercise", nargs="+", default=[], metavar="LABEL", help="only these, of one chapter"
    )
    _parameter(sub)
    sub.add_argument("--folder", metavar="FOLDER", help="course folder (default: _build/students)")
    sub.add_argument(
        "--prove",
        action="store_true",
        help="grade reference answers, empty notebooks and planted mistakes, and say what is wrong",
    )
    _jobs(sub)

    sub = add("clean", _clean, "Remove what was built; finished trials are kept.")
    sub.add_argument("--cache", action="store_true", help="remove the finished trials too")
    return parser


def _profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        type=_profile_name,
        default=os.environ.get(PROFILE, DEFAULT_PROFILE),
        metavar="{" + ",".join(PROFILES) + "}",
        help=f"sizes and trials (default: ${PROFILE}, else {DEFAULT_PROFILE})",
    )


def _parameter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter of the chapter; may be repeated",
    )


def _jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=_positive, metavar="N", help="processors to use (default: all)"
    )


def _profile_name(text: str) -> str:
    # A type and not choices: argparse does not hold a default against those.
    if text not in PROFILES:
        raise argparse.ArgumentTypeError(f"unknown profile {text!r}{near_miss(text, PROFILES)}")
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number from 1; got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
