"""The documents describe the program as it is, completely.

  test_docs.py PROGRAM

Compares commands, verbs and options in README.md, docs/*.md, the man page and --help with the option tables in
src/cli and the program's output, in both directions, and checks dotted configuration keys. Complete
configurations in README.md pass `check`."""
import glob
import os
import re
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVERYWHERE = {"--help", "-h"}
LISTS = {"report": {"--reference", "--current"}}  # read before the option table
failures = []


def holds(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED " + text)


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


# ---- the program ----

def source_options(command):
    """The option table of a command."""
    text = read("src", "cli", command.replace("-", "_") + ".c")
    rows = re.findall(r"\{\s*(0|'(.)'),\s*LW_OPTION_[A-Z]+,\s*\"([a-z-]+)\"", text)
    found = {"--" + name for _, _, name in rows} | {"-" + letter for _, letter, _ in rows if letter}
    return found | LISTS.get(command, set())


def help_options(text):
    return set(re.findall(r"(?m)^ +(?:-\w, )?(--[a-z-]+)", text)) | set(
        re.findall(r"(?m)^ +(-\w), --", text))


def verbs_of(usage):
    """`[list | show N | promote N]` as a set of words."""
    found = re.search(r"\[([a-z]+(?: [A-Z:]+)?(?: \| [a-z]+(?: [A-Z:]+)?)+)\]", usage)
    return {part.split()[0] for part in found.group(1).split("|")} if found else set()


commands = re.findall(r"(?m)^  ([a-z-]+) +\S", run("--help").stdout)
holds(len(commands) >= 13, "leeway --help lists the commands")
helps = {c: run(c, "--help").stdout for c in commands}
options = {c: source_options(c) for c in commands}
verbs = {c: verbs_of(helps[c].splitlines()[0]) for c in commands}
every_option = set.union(*options.values()) | EVERYWHERE | {"--version"}

for c in commands:
    holds(options[c] == help_options(helps[c]),
          f"{c} --help and its table agree: {sorted(options[c] ^ help_options(helps[c]))}")
    for o in sorted(options[c] | {"--no-such-option"}):
        said = run(c, o, "1", "--help").stderr
        holds(("unknown option" in said) == (o == "--no-such-option"), f"{c} knows {o}: {said[:100]}")


# ---- the man page ----

def plain_man():
    """The man page without troff: one line per request."""
    text = re.sub(r"\\f.|\\&", "", read("docs", "leeway.1")).replace("\\-", "-")
    return re.sub(r"(?m)^\.(TP|SS|SH|nf|fi|TH)\b(.*)$", r".\1\2", text)


def man_sections():
    """Command -> its paragraph."""
    sections = {}
    for part in re.split(r"(?m)^\.TP\n", plain_man())[1:]:
        words = re.sub(r'["\\]|^\.[A-Z]+ ', " ", part.split("\n", 1)[0]).split()
        if words and words[0] in commands and words[0] not in sections:
            sections[words[0]] = part
    return sections


def check_man():
    sections = man_sections()
    holds(set(sections) == set(commands), f"the man page has every command: {set(commands) ^ set(sections)}")
    for c, text in sections.items():
        text = re.split(r"(?m)^\.S[HS]", text)[0]
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
        holds(named <= options[c] | EVERYWHERE, f"the man page's {c}: {sorted(named - options[c])} do not exist")
        long = {o for o in options[c] if o.startswith("--")} - {"--config", "--json", "--output", "--model"}
        holds(long <= named, f"the man page's {c} lacks {sorted(long - named)}")
        for v in verbs[c]:
            holds(re.search(rf"\b{v}\b", text), f"the man page's {c} lacks {v}")


# ---- the documents ----

def spans(text):
    """Code of a document: inline spans, and the lines of blocks, each with the line's number."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield number, line.strip(), True
        else:
            for span in re.findall(r"`([^`]+)`", line):
                yield number, span, False


def calls(span):
    """(command, words that follow) for each `leeway COMMAND ...` of a span."""
    for found in re.finditer(r"(?:^|[\s/$(])leeway +([a-z][a-z-]*)([^|&#;`()]*)", span):
        yield found.group(1), found.group(2).split()


def is_prose(command, block, span):
    """Whether the product's name is followed by ordinary text, as in a table."""
    return block and not re.search(r"(^|[$/] *)(build/\S*/)?leeway ", span) and command not in commands


def check_call(where, command, words):
    if command not in commands:
        holds(False, f"{where}: there is no command {command}")
        return
    for word in words:
        option = word.split("=")[0]
        if re.fullmatch(r"--?[a-z][a-z-]*", option):
            holds(option in options[command] | EVERYWHERE, f"{where}: {command} has no {option}")
    first = [w for w in words if re.fullmatch(r"[a-z]+", w)]
    if verbs[command] and first and "FILE" not in first[0]:
        plain = [w for i, w in enumerate(words) if re.fullmatch(r"[a-z]+", w)
                 and not (i and words[i - 1].startswith("-"))]
        if plain:
            holds(plain[0] in verbs[command], f"{where}: {command} has no verb {plain[0]}")


def check_document(path):
    text = read(path)
    for number, span, block in spans(text):
        where = f"{path}:{number}"
        for command, words in calls(span):
            if not is_prose(command, block, span):
                check_call(where, command, words)
        if not block and re.fullmatch(r"(--[a-z][a-z-]*|-[a-z])([ =].*)?", span):
            option = span.split()[0].split("=")[0]
            holds(option in every_option, f"{where}: no command has {option}")


# ---- configuration keys ----

def config_keys():
    """All dotted keys in docs/config.md, which is generated from the program."""
    keys, section = set(), None
    for line in run("check", "--manual").stdout.splitlines():
        head = re.match(r"## `([a-z_]+)`", line)
        row = re.match(r"\| `([a-z_0-9.<>-]+)` \|", line)
        if head:
            section = head.group(1)
            keys.add(section)
        elif row and section:
            keys.add(f"{section}.{row.group(1)}")
    return keys


def check_keys(path, keys):
    sections = {k for k in keys if "." not in k}
    known = keys | {k.split(".<", 1)[0] for k in keys}
    text = re.sub(r"\\f.|\\", "", read(path)) if path.endswith(".1") else read(path)
    for number, line in enumerate(text.splitlines(), 1):
        for key in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?:: [^`]*)?`", line):
            parts = key.split(".")
            if parts[0] == "kafka" or re.search(r"\.(md|ya?ml|avsc|log|json|dead|c|h|py|sh)$", key):
                continue  # librdkafka's; a file
            if parts[0] in sections:  # an item of a list is addressed by its name: rules.error.critical
                holds(key in known or f"{parts[0]}.{parts[-1]}" in known, f"{path}:{number}: there is no key {key}")


def check_help_calls():
    for c, text in helps.items():
        for span in re.findall(r"`([^`]+)`", text.replace("\n", " ")):
            for command, words in calls(span):
                check_call(f"{c} --help", command, words)


def check_help_keys(keys):
    sections = {k for k in keys if "." not in k}
    for c, text in helps.items():
        for key in re.findall(r"\b([a-z_]+\.[a-z_]+)\b", text):
            if key.split(".")[0] in sections and not key.endswith((".avsc", ".md")):
                holds(key in keys, f"{c} --help: there is no key {key}")


# ---- configurations ----

def check_configurations(path):
    whole = [b for b in re.findall(r"(?s)```yaml\n(.*?)```", read(path)) if re.search(r"(?m)^stream:", b)]
    for at, block in enumerate(whole):
        with tempfile.TemporaryDirectory() as place:
            os.symlink(os.path.join(ROOT, "schemas"), os.path.join(place, "schemas"))
            os.mkdir(os.path.join(place, "configs"))
            file = os.path.join(place, "configs", "readme.yaml")
            with open(file, "w", encoding="utf-8") as out:
                out.write(block)
            done = run("check", "-c", file, "--offline")
            holds(done.returncode == 0, f"{path}: configuration {at + 1}: {done.stdout}{done.stderr}")
    return len(whole)


# ---- bounds ----

UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "ms": 1, "s": 1000}


def number(text):
    """`64 KiB each` as 65536, `10,000` as 10000; None without a number."""
    found = re.match(r"(?:about )?(\d[\d,]*)(?: ?([KMG]iB|ms|s|bytes)\b)?", text)
    return found and int(found.group(1).replace(",", "")) * UNITS.get(found.group(2), 1)


def constant(path, name):
    """The value of a `#define` in a file."""
    found = re.search(rf"(?m)^#define {name}\s+(.*?)(?:/\*.*)?$", read(path))
    if not found:
        return None
    text = re.sub(r"\((?:size_t|u?int\d+_t)\)|(?<=\d)[uUlL]+|U?INT64_C", "", found.group(1))
    text = re.sub(r"[A-Z_]{3,}", lambda m: str(constant(path, m[0])), text)
    return eval(text, {"__builtins__": {}})  # in our source


def default(key):
    """A key's default in docs/config.md."""
    section, name = key.split(".", 1)
    text = run("check", "--manual").stdout.split(f"## `{section}`", 1)[-1].split("\n## ")[0]
    found = re.search(rf"(?m)^\| `{name}` \| [^|]* \| `([^`]*)` \|", text)
    return found and number(found.group(1))


def check_bounds():
    rows = re.findall(r"(?m)^\| [^|]+ \| ([^|]+) \| [^|]+ \| ([^|]+) \|$",
                      read("SECURITY.md").split("## Bounds", 1)[1])[1:]
    bounds = 0
    for bound, where in rows:
        spans_of = re.findall(r"`([^`]+)`", where)
        if len(spans_of) == 2 and spans_of[1] != "LW_TIME_FROM":
            real = constant(*spans_of)
        elif len(spans_of) == 1 and where.startswith("`") and "librdkafka" not in where and "/" not in where:
            real = default(spans_of[0])
        else:
            continue
        bounds += 1
        holds(real is not None and real == number(bound), f"SECURITY.md: {where.strip()} is {real}, not {bound}")
    holds(bounds > 40, f"SECURITY.md lists the bounds of external input ({bounds})")


documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md"] + sorted(
    os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, "docs", "*.md")))
all_keys = config_keys()
holds(len(all_keys) > 150, f"docs/config.md has its keys ({len(all_keys)})")
check_man()
for document in documents:
    check_document(document)
    check_keys(document, all_keys)
check_keys("docs/leeway.1", all_keys)
check_help_keys(all_keys)
check_help_calls()
check_bounds()
holds(check_configurations("README.md") >= 1, "README.md has a complete configuration")
for c in commands:
    holds(f"`{c}`" in read("README.md"), f"README.md names {c}")
print(f"{len(commands)} commands, {len(every_option)} options, {len(all_keys)} keys, {len(documents)} documents")
sys.exit(1 if failures else 0)
