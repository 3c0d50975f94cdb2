"""What was done to each dataset, and what to do next, in words."""

from __future__ import annotations

from loaders.bigquery_setup.layout import Target
from loaders.bigquery_setup.run import Step

_DONE = {"create": ("would be made", "made"), "update": ("would be changed", "changed")}


def step_line(step: Step, *, is_dry_run: bool) -> str:
    name, life = step.dataset.name, step.dataset.expiration_days
    if step.action == "keep":
        return f"{name}: there, as it should be"
    planned, done = _DONE[step.action]
    details = ", ".join(step.reasons) or (f"tables live {life} days" if life else "tables do not expire")
    return f"{name}: {planned if is_dry_run else done} ({details})"


def next_lines(target: Target, project: str, location: str, prefix: str | None) -> list[str]:
    """Commands that lead on from here."""
    lines = [f"export POOLHOUSE_GCP_PROJECT={project}", f"export POOLHOUSE_BQ_LOCATION={location}"]
    if target is Target.DEVELOPMENT:
        lines.append(f"export POOLHOUSE_BQ_PREFIX={prefix}")
    if target is Target.PRODUCTION:
        lines.append("poolhouse load --chain ethereum --destination bigquery --last-blocks 1000 --rpc-url https://…")
    return [*lines, f"dbt build --target {target} --exclude-resource-type unit_test"]
