"""The stages of the workflow: which command makes each artefact, and what that command's code is.

A stage is a folder of the store, a rule and a command. Where a stage has variants (kinds of problem
sets, generation backends), the command imports the variant's module by name at run time, so that an
edit of one variant leaves the results of the others alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage: its command under `scripts/`, and the modules that a variant adds.

    `variant_param`: the key of `params` whose value picks the variant, or "" if there is none.
    `variant_module`: the module of a variant, with `{}` where the value goes.
    """

    command: str
    variant_param: str = ""
    variant_module: str = ""

    def variant(self, params: dict) -> str:
        """The variant that these params ask for, or "" where the stage has none."""
        return str(params.get(self.variant_param) or "") if self.variant_param else ""

    def code_roots(self, variant: str) -> list[str]:
        """The files, relative to `scripts/`, from which the code of this stage is reached."""
        roots = [self.command]
        if variant:
            roots.append(self.variant_module.format(variant))
        return roots


STAGES: dict[str, Stage] = {
    "problems": Stage("make_problems.py", "kind", "cotdistil/problems/{}.py"),
    "models": Stage("fetch_model.py", "kind", "cotdistil/models/{}.py"),
    "corpora": Stage("write_traces.py", "kind", "cotdistil/corpora/{}.py"),
    "token_counts": Stage("count_tokens.py"),
    "training_sets": Stage("build_training_set.py"),
    "pruned": Stage("prune_traces.py", "backend", "cotdistil/engines/{}_engine.py"),
    "sft": Stage("train_sft.py"),
    "samples": Stage("generate_samples.py", "backend", "cotdistil/engines/{}_engine.py"),
    "scores": Stage("score_samples.py"),
    "second_opinions": Stage("audit_scores.py"),
    "judgements": Stage("judge_mismatches.py"),
    "tables": Stage("summarize_scores.py"),
    "figures": Stage("plot_accuracy_tokens.py"),
    "ledger": Stage("tabulate_ledger.py"),
    "audit_tables": Stage("tabulate_audit.py"),
}
