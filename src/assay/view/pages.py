"""The pages: the overview, a study, its report, and two studies side by side."""

from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from assay.findings.curves import METRICS
from assay.report import figures, html, layer_figures
from assay.report.text import duration
from assay.results import Results
from assay.view.followed import Followed
from assay.view.guard import REPORT_POLICY
from assay.view.shelf import Shelf
from assay.view.summary import overview

TROUBLE = {401: "Not let in", 404: "Nothing here", 405: "Not like this", 422: "Cannot be read"}
NOT_BEGUN = "The study has not begun: its images are being read. This page shows it as soon as it has."


@cache
def environment() -> Environment:
    """Return the templates, the report's among them; every value is escaped."""
    loader = ChoiceLoader([PackageLoader("assay.view"), PackageLoader("assay.report")])
    found = html.environment().overlay(loader=loader)
    found.globals.update(duration=duration, metrics=dict(_titles()), quantities=layer_figures.TITLES)
    return found


def render(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page made from a template in ``templates`` that extends ``page.html.j2``."""
    text = environment().get_template(template).render(path=request.url.path, **values)
    return HTMLResponse(text, status_code=status)


def trouble(request: Request, status: int, why: str) -> HTMLResponse:
    """Return a page that says why there is no other."""
    return render(request, "trouble.html.j2", status, title=TROUBLE.get(status, "No"), why=why, again=False)


def study_of(request: Request) -> Followed:
    """Return the study that a request is about: the one with the id in its path."""
    shelf: Shelf = request.app.state.shelf
    return shelf.study(request.path_params["key"])


def head_of(found: Followed, tab: str) -> dict[str, Any]:
    """Return what a study's head shows, above the tab called ``tab``."""
    results = found.look()
    synthetic = results.header.synthetic
    return {"key": found.key, "study": results.study, "synthetic": synthetic, "tab": tab}


def _titles() -> list[tuple[str, str]]:
    return [(metric, figures.TITLES[metric]) for metric in METRICS]


def _overview(request: Request) -> Response:
    return render(request, "overview.html.j2", studies=overview(request.app.state.shelf))


def _study(request: Request) -> Response:
    if request.app.state.shelf.awaits(request.path_params["key"]):
        return render(request, "trouble.html.j2", 404, title="Not begun yet", why=NOT_BEGUN, again=True)
    found = study_of(request)
    planned = [arm.settings.recipe.epochs for arm in found.look().study.arms]
    return render(request, "study.html.j2", **head_of(found, "live"), planned=planned)


def _report(request: Request) -> Response:
    found = study_of(request)
    return render(request, "report_frame.html.j2", **head_of(found, "report"))


def _report_alone(request: Request) -> Response:
    found = study_of(request)
    with Results.open(found.folder, watch=True) as results:
        text = drawn(found, results)
    return HTMLResponse(text, headers={"content-security-policy": REPORT_POLICY})


def drawn(found: Followed, results: Results) -> str:
    """Return a study's report as `assay report` writes it, drawn once for each state of the results."""
    from assay.findings.findings import build
    from assay.findings.inside import look_inside

    digest = results.digest
    if found.report is None or found.report[0] != digest:
        found.report = digest, html.render(build(results, look_inside(results)))
    return found.report[1]


def _compare(request: Request) -> Response:
    shelf: Shelf = request.app.state.shelf
    keys = [request.query_params.get(side, "") for side in ("a", "b")]
    chosen = [shelf.study(key) for key in keys if key]
    if len(chosen) == 1:
        raise HTTPException(404, "two studies are compared; the address names one")
    named = [
        (found.key, found.look().study, f"{side}, {found.folder.name}")
        for side, found in zip("AB", chosen, strict=False)
    ]
    return render(request, "compare.html.j2", chosen=named, studies=overview(shelf))


ROUTES: list[BaseRoute] = [
    Route("/", _overview),
    Route("/study/{key}", _study),
    Route("/study/{key}/report", _report),
    Route("/study/{key}/report.html", _report_alone),
    Route("/compare", _compare),
]
