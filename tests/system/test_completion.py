"""What bash and zsh complete, by the scripts that `reunite completion` makes:
in bash the words of every command, in both what a person at a terminal
gets."""

import os
import pty
import re
import select
import shlex
import shutil
import subprocess

import pytest

import harness

WAIT_S = 120


def reunite(*argv):
    done = subprocess.run([harness.binary("reunite"), *argv],
                          capture_output=True, text=True, check=True)
    return done.stdout


def commands():
    """Name -> its options, as --help has them."""
    listing = reunite("--help").split("commands:\n")[1]
    names = re.findall(r"^  (\S+(?: \S+)?)  ", listing, flags=re.M)
    return {name: re.findall(r"^  (?:-\w, )?(--\S+)",
                             reunite(*name.split(), "--help"), flags=re.M)
            for name in names}


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """By shell: where its script is."""
    folder = tmp_path_factory.mktemp("completion")
    files = {"bash": folder / "reunite.bash", "zsh": folder / "_reunite"}
    for shell, file in files.items():
        file.write_text(reunite("completion", shell))
    return files


DRIVER = """
compopt() { COMPREPLY+=("compopt:$*"); }
while IFS= read -r line; do
    eval "COMP_WORDS=($line)"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _reunite
    echo "${COMPREPLY[*]}"
done
"""


@pytest.fixture
def offered(script):
    """What bash offers for the last of the words, for each of some lines."""
    def ask(*lines):
        done = subprocess.run(
            ["bash", "--norc", "--noprofile", "-c",
             f"source {shlex.quote(str(script['bash']))}{DRIVER}"],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        answers = [line.split() for line in done.stdout.splitlines()]
        assert len(answers) == len(lines)
        return answers
    return ask


def test_every_command_and_every_option(offered):
    there = commands()
    first = list(dict.fromkeys(name.split()[0] for name in there))
    assert offered("reunite ''") == [first]
    groups = {name.split()[0] for name in there if " " in name}
    for group in groups:
        verbs = [name.split()[1] for name in there
                 if name.startswith(f"{group} ")]
        assert offered(f"reunite {group} ''") == [verbs]
    lines = [f"reunite {name} --" for name in there]
    assert offered(*lines) == list(there.values())


def test_values(offered):
    assert offered("reunite journal list --action m",
                   "reunite journal list --action = m",
                   "reunite journal list --action =",
                   "reunite journal list --action=m",
                   "reunite journal list --since ''",
                   "reunite journal list --since 24h --act",
                   "reunite completion ''") == [
        ["merge"], ["merge"],
        ["none", "wait", "refuse", "review", "merge", "adopt", "pause",
         "resume", "close_breaker"],
        ["--action=merge"], [], ["--action"], ["bash", "zsh"]]


def test_files(offered):
    assert offered("reunite check -c ''", "reunite store backup ''",
                   "reunite journal --config ''") == 3 * [
        ["compopt:-o", "default"]]


def test_accounts_are_those_of_the_configuration(offered, tmp_path):
    conf = tmp_path / "reunite.conf"
    conf.write_text('# account "no"\naccount "acme" {\n}\n'
                    "\taccount  'b-2'{\n}\naccount plain {\n}\n"
                    'accounts = "x"\n'
                    'zendesk = "account"\n')
    accounts = ["acme", "b-2", "plain"]
    assert offered(f"reunite link -c {conf} --account ''",
                   f"reunite link --config = {conf} --account = a",
                   f"reunite queue -c {conf} pause --account b",
                   "reunite link -c /no/such --account ''") == [
        accounts, ["acme"], ["b-2"], []]


def test_what_is_given_is_not_offered_again(offered):
    assert offered("reunite jwt --email-verified --email x --ema",
                   "reunite jwt --email x --ema",
                   "reunite jwt --email = x --ema") == [
        [], ["--email-verified"], ["--email-verified"]]


def test_nonsense_offers_nothing(offered):
    assert offered("reunite nosuch ''", "reunite journal nosuch ''",
                   "reunite serve ''", "reunite check --no-such=") == 4 * [[]]


def test_the_script_for_bash_is_clean(script):
    if not shutil.which("shellcheck"):
        pytest.skip("no shellcheck here")
    done = subprocess.run(["shellcheck", "-s", "bash", script["bash"]],
                          capture_output=True, text=True)
    assert done.stdout == ""


def test_the_script_for_zsh_has_every_option(script):
    text = script["zsh"].read_text()
    for name, options in commands().items():
        part = re.search(rf"^\t'{name}'\)\n(.*?)^\t\t;;", text, re.M | re.S)
        told = re.findall(r"(?:'|,)(--[\w-]+)", part[1])
        assert told == options, name


class Terminal:
    """A shell that somebody types into."""

    def __init__(self, argv, folder, setup):
        self.folder = folder
        self.count = 0
        env = {"PATH": f"{os.environ['REUNITE_BUILD']}:/usr/bin:/bin",
               "TERM": "dumb", "HOME": str(folder), "ZDOTDIR": str(folder),
               "LC_ALL": "C.UTF-8"}
        self.ours, theirs = pty.openpty()
        self.shell = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env=env,
            cwd=folder, start_new_session=True)
        os.close(theirs)
        self.shown = ""
        self.type(f"{setup}\n")

    def type(self, text):
        os.write(self.ours, text.encode())

    def completed(self, typed):
        """The line as it is after the tab key, by the shell itself."""
        self.count += 1
        file = self.folder / f"line{self.count}"
        # to the front of the line, and to its end: written, not run
        self.type(f"{typed}\t\x01echo '\x05' >{file}.part;"
                  f" mv {file}.part {file}\n")
        harness.wait_until(lambda: self.read() and file.exists(), WAIT_S,
                           f"{typed!r}; so far: {self.shown}")
        return file.read_text().strip()

    def read(self):
        """What it shows has to be taken from it, or it stops."""
        while select.select([self.ours], [], [], 0)[0]:
            self.shown += os.read(self.ours, 65536).decode(errors="replace")
        return True

    def end(self):
        self.shell.kill()
        self.shell.wait()
        os.close(self.ours)


@pytest.fixture
def terminal(tmp_path, script):
    started = []

    def start(shell):
        if not shutil.which(shell):
            pytest.skip(f"no {shell} here")
        (tmp_path / "users.csv").touch()
        (tmp_path / "reunite.conf").write_text('account "acme" {\n}\n')
        argv, setup = {
            "bash": (["bash", "--norc", "--noprofile", "-i"],
                     f"source {script['bash']}"),
            "zsh": (["zsh", "-f", "-i"],
                    f"fpath=({script['zsh'].parent} $fpath);"
                    " autoload -U compinit; compinit -D -u"),
        }[shell]
        started.append(Terminal(argv, tmp_path, setup))
        return started[-1]

    yield start
    for program in started:
        program.end()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_somebody_types(terminal, shell):
    there = terminal(shell)
    for typed, line in {
        "reunite jour": "reunite journal",
        "reunite journal li": "reunite journal list",
        "reunite journal list --sin": "reunite journal list --since",
        "reunite journal list --action mer":
            "reunite journal list --action merge",
        "reunite review list --state=app":
            "reunite review list --state=approved",
        "reunite queue list --json --st": "reunite queue list --json --state",
        "reunite store backup us": "reunite store backup users.csv",
        "reunite check -c reu": "reunite check -c reunite.conf",
        "reunite link -c reunite.conf --account ac":
            "reunite link -c reunite.conf --account acme",
        "reunite completion z": "reunite completion zsh",
        "reunite --ver": "reunite --version",
    }.items():
        # zsh writes the "=" of an option at once
        assert there.completed(typed).rstrip("=") == line
