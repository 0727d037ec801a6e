"""The hardening of the program by the compiler and the linker, as built and as installed.

  test_hardening.py PROGRAM BUILD_DIRECTORY SOURCE_DIRECTORY CMAKE COMPILER OPTIMISED SANITIZED

The program loads nothing from the current directory: libraries planted there, under the names of all that it
needs, are not loaded, and there is no RUNPATH. According to readelf and objdump it has the hardening flags of
Debian's packages. It contains no path of this machine. With CMAKE_INSTALL_RPATH, only that path is allowed."""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM, BUILD, SOURCE, CMAKE, COMPILER = sys.argv[1:6]
OPTIMISED, SANITIZED = (argument == "1" for argument in sys.argv[6:8])
WANTED_RPATH = sys.argv[8] if len(sys.argv) > 8 else ""
PLANT = """
#include <unistd.h>
__attribute__((constructor)) static void planted(void) {
    static const char word[] = "a planted library runs\\n";
    if (write(2, word, sizeof word - 1) > 0)
        _exit(99);
}
"""
EASY = "libxxhash.so.0"
checks = 0
failures = []


def holds(condition, text):
    global checks
    checks += 1
    if not condition:
        failures.append(text)
        print("FAILED " + text)


def out_of(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, errors="replace", **more).stdout


def needed(program):
    """Every library that is loaded, directly or indirectly: {name: path}."""
    lines = [line.split() for line in out_of("ldd", program).splitlines()]
    return {words[0]: words[2] for words in lines if len(words) > 2 and words[1] == "=>"}


def plant(program, directory):
    """Plants one for each library. That of xxhash has its functions, so that it could be bound and run."""
    libraries = needed(program)
    holds(EASY in libraries, f"{EASY} is among the planted libraries: {sorted(libraries)}")
    names = [line.split()[-1] for line in out_of("nm", "-D", "--defined-only", libraries[EASY]).splitlines()]
    source = os.path.join(directory, "planted.c")
    with open(source, "w") as f:
        f.write(PLANT + "".join(f"void {name}(void);\nvoid {name}(void) {{}}\n" for name in names))
    library = os.path.join(directory, "planted.so")
    subprocess.run([COMPILER, "-w", "-shared", "-fPIC", "-o", library, source], check=True)
    os.mkdir(os.path.join(directory, "easy"))
    shutil.copy(library, os.path.join(directory, "easy", EASY))
    for name in libraries:
        shutil.copy(library, os.path.join(directory, name))


def loads_nothing_planted(program, label):
    with tempfile.TemporaryDirectory() as directory:
        plant(program, directory)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LD_")}
        for arguments in (["--version"], ["check", "-c", os.path.join(SOURCE, "configs/nyc-green.yaml"), "--print"]):
            ran = subprocess.run([program] + arguments, cwd=directory, capture_output=True, text=True,
                                 env=environment)
            holds(ran.returncode == 0 and "planted" not in ran.stderr,
                  f"{label} {arguments[0]} in a directory of planted libraries: {ran.returncode} {ran.stderr[:200]}")
        # The planted libraries work: with LD_LIBRARY_PATH they are loaded.
        planted = subprocess.run([program, "--version"], cwd=directory, capture_output=True, text=True,
                                 env={**environment, "LD_LIBRARY_PATH": os.path.join(directory, "easy")})
        holds("planted" in planted.stderr, f"{label}: the planted library can run at all: {planted.stderr[:200]}")


def check_flags(program, label):
    dynamic = out_of("readelf", "-dW", program)
    paths = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic)
    holds(paths == ([WANTED_RPATH] if WANTED_RPATH else []), f"{label}: RUNPATH {paths}")
    headers = out_of("readelf", "-lW", program)
    holds(re.search(r"Type:.*DYN|file type is DYN", headers), f"{label}: is position independent")
    holds("GNU_RELRO" in headers, f"{label}: has a read-only segment after relocation")
    holds("BIND_NOW" in dynamic or re.search(r"FLAGS_1.*\bNOW\b", dynamic), f"{label}: is bound at once")
    stack = re.search(r"GNU_STACK.*", headers)
    holds(stack and not re.search(r"\bRWE\b", stack.group()), f"{label}: its stack is not executable")
    holds(not re.search(r"LOAD.*\bRWE\b", headers), f"{label}: nothing is writable and executable")
    holds("TEXTREL" not in dynamic, f"{label}: has no relocations in its code")
    if SANITIZED:
        return
    symbols = out_of("readelf", "-sW", program)
    holds("__stack_chk_fail" in symbols, f"{label}: has stack protectors")
    if OPTIMISED:
        holds(re.search(r"__(?:snprintf|vsnprintf|memcpy|fprintf)_chk", symbols), f"{label}: is fortified")
    code = out_of("objdump", "-d", "--no-show-raw-insn", program)
    if platform.machine() == "x86_64":
        # On Debian the C library's start files lack this mark, so the linked program lacks it too.
        holds(len(re.findall(r"\bendbr64\b", code)) > 500, f"{label}: marks targets of indirect jumps")
        holds(re.search(r"(?:or|mov)q\s+\$0x0,\(%rsp\)", code), f"{label}: probes large stack frames")
    if platform.machine() == "aarch64":
        holds(len(re.findall(r"\bpaciasp\b", code)) > 100, f"{label}: signs return addresses")


def contains_no_path(program, label):
    if SANITIZED:  # whose messages name each file
        return
    with open(program, "rb") as f:
        content = f.read()
    for path in {SOURCE, BUILD, os.path.realpath(SOURCE), os.path.realpath(BUILD)}:
        at = content.find(path.encode())
        holds(at < 0, f"{label}: contains the path {path}: {content[max(at, 0):at + 120]!r}")


def main():
    with tempfile.TemporaryDirectory() as prefix:
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        installed = os.path.join(prefix, "bin", "leeway")
        for program, label in ((PROGRAM, "built"), (installed, "installed")):
            check_flags(program, label)
            contains_no_path(program, label)
            loads_nothing_planted(program, label)
    print(f"{checks} checks, {len(failures)} failed")
    return 1 if failures or not checks else 0


sys.exit(main())
