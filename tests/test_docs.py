"""README and docs are true: their code runs, their commands exist, their links lead somewhere."""

import json
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean

import pytest

from baselines.laboratory import pages, results
from baselines.report.paper import OUTCOMES
from baselines.reproduce.experiments import EXPERIMENTS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", [page for page in PAGES if "```python" in page.read_text()], ids=str)
def test_python_blocks_run(page):
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def commands() -> set[str]:
    return {module for page in PAGES for module in re.findall(r"python -m ([a-z_]+\.[a-z_]+)", page.read_text())}


@pytest.mark.slow
@pytest.mark.parametrize("module", sorted(commands()))
def test_commands_exist_and_explain_themselves(module):
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and "usage" in done.stdout.lower(), done.stderr


def test_commands_are_found_at_all():
    assert {"agents.collect", "baselines.pipeline", "jumppad_env.bench"} <= commands()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_to_files(page):
    text = page.read_text()
    targets = re.findall(r"\]\(([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    local = [target for target in targets if not target.startswith(("http:", "https:"))]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert not missing


def test_the_page_of_results_is_what_their_files_say():
    made = results.load(ROOT / "docs" / "results", EXPERIMENTS)
    assert (ROOT / "docs" / "results.md").read_text() == pages.markdown(made, "results")
    for result in made:
        for suffix in ("csv", "table.csv", "png", "svg"):
            assert (ROOT / "docs" / "results" / f"{result.experiment.name}.{suffix}").is_file()


def test_the_outcomes_of_the_readme_are_the_means_of_the_published_rows():
    agents = {
        "people (demonstrations)": ("demonstrations", ""),
        "base": ("base", ""),
        "fine-tuned": ("finetuned", ""),
        "**aligned left**": ("aligned", "left"),
        "**aligned right**": ("aligned", "right"),
    }
    rows = json.loads((ROOT / "docs" / "results" / "outcomes.json").read_text())["rows"]
    for name, (stage, target) in agents.items():
        some = [row for row in rows if (row["stage"], row["target"]) == (stage, target)]
        means = " | ".join(f"{100 * mean(row[pad] for row in some):.1f}" for pad in ("none", "left", "middle", "right"))
        paper = OUTCOMES.get(f"{stage} {target}".strip(), ()) if stage != "demonstrations" else ()
        assert f"| {name} | {some[0]['episodes']:,} | {means} | {' / '.join(map(str, paper))} |" in README


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE))
    assert targets == {"quick", "setup", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
