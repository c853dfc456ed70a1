"""The stages of the workflow: which command makes each artefact, and what that command's code is.

A stage is a folder of the store, a rule and a command. Where a stage has variants (kinds of problem
sets, generation backends), the command imports the variant's module by name at run time, so that an
edit of one variant leaves the results of the others alone.

`answers` and `validations` are no artefacts: their versions are those of the code which decides a
single answer of a teacher, or of a student that is asked about steps. Answers are used again as
long as it stands, whatever becomes of the code around it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage: its command under `scripts/`, and the modules that a variant adds.

    `variant_param`: the key of `params` whose value picks the variant, or "" if there is none.
    `variant_module`: the module of a variant, with `{}` where the value goes.
    `variant_optional`: whether there are nodes without a variant too.
    `by_content`: whether what was made of inputs with the same content, under other keys, is taken
    over: for stages that cost much and that write no key into what they make.
    """

    command: str
    variant_param: str = ""
    variant_module: str = ""
    variant_optional: bool = False
    by_content: bool = False

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
    "held_out": Stage("hold_out_problems.py"),
    "screening": Stage("screen_problems.py"),
    "models": Stage("fetch_model.py", "kind", "cotdistil/models/{}.py"),
    "answers": Stage("cotdistil/teaching/teacher.py", "backend", "cotdistil/teaching/ask_{}.py"),
    "responses": Stage("generate_responses.py", "backend", "cotdistil/teaching/ask_{}.py"),
    "corpora": Stage("write_traces.py", "kind", "cotdistil/corpora/{}.py"),
    "token_counts": Stage("count_tokens.py", by_content=True),
    "training_sets": Stage("build_training_set.py"),
    "steps": Stage(
        "segment_thinking.py", "backend", "cotdistil/engines/{}_engine.py", by_content=True
    ),
    "validations": Stage(
        "cotdistil/pruning/student.py", "backend", "cotdistil/engines/{}_engine.py"
    ),
    "pruned": Stage(
        "prune_traces.py",
        "backend",
        "cotdistil/engines/{}_engine.py",
        variant_optional=True,  # cutters that ask no student
        by_content=True,
    ),
    "sft": Stage("train_sft.py", by_content=True),
    "samples": Stage(
        "generate_samples.py", "backend", "cotdistil/engines/{}_engine.py", by_content=True
    ),
    "scores": Stage("score_samples.py", by_content=True),
    "second_opinions": Stage("audit_scores.py", by_content=True),
    "judgements": Stage("judge_mismatches.py", by_content=True),
    "tables": Stage("summarize_scores.py"),
    "figures": Stage("plot_accuracy_tokens.py"),
    "ledger": Stage("tabulate_ledger.py"),
    "pruning_tables": Stage("tabulate_pruning.py"),
    "audit_tables": Stage("tabulate_audit.py"),
    "trace_browsers": Stage("browse_traces.py", by_content=True),
    "trace_index": Stage("index_browsers.py"),
}
