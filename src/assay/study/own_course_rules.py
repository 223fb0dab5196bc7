"""A user's own learning rules in a course's style, for use in a study; adapted as `assay check` does."""

from collections.abc import Mapping
from inspect import isclass
from types import FunctionType
from typing import Any

from assay.errors import AssayError, StudyError, UsageError, shown
from assay.nn.coursework.making import expect_makeable
from assay.nn.coursework.signatures import arguments as signature_of
from assay.optim.course_rule import CourseRule, RuleSource
from assay.optim.rule_styles import STYLES, as_stepping_rule, has_steps, started_anew
from assay.study.own_code import OwnClass, blamed
from assay.study.own_coursework import written


def own_course_rule(own: OwnClass, found: object, arguments: Mapping[str, Any], where: str) -> CourseRule:
    """Return a class or function of a user's file, in any style that `assay check` takes, as a learning rule.

    Raises `StudyError`, in one line, for what is not a rule, for arguments that it does not take, and for a
    rule whose steps cannot be taken one parameter at a time.
    """
    try:
        if not isclass(found) and not isinstance(found, FunctionType):
            raise UsageError(f"expected a class or a function; got {shown(found)}")
        if isclass(found) and has_steps(found):
            params = list(signature_of(found))[:1] if as_stepping_rule(found, {}) else []
            expect_makeable(found, {**dict.fromkeys(params), **arguments}, "add {} = ... to optimizer")
        with blamed(own.digest):
            start = started_anew(found, arguments)
            if start is not None:
                return CourseRule.of(RuleSource.of(own, own.digest, written(arguments), start))
    except AssayError as error:
        raise StudyError(f"{where}: {own}: {error}") from error.__cause__
    raise StudyError(
        f"{where}: {own}: expected a class derived from assay's Optimizer, or one with {STYLES}; "
        "found none of them"
    )
