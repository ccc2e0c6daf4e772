"""Completion for bash, zsh and fish, made from the command line itself."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from shlex import quote
from typing import Final, NamedTuple

from quantum_tasks.contract import STATUSES

_BASH: Final = """\
_qtasks() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local command='' words='' word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " %(names)s " in *" $word "*) command=$word; break;; esac
  done
  case $previous in
%(values)s
  esac
  if [[ -z $words ]]; then case $command in
    '') words='%(names)s';;
%(options)s
  esac
    if [[ $current != -* ]]; then case $command in
    %(files)s) COMPREPLY=($(compgen -f -- "$current")); return;;
%(arguments)s
    ?*) words='';;
    esac; fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o filenames -F _qtasks qtasks"""

_ZSH: Final = """\
#compdef qtasks
_qtasks() {
  local -a commands
  commands=(%(described)s)
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=${words[2]}
  shift words; (( CURRENT-- ))
  case $command in
%(cases)s
  esac
}
compdef _qtasks qtasks"""


class Option(NamedTuple):
    """One option of a command."""

    names: tuple[str, ...]
    text: str
    takes_value: bool
    choices: tuple[str, ...]


class Command(NamedTuple):
    """One command; what may follow it are options, and a file or one of the choices."""

    name: str
    text: str
    options: tuple[Option, ...]
    takes_file: bool
    choices: tuple[str, ...]


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the completion script for a shell."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](tuple(commands(parser)))


def commands(parser: argparse.ArgumentParser) -> Iterator[Command]:
    """Give all commands of a command line."""
    every = parser._actions  # noqa: SLF001 - argparse shows its actions no other way
    (subparsers,) = (action for action in every if action.dest == "command")
    for name, command in dict(subparsers.choices or {}).items():
        actions = command._actions  # noqa: SLF001
        arguments = [action for action in actions if not action.option_strings]
        yield Command(
            name=name,
            text=command.description[:1].lower() + command.description[1:-1],
            options=tuple(_option(action) for action in actions if action.option_strings),
            takes_file=any(action.dest == "file" for action in arguments),
            choices=tuple(choice for action in arguments for choice in action.choices or ()),
        )


def _option(action: argparse.Action) -> Option:
    choices = STATUSES if action.dest == "status" else action.choices or ()
    text = (action.help or "").partition(";")[0]
    return Option(tuple(action.option_strings), text, action.nargs != 0, tuple(choices))


def _bash(commands: tuple[Command, ...]) -> str:
    options = {c.name: " ".join(n for option in c.options for n in option.names) for c in commands}
    arguments = {c.name: " ".join(c.choices) for c in commands if c.choices}
    values = {
        name: " ".join(option.choices)
        for command in commands
        for option in command.options
        for name in option.names
        if option.choices
    }
    return _BASH % {
        "names": " ".join(command.name for command in commands),
        "files": "|".join(command.name for command in commands if command.takes_file),
        "values": _bash_cases(values),
        "options": _bash_cases(options),
        "arguments": _bash_cases(arguments),
    }


def _bash_cases(words: dict[str, str]) -> str:
    return "\n".join(f"    {name}) words={quote(text)};;" for name, text in words.items())


def _zsh(commands: tuple[Command, ...]) -> str:
    cases = []
    for command in commands:
        specs = [spec for option in command.options for spec in _zsh_specs(option)]
        if command.takes_file:
            specs.append("1:file:_files")
        if command.choices:
            specs.append(f"1:argument:({' '.join(command.choices)})")
        cases.append(f"    {command.name}) _arguments {' '.join(map(quote, specs))};;")
    described = " ".join(quote(f"{command.name}:{command.text}") for command in commands)
    return _ZSH % {"described": described, "cases": "\n".join(cases)}


def _zsh_specs(option: Option) -> Iterator[str]:
    text = option.text.translate(str.maketrans("", "", "[]:"))
    for name in option.names:
        value = f":value:({' '.join(option.choices)})" if option.choices else ":value:"
        yield f"{name}[{text}]{value if option.takes_value else ''}"


def _fish(commands: tuple[Command, ...]) -> str:
    lines = ["complete -c qtasks -f"]
    for command in commands:
        text = quote(command.text)
        lines.append(f"complete -c qtasks -n __fish_use_subcommand -a {command.name} -d {text}")
        seen = f"complete -c qtasks -n '__fish_seen_subcommand_from {command.name}'"
        if command.takes_file:
            lines.append(f"{seen} -F")
        if command.choices:
            lines.append(f"{seen} -a {quote(' '.join(command.choices))}")
        lines += [f"{seen} {_fish_option(option)}" for option in command.options]
    return "\n".join(lines)


def _fish_option(option: Option) -> str:
    names = [f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names]
    value = " -x" if option.takes_value else ""
    choices = f" -a {quote(' '.join(option.choices))}" if option.choices else ""
    return f"{' '.join(names)}{value}{choices} -d {quote(option.text)}"
