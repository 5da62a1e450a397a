"""Goal: every rule of tidy is seen to catch its fault, and only that fault.

Method: fault tests. A copy of the tree, one planted fault at a time, and the one finding that
must appear beside those of the untouched copy.

usage: tidy_faults.py TIDY SOURCE_DIR LAYERS_FILE
"""
import os
import shutil
import subprocess
import sys
import tempfile

TIDY, SOURCE, LAYERS = sys.argv[1:]
MARKER = "TO" + "DO"


def findings(root, layers):
    done = subprocess.run([TIDY, root, layers], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == (1 if len(lines) > 1 else 0), (done.returncode, done.stderr)
    return lines[:-1]


def function_of(lines):
    return "int long_one(int x) {\n" + "  ++x;\n" * (lines - 2) + "}\n"


def faults(root):
    """Each fault: name, file, how its text changes (None: it is removed), the finding wanted."""

    def lines(path):
        with open(os.path.join(root, path)) as file:
            return len(file.read().splitlines())

    n = {p: lines(p) for p in ("calx/base/hex.h", "calx/base/hex.cc", "calx/hash/CMakeLists.txt",
                               "calx/base/hex_test.cc", "apps/cli/hash.cc", "apps/cli/verb.h")}

    def appended(name, path, text, sentence, offset=1):
        return name, path, lambda old: old + text, f"{path}:{n[path] + offset}: {sentence}"

    def created(name, path, text, sentence, line=1):
        return name, path, lambda old: text, f"{path}:{line}: {sentence}"

    header, source, test = "calx/base/hex.h", "calx/base/hex.cc", "calx/base/hex_test.cc"
    app = "apps/cli/hash.cc"
    return [
        appended("upward include", header, '#include "calx/hash/sha256.h"\n',
                 "USES of layer base does not name hash"),
        appended("upward include from a test", test, '#include "calx/work/header.h"\n',
                 "USES of layer base does not name work"),
        appended("include of an app", source, '#include "apps/cli/verb.h"\n',
                 "a layer includes only calx/..., not apps/cli/verb.h"),
        appended("include without its folder", source, '#include "hex.h"\n',
                 "a layer includes only calx/..., not hex.h"),
        created("file of no layer", "calx/hash/orphan.cc", "int x;\n",
                "no layer lists this file"),
        created("folder of no layer", "calx/stray/stray.h", "int x;\n",
                "no layer lists this file"),
        created("app file that nothing builds", "apps/cli/orphan.cc", "int x;\n",
                "no CMakeLists.txt lists this file"),
        ("listed file that is gone", test, lambda old: None,
         f"{test}:1: a layer lists this file, but it is not there"),
        appended("line of 101 columns", source, "//" + "x" * 99 + "\n",
                 "101 columns, wanted at most 100"),
        appended("line of 101 columns in CMake", "calx/hash/CMakeLists.txt", "#" * 101 + "\n",
                 "101 columns, wanted at most 100"),
        created("file of 501 lines", source, "//\n" * 501,
                "501 lines in this file, wanted at most 500", 501),
        appended("function of 71 lines", source, function_of(71),
                 "71 lines in this function, wanted at most 70"),
        appended("method of 71 lines", source,
                 "namespace a {\nstruct S {\n" + function_of(71) + "};\n}\n",
                 "71 lines in this function, wanted at most 70", 3),
        appended("constructor of 71 lines", source,
                 "C::C()\n    : a_{1}, b_{2} {\n" + "  ++a_;\n" * 68 + "}\n",
                 "71 lines in this function, wanted at most 70"),
        appended("leftover marker", source, f"// {MARKER}: later\n",
                 f'leftover marker "{MARKER}"'),
        appended("leftover marker in prose", header, "// For " + "now this is enough.\n",
                 'leftover marker "for ' + 'now"'),
        appended("LibTorch in a public header", header, "#include <torch/torch.h>\n",
                 "only calx/nn includes LibTorch, not this file: torch/torch.h"),
        appended("JSON in a public header", header, "#include <nlohmann/json.hpp>\n",
                 "a public header must not include nlohmann/json.hpp"),
        appended("gRPC in a public header", header, "#include <grpcpp/grpcpp.h>\n",
                 "a public header must not include grpcpp/grpcpp.h"),
        appended("fmt in a public header", header, "#include <fmt/format.h>\n",
                 "a public header must not include fmt/format.h"),
        appended("sodium in a public header", header, "#include <sodium.h>\n",
                 "a public header must not include sodium.h"),
        appended("LibTorch outside nn", source, "#include <ATen/ATen.h>\n",
                 "only calx/nn includes LibTorch, not this file: ATen/ATen.h"),
        appended("arithmetic in an app", app, "#include <cmath>\n",
                 "apps do no arithmetic, so they do not include cmath"),
        created("banned name", "docs/utils.md", "Text.\n",
                'the name "utils" says nothing about what lives here'),
        appended("space at the end of a line", "apps/cli/verb.h", "int x; \n",
                 "white space at the end of the line"),
        appended("no final line end", source, "// end", "the last line has no line end"),
    ]


def plant(root, layers, name, path, change, wanted, clean):
    place = os.path.join(root, path)
    old = None
    if os.path.exists(place):
        with open(place) as file:
            old = file.read()
    new_folder = not os.path.isdir(os.path.dirname(place))
    os.makedirs(os.path.dirname(place), exist_ok=True)
    text = change(old)
    if text is None:
        os.remove(place)
    else:
        with open(place, "w") as file:
            file.write(text)
    extra = sorted(set(findings(root, layers)) - set(clean))
    if old is not None:
        with open(place, "w") as file:
            file.write(old)
    else:
        os.remove(place)
        if new_folder:
            os.rmdir(os.path.dirname(place))
    # Three rules see LibTorch in a public header; the one that counts private headers names
    # nn's own too.
    good = wanted in extra
    if "LibTorch in a public" not in name:
        good = extra == [wanted]
    print(f"{'caught' if good else 'MISSED'}: {name}: {' | '.join(extra) or 'no finding'}")
    return good


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "tree")
        skip = shutil.ignore_patterns("build", "out", ".git", "__pycache__", "models")
        shutil.copytree(SOURCE, root, ignore=skip)
        clean = findings(root, LAYERS)
        planted = [plant(root, LAYERS, *fault, clean) for fault in faults(root)]
    print(f"{sum(planted)} of {len(planted)} planted faults caught")
    return 0 if all(planted) else 1


sys.exit(main())
