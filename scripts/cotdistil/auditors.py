"""Whether those whom an audit asks can be asked, found out before a run of hours."""

from pathlib import Path

from cotdistil.config import Config
from cotdistil.plan import Plan
from cotdistil.store import record_path


def check_auditors(config: Config, plan: Plan) -> None:
    """Raise `UserError` if the plan lacks opinions that nobody here can give.

    That is, math-verify is not set up, or the environment does not name the judge's endpoint.
    """
    missing = {
        node.stage
        for address, node in plan.nodes.items()
        if node.stage in ("second_opinions", "judgements")
        and not Path(record_path(address)).exists()
    }
    if "second_opinions" in missing:
        from cotdistil.grading.second_opinions.math_verify_client import math_verify_python

        math_verify_python()
    if "judgements" in missing:
        from cotdistil.engines.openai_compatible import OpenAICompatibleClient

        OpenAICompatibleClient(config.audit.judge.base_url_env, config.audit.judge.api_key_env)
