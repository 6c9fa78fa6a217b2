"""Writes signatures.json: names and defaults of the arguments of Keras's public classes, read from its source without running it.

    python3 signatures.py KERAS-CHECKOUT > signatures.json

KERAS-CHECKOUT is a git clone of keras-team/keras. Classes are those of surface.json; what version 3.8.0 has is read from the tag
v3.8.0, what came later from the newest commit, and says so.
"""

import ast
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
FOLDERS = {
    "layers": ["layers"],
    "losses": ["losses"],
    "metrics": ["metrics"],
    "optimizers": ["optimizers"],
    "schedules": ["optimizers/schedules"],
    "initializers": ["initializers"],
    "regularizers": ["regularizers"],
    "constraints": ["constraints"],
    "callbacks": ["callbacks"],
    "activations": ["activations"],
}


def git(checkout, *arguments):
    return subprocess.run(["git", "-C", checkout, *arguments], check=True, capture_output=True, text=True).stdout


def modules(checkout, revision, folder):
    """The parsed files of a folder, without tests."""
    names = git(checkout, "ls-tree", "-r", "--name-only", revision, f"keras/src/{folder}").split()
    for name in names:
        if name.endswith(".py") and not name.endswith("_test.py"):
            yield ast.parse(git(checkout, "show", f"{revision}:{name}"))


def plain(node, constants):
    """The value of a default: a literal, a constant of its module, or arithmetic on them."""
    try:
        value = eval(compile(ast.Expression(node), "default", "eval"), {"__builtins__": {}}, constants)
    except NameError:
        return {"expression": ast.unparse(node)}
    return list(value) if isinstance(value, tuple) else value


def exported(node):
    """The names under which a class is public: the texts of its decorators."""
    texts = [t.value for d in node.decorator_list for t in ast.walk(d) if isinstance(t, ast.Constant)]
    return {text.split(".")[-1] for text in texts if isinstance(text, str)}


def arguments(function, skip_self, constants):
    given = function.args.args[1:] if skip_self else function.args.args
    defaults = [None] * (len(given) - len(function.args.defaults)) + list(function.args.defaults)
    found = []
    pairs = list(zip(given, defaults)) + list(zip(function.args.kwonlyargs, function.args.kw_defaults))
    for argument, default in pairs:
        entry = {"name": argument.arg}
        if default is not None:
            entry["default"] = plain(default, constants)
        found.append(entry)
    return found


def signatures(checkout, revision, folder):
    """Arguments by name of class (or function, for activations)."""
    classes, functions, constants = {}, {}, {}
    for module in modules(checkout, revision, folder):
        for node in module.body:
            if isinstance(node, ast.ClassDef):
                for name in {node.name} | exported(node):
                    classes.setdefault(name, node)
            elif isinstance(node, ast.FunctionDef):
                functions.setdefault(node.name, arguments(node, False, constants)[1:])
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                constants[node.targets[0].id] = node.value.value

    def own(name):
        node = classes.get(name)
        if node is None:
            return None
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                return arguments(item, True, constants)
        for base in node.bases:
            inherited = own(base.id if isinstance(base, ast.Name) else getattr(base, "attr", ""))
            if inherited is not None:
                return inherited
        return []

    return {**functions, **{name: own(name) for name in classes}}


def main():
    checkout = sys.argv[1]
    surface = json.loads((HERE / "surface.json").read_text())
    out = []
    for section in surface["sections"]:
        title = section["title"]
        old, new = {}, {}
        for folder in FOLDERS[title]:
            old.update(signatures(checkout, "v3.8.0", folder))
            new.update(signatures(checkout, "HEAD", folder))
        items = []
        for item in section["items"]:
            name = item["name"]
            if name in old:
                items.append({"name": name, "arguments": old[name]})
            elif name in new:
                items.append({"name": name, "later": True, "arguments": new[name]})
            else:
                print("not found: " + name, file=sys.stderr)
        out.append('{"title": ' + json.dumps(title) + ', "items": [\n' + ",\n".join(map(json.dumps, items)) + "]}")
    print(
        '{\n"source": "Arguments and their defaults of Keras 3.8.0; of later versions where an item says later", "sections": [\n'
        + ",\n".join(out) + "]\n}")


main()
