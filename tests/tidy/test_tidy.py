"""The style of the sources, enforced by a test.

  test_tidy.py SOURCE_DIR CC [-I...]

One name has one meaning (struct, union and enum tags), a header is guarded by its path and compiles
alone and after every other, a static function carries its noun, a public function is named after the
file that declares it and is used by more than tests, files that comments name exist, functions and
files keep to the limits of CONTRIBUTING.md, words that this project has replaced are absent, and only a
few files know the statistics of regression."""
import collections
import fnmatch
import os
import re
import subprocess
import sys
import tempfile

ROOT, CC, FLAGS = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]
LINES_OF_FUNCTION, PARAMETERS, LINES_OF_FILE = 70, 6, 700
ONE_WORD, DISAGREE = 0.03, 0.05  # shares that pass: of static functions, of public functions

# What a word became: a glance at CONTRIBUTING.md's glossary says why.
GONE = {
    r"\bset(s|ting)? (\w+ ){0,2}aside\b": "rejected, or unreadable",
    r"\bcrown(s|ed)?\b": "set champion",
    r"\bblame[sd]?\b": "error by segment",
    r"\bledger\b": "run summary",
    r"\blineup\b": "loaded models",
    r"\bbereft\b": "topic deleted",
    r"\btorn\b": "interrupted",
    r"\bastray\b": "offset out of range",
    r"\bhold_to_account\b": "error by segment",
    r"\bfeel_rhythm\b": "hourly error",
    r"\bmovers\b": "top drifted features",
    r"\btold\b": "notified, reported, distinguished, ...",
    r"\bwhoever\b": "name the actor",
    r"\bis none of\b": "is not one of",
    r"\bcomes? about\b": "happens",
    r"\bfor ever\b": "forever",
    r"\bhangs? on\b": "depends on",
}
# Signatures that libraries prescribe, functions that only their own test or generated page calls, headers of
# others that comments name.
CALLBACKS = {"on_request", "lw_http_tls_choose", "lw_kafka_log_verify"}
SEAMS = {"lw_post", "lw_change_width", "lw_producer_refused", "lw_access_rules"}
FOREIGN = {"rdkafka.h"}
# A task's own statistics, and the only files that name them: its row and its sums, the table of metrics, the
# least-squares fit with its own RMSE, and the baselines of `train --table`.
REGRESSION = r"rmse|\bmae\b|R²|\blw_errors(_\w+)?\b"
OF_REGRESSION = {"src/core/task_regression.c", "src/core/losses.h", "src/core/metrics.c", "include/leeway/errors.h",
                 "src/sketch/errors.c", "src/model/fit.c", "src/model/fit.h", "src/cli/train.c", "src/cli/train_table.c"}
failures = []


def fail(where, text):
    failures.append(f"{where}: {text}")


def walk():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in (".git", "build", "__pycache__"))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), ROOT)


everything_there = list(walk())


def listed(*patterns):
    """Files that match a pattern (`*` matches `/` too) or lie in a folder of that name."""
    return [p for p in everything_there if any(fnmatch.fnmatch(p, w) or p.startswith(w + "/") for w in patterns)]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def blank(text, strings=True):
    """The code with comments (and strings) replaced by spaces; lines stay where they are."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]) if strings or m[0][0] == "/" else m[0], text, flags=re.S)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


headers = [p for p in listed("src/*.h", "include/*.h", "tests/*.h", "benchmarks/*.h") if "/data/" not in p]
sources = listed("src/*.c")
texts = {p: read(p) for p in headers + sources + listed("tests/*.c", "benchmarks/*.c", "examples/*.c")}
code = {p: blank(t) for p, t in texts.items()}


def check_tags():
    """A tag is defined once among the library's files."""
    seen = collections.defaultdict(list)
    for path in headers + sources:
        if path.startswith(("src/", "include/")):
            for m in re.finditer(r"\b(struct|union|enum)\s+(\w+)\s*\{", code[path]):
                seen[m[2]].append(f"{path}:{line_of(code[path], m.start())}")
    for tag, places in sorted(seen.items()):
        if len(places) > 1:
            fail(places[0], f"the tag {tag} is also defined at {', '.join(places[1:])}")


def guard_of(path):
    if path.startswith("include/leeway/"):
        path = "leeway/" + path[len("include/leeway/"):]
        return re.sub(r"\W", "_", path).upper()
    return "LW_" + re.sub(r"\W", "_", path[4:] if path.startswith("src/") else path).upper()


def check_headers():
    """Guards are paths; every header compiles alone, and after all others in both orders."""
    for path in headers:
        found = re.search(r"#ifndef (\w+)\n#define (\w+)\n", texts[path])
        if not found or found[1] != guard_of(path) or found[2] != guard_of(path):
            fail(path, f"the guard is not {guard_of(path)}")
    own = [p for p in headers if p.startswith(("src/", "include/"))]
    lines = ['#include "%s"\n' % os.path.join(ROOT, p) for p in own]
    compiles("all headers in order", "".join(lines))
    compiles("all headers in reverse order", "".join(reversed(lines)))
    for path, line in zip(own, lines):
        compiles(path, line)


def compiles(where, text):
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write(text + "typedef int not_empty;\n")
        file.flush()
        done = subprocess.run([CC, "-std=c11", "-D_DEFAULT_SOURCE", "-D_POSIX_C_SOURCE=200809L", "-fsyntax-only", *FLAGS,
                               file.name], capture_output=True, text=True)
    if done.returncode:
        fail(where, "does not compile: " + " | ".join(x for x in done.stderr.split("\n") if "error" in x)[:600])


FUNCTION = re.compile(r"^(?P<static>static )?(?:inline )?(?:const )?(?:struct |union |enum |unsigned )*\w+[ \*]+"
                      r"(?P<name>\w+)\((?P<args>[^;{]*?)\)\s*(?:__attribute__\(\([^;{]*\)\)\s*)?(?P<end>[;{])", re.M | re.S)


def parameters(text):
    """The number of parameters; those of a function pointer are its own."""
    inner = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", text))
    return inner.count(",") + 1 - ("..." in inner)


def check_functions():
    """Names and sizes of functions."""
    static, words = 0, []
    for path in sources:
        for m in FUNCTION.finditer(code[path]):
            where = f"{path}:{line_of(code[path], m.start())}"
            if m["end"] == "{":
                length = code[path].find("\n}", m.end()) + 1
                if code[path].count("\n", m.start(), length) + 1 > LINES_OF_FUNCTION:
                    fail(where, f"{m['name']} has more than {LINES_OF_FUNCTION} lines")
                if parameters(m["args"]) > PARAMETERS and m["name"] not in CALLBACKS:
                    fail(where, f"{m['name']} has more than {PARAMETERS} parameters")
            if m["static"] and m["end"] == "{":
                static += 1
                if "_" not in m["name"]:
                    words.append(f"{where} {m['name']}")
    if len(words) > ONE_WORD * static:
        fail("src", f"{len(words)} of {static} static functions are one word:\n    " + "\n    ".join(words))
    for path, text in texts.items():
        if text.count("\n") > LINES_OF_FILE:
            fail(path, f"has more than {LINES_OF_FILE} lines")


def stem(path):
    name = os.path.basename(path)[:-2]
    return re.sub(r"_(private|impl)$", "", name)


def agrees(name, path):
    """lw_lease_take is of lease.h, and so is lw_lease; lw_http_guard_open of http/guard.h; lw_reader_u8 of
    the header that declares struct lw_reader."""
    words = re.sub(r"^lw_+", "", name)
    own, folder = stem(path), os.path.basename(os.path.dirname(path))
    tags = {re.sub(r"^lw_+", "", t) for t in re.findall(r"\b(?:struct|enum|union) (\w+)\s*[{;]", code[path])}
    return any(words == p or words.startswith(p + "_") or words.startswith(p + "s_")
               for p in {own, own.rstrip("s"), folder, folder + "_" + own} | tags)


def check_public():
    """A public function is named after its header or folder, and somebody but tests calls it."""
    wrong, total = [], 0
    everything = collections.Counter()
    for path, text in code.items():
        if not path.startswith("tests/"):
            everything.update(re.findall(r"\w+", text))
    for path in headers:
        if not path.startswith("src/"):
            continue
        for m in FUNCTION.finditer(code[path]):
            if m["end"] != ";" or m["static"]:
                continue
            total += 1
            where = f"{path}:{line_of(code[path], m.start())}"
            if not agrees(m["name"], path):
                wrong.append(f"{where} {m['name']}")
            seam = m["name"] in SEAMS or m["name"].endswith("_document")
            if everything[m["name"]] <= 2 and not seam:  # declared and defined
                fail(where, f"{m['name']} is called by tests alone, or by nothing")
    if len(wrong) > DISAGREE * total:
        fail("src", f"{len(wrong)} of {total} functions are not named after their header:\n    " + "\n    ".join(wrong))


def check_comments():
    """Files that comments name exist."""
    known = {p for p in listed("*")} | {os.path.basename(p) for p in listed("*")}
    for path, text in texts.items():
        for comment in re.finditer(r"/\*.*?\*/", text, re.S):
            for m in re.finditer(r"(?<![\w/.*-])((?:[a-z_]+/)*[a-z_0-9]+\.(?:[ch]|py|sh|lua|md))\b", comment[0]):
                name = m[1]
                if name not in FOREIGN and not any(p == name or p.endswith("/" + name) for p in known):
                    fail(f"{path}:{line_of(text, comment.start() + m.start())}", f"names {name}, which does not exist")


def check_words():
    """Replaced words are absent from code, comments, texts and documents."""
    mine = os.path.relpath(os.path.abspath(__file__), ROOT)
    for path in listed("src", "include", "tests", "web", "docs", "scripts", "configs", "docker", "examples", "benchmarks", "*.md"):
        if path == mine or not path.endswith((".c", ".h", ".md", ".1", ".lua", ".html", ".js", ".css", ".sh", ".yaml", ".yml", ".py")):
            continue
        text = read(path)
        for pattern, instead in GONE.items():
            for m in re.finditer(pattern, text, re.I):
                fail(f"{path}:{line_of(text, m.start())}", f'"{m[0]}": {instead}')


def check_task():
    """Only the rows of tasks and metrics name a statistic of regression; others ask the task."""
    for path in listed("src", "include", "web"):
        if path in OF_REGRESSION or not path.endswith((".c", ".h", ".js", ".html")):
            continue
        text = blank(read(path), strings=False)
        for m in re.finditer(REGRESSION, text, re.I):
            fail(f"{path}:{line_of(text, m.start())}", f'"{m[0]}": ask the task (core/task.h)')
    for path in sorted(OF_REGRESSION):
        if not re.search(REGRESSION, blank(read(path), strings=False), re.I):
            fail(path, "no longer names a statistic of regression: take it off the list")


for check in (check_tags, check_headers, check_functions, check_public, check_comments, check_words, check_task):
    before = len(failures)
    check()
    print(f"{check.__doc__.strip().splitlines()[0]} {'ok' if len(failures) == before else str(len(failures) - before) + ' wrong'}")
for failure in failures:
    print("FAILED " + failure)
sys.exit(1 if failures else 0)
