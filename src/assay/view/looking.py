"""Single images: what each arm takes them for, and what a network makes of them."""

from starlette.routing import BaseRoute

ROUTES: list[BaseRoute] = []
