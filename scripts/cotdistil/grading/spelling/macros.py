"""Tables of LaTeX macros and Unicode signs that mean the same."""

UNICODE = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "﹣": "-", "-": "-", "×": r"\times ", "·": r"\cdot ",
        "⋅": r"\cdot ", "∗": "*", "÷": "/", "π": r"\pi ", "∞": r"\infty ", 
        "≈": r"\approx ", "≡": r"\equiv ",
        "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
        "⁄": "/", "…": r"\ldots ", "∖": r"\setminus ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}",
        "∠": r"\angle ", "△": r"\triangle ", "⟨": "(", "⟩": ")", "⩾": r"\geq ",
        "≤": r"\leq ", "≥": r"\geq ", "⩽": r"\leq ", "≠": r"\neq ", "±": r"\pm ",
        "∓": r"\mp ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ",
        "°": r"^{\circ}", "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}",
        "¾": r"\frac{3}{4}", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "λ": r"\lambda ",
        "γ": r"\gamma ", "δ": r"\delta ", "φ": r"\phi ", "ω": r"\omega ", "μ": r"\mu ",
        "，": ",", "：": ":", "（": "(", "）": ")", "％": "%", "¥": "", "₹": "", "＝": "=",
        "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "′": "'", "“": '"', "”": '"',
    }
)  # fmt: skip


RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉ₙ", "0123456789n")
OR = "\x05"  # before an inequality that is an alternative to the one before it
CURRENCY = {r"\$": "\x02", "£": "\x03", r"\pounds": "\x03", "€": "\x04", r"\euro": "\x04"}
CURRENCY_NAMES = {"\x02": "dollar", "\x03": "gbp", "\x04": "eur"}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPACES = _names(r"\, \; \: \quad \qquad \enspace \thinspace ~ \> \medspace \thickspace") | {
    "\\ ",
    "\\\n",
}
SILENT = _names(
    r"\! \left \right \middle \big \Big \bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl"
    r" \Biggr \displaystyle \textstyle \scriptstyle \limits \nolimits \/ \negthinspace"
    r" \rm \bf \it \sf \tt \cal \vec \boldsymbol \bm \mathbf \mathit \mathsf \mathcal \mathnormal"
    r" \overrightarrow"
    r" \ensuremath \mathopen \mathclose \boxed \fbox \nobreak \allowbreak \mathstrut \strut"
)
DELIMITED = _names(r"\left \right")
TEXT = _names(
    r"\text \textbf \textit \textrm \textnormal \textsf \texttt \mbox \hbox \mathrm \operatorname"
    r" \emph"
)
ACCENTS = _names(r"\overline \bar \underline \hat \widehat \tilde \dot \ddot \mathbb")
ORDINALS = _names("th st nd rd")
FRACTIONS = {r"\frac": r"\frac", r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac",
             r"\binom": r"\binom", r"\dbinom": r"\binom", r"\tbinom": r"\binom"}  # fmt: skip
SYNONYMS = {
    r"\le": r"\leq", r"\leqslant": r"\leq", r"\leqq": r"\leq", r"\ge": r"\geq",
    r"\geqslant": r"\geq", r"\geqq": r"\geq", r"\lt": "<", r"\gt": ">", r"\ne": r"\neq",
    r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[", r"\rbrack": "]",
    r"\lparen": "(", r"\rparen": ")", r"\langle": "(", r"\rangle": ")", r"\lvert": "|",
    r"\rvert": "|", r"\vert": "|", r"\mid": "|", r"\lVert": r"\|", r"\rVert": r"\|",
    r"\cdot": "*", r"\times": "*", r"\ast": "*", r"\div": "/", r"\colon": ":", r"\infin": r"\infty",
    r"\varnothing": r"\emptyset", r"\degree": r"\text{degree}",
    r"\%": r"\text{%}", "%": r"\text{%}", r"\lg": r"\log", r"\Z": r"\mathbb{Z}",
    r"\R": r"\mathbb{R}", r"\bigcup": r"\cup", r"\lor": r"\text{or}", r"\land": r"\text{and}",
    r"\vee": r"\text{or}", r"\wedge": r"\text{and}", r"\&": "&", r"\#": "#", r"\_": "_",
    r"\simeq": r"\approx", r"\backslash": r"\setminus",
    r"\arctg": r"\arctan", r"\tg": r"\tan", r"\ctg": r"\cot", r"\varphi": r"\phi",
    r"\varepsilon": r"\epsilon", r"\dots": r"\ldots", r"\cdots": r"\ldots", r"\top": "T",
}  # fmt: skip
GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|rho|sigma|tau"
    "|upsilon|phi|chi|psi|omega|hbar|ell|Gamma|Delta|Theta|Lambda|Xi|Sigma|Phi|Psi|Omega"
)
MODULO = _names(r"\pmod \bmod \mod")
UNSEEN = _names(r"\color \textcolor \phantom \hspace \vspace \label \tag")
FUNCTIONS = _names("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh ln log exp")
INFINITY = _names("oo inf infty infinity")
