"""Functions of at most 80 lines, files of at most 600."""

from tree import functions, name_of, sources

FUNCTION_LINES = 80
FILE_LINES = 600


def test_functions_are_short():
    long = [
        f"{name_of(path)}:{function.line}: {function.length} lines"
        for path in sources("src", "include")
        for function in functions(path.read_text())
        if function.length > FUNCTION_LINES
    ]
    assert long == []


def test_files_are_short():
    long = [
        f"{name_of(path)}: {lines} lines"
        for path in sources("src", "include")
        if (lines := len(path.read_text().splitlines())) > FILE_LINES
    ]
    assert long == []


def test_functions_are_found():
    text = (
        "/* { */\n"
        "struct x {\n\tint y;\n};\n"
        "#define F(a) \\\n\tif (a) { \\\n\t}\n"
        "static const int rows[] = {\n\t1,\n};\n"
        "int f(int a)\n{\n\tif (a == '{') {\n\t\treturn 1;\n\t}\n"
        '\treturn a["}"];\n}\n'
        "int g(void)\n{\n}\n"
    )
    assert [tuple(f) for f in functions(text)] == [(12, 6), (19, 2)]


def test_the_tree_is_not_empty():
    found = [f for p in sources("src") for f in functions(p.read_text())]
    assert len(found) > 100
