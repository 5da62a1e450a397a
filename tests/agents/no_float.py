"""Goal: the program for a controller without a floating-point unit has no instruction of one, needs
no library, and fits.

Method: the disassembly of the whole file, C library included if there were one; and once with a
double planted and the compiler's own hard-float library linked, where the same search must find
some. The memory it can touch is bounded by its segments.

usage: no_float.py PROGRAM OBJDUMP COMPILER
"""
import pathlib
import re
import subprocess
import sys
import tempfile

MEMORY_MAX = 64 * 1024  # of text, data and zeroes; the machine has 61 MB
INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+[0-9a-f]{8}\s+(\S+)(.*)$")
FLOAT = re.compile(r"^(.*c1|bc1.*|mov[ft]|.*\.(s|d|w|l|ps))$")
REGISTER = re.compile(r"\$f\d")


def float_instructions(objdump, program):
    text = subprocess.run([objdump, "-d", program], check=True, capture_output=True,
                          text=True).stdout
    rows = [found.groups() for line in text.splitlines() if (found := INSTRUCTION.match(line))]
    return len(rows), [f"{name} {rest.strip()}" for name, rest in rows
                       if FLOAT.match(name) or REGISTER.search(rest)]


def expect(good, what):
    print("ok    " if good else "FAILED", what)
    if not good:
        sys.exit(1)


def main():
    if len(sys.argv) != 4 or "NOTFOUND" in "".join(sys.argv) or not pathlib.Path(
            sys.argv[1]).exists():
        print("skipped: no compiler for mips (script/setup --ci)")
        sys.exit(77)
    program, objdump, compiler = sys.argv[1:]
    count, found = float_instructions(objdump, program)
    expect(count > 1000, f"{count} instructions were read")
    expect(not found, f"no float instruction: {found[:5]}")
    readelf = objdump.replace("objdump", "readelf")
    text = subprocess.run([readelf, "-A", "-l", "-W", program], check=True, capture_output=True,
                          text=True).stdout
    expect("FP ABI: Soft float" in text, "the file says soft float")
    expect("INTERP" not in text and "DYNAMIC" not in text, "it needs no loader and no library")
    memory = sum(int(row.split()[5], 16) for row in text.splitlines()
                 if row.strip().startswith("LOAD"))
    expect(0 < memory <= MEMORY_MAX, f"{memory} bytes of memory in all, wanted <= {MEMORY_MAX}")
    with tempfile.TemporaryDirectory() as name:
        planted, source = pathlib.Path(name) / "planted", pathlib.Path(name) / "planted.c"
        source.write_text("int main(int n, char** w) { (void)w; return (int)(n * 1.5); }\n")
        subprocess.run([compiler, "-O1", "-static", source, "-o", planted], check=True)
        ours, libc = float_instructions(objdump, planted)
        expect(len(libc) > 0, f"a planted double and libc's own are found: {len(libc)} of {ours}")


main()
