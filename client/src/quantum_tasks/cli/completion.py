"""Completion for bash, zsh and fish, made from the command line itself."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Iterator
from typing import Final

STATUSES: Final = ("pending", "processing", "completed", "failed", "cancelled")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of a command."""

    names: tuple[str, ...]
    text: str
    takes_value: bool
    choices: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command with what may follow it."""

    name: str
    text: str
    options: tuple[Option, ...]
    #: The first argument is a file.
    takes_file: bool
    choices: tuple[str, ...]


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the completion script for a shell."""
    commands = tuple(_commands(parser))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands)


def _commands(parser: argparse.ArgumentParser) -> Iterator[Command]:
    for action in parser._actions:  # noqa: SLF001 - argparse shows its actions no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            texts = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            for name, command in action.choices.items():
                yield _command(name, texts.get(name, ""), command)


def _command(name: str, text: str, parser: argparse.ArgumentParser) -> Command:
    actions = parser._actions  # noqa: SLF001 - as above
    arguments = [action for action in actions if not action.option_strings]
    return Command(
        name=name,
        text=text,
        options=tuple(_option(action) for action in actions if action.option_strings),
        takes_file=any(action.dest == "file" for action in arguments),
        choices=tuple(c for action in arguments for c in action.choices or ()),
    )


def _option(action: argparse.Action) -> Option:
    choices = STATUSES if action.dest == "status" else tuple(action.choices or ())
    return Option(
        names=tuple(action.option_strings),
        text=(action.help or "").partition(";")[0],
        takes_value=action.nargs != 0,
        choices=choices,
    )


def _bash(commands: tuple[Command, ...]) -> str:
    cases = []
    for command in commands:
        names = " ".join(name for option in command.options for name in option.names)
        cases.append(f"    {command.name}) words={shlex.quote(names)};;")
    values = {
        (name, " ".join(option.choices))
        for command in commands
        for option in command.options
        for name in option.names
        if option.choices
    }
    choices = [f"    {name}) words={shlex.quote(text)};;" for name, text in sorted(values)]
    arguments = [
        f"    {command.name}) words={shlex.quote(' '.join(command.choices))};;"
        for command in commands
        if command.choices
    ]
    files = "|".join(command.name for command in commands if command.takes_file)
    names = " ".join(command.name for command in commands)
    return "\n".join(
        [
            "_qtasks() {",
            "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}",
            "  local command='' words='' word",
            '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            f'    case " {names} " in *" $word "*) command=$word; break;; esac',
            "  done",
            "  case $previous in",
            *choices,
            "  esac",
            "  if [[ -z $words ]]; then case $command in",
            f"    '') words={shlex.quote(names)};;",
            *(cases_line for cases_line in cases),
            "  esac",
            "    if [[ $current != -* ]]; then case $command in",
            f'    {files}) COMPREPLY=($(compgen -f -- "$current")); return;;',
            *arguments,
            "    ?*) words='';;",
            "    esac; fi",
            "  fi",
            '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -o filenames -F _qtasks qtasks",
        ]
    )


def _zsh(commands: tuple[Command, ...]) -> str:
    described = " ".join(shlex.quote(f"{command.name}:{command.text}") for command in commands)
    cases = []
    for command in commands:
        specs = [spec for option in command.options for spec in _zsh_specs(option)]
        if command.takes_file:
            specs.append("1:file:_files")
        if command.choices:
            specs.append(f"1:argument:({' '.join(command.choices)})")
        quoted = " ".join(shlex.quote(spec) for spec in specs)
        cases.append(f"    {command.name}) _arguments {quoted};;")
    return "\n".join(
        [
            "#compdef qtasks",
            "_qtasks() {",
            "  local -a commands",
            f"  commands=({described})",
            "  if (( CURRENT == 2 )); then _describe command commands; return; fi",
            "  local command=${words[2]}",
            "  shift words; (( CURRENT-- ))",
            "  case $command in",
            *cases,
            "  esac",
            "}",
            "compdef _qtasks qtasks",
        ]
    )


def _zsh_specs(option: Option) -> Iterator[str]:
    text = option.text.translate(str.maketrans("", "", "[]:"))
    for name in option.names:
        value = f":value:({' '.join(option.choices)})" if option.choices else ":value:"
        yield f"{name}[{text}]{value if option.takes_value else ''}"


def _fish(commands: tuple[Command, ...]) -> str:
    lines = ["complete -c qtasks -f"]
    for command in commands:
        text = shlex.quote(command.text)
        lines.append(f"complete -c qtasks -n __fish_use_subcommand -a {command.name} -d {text}")
        seen = f"-n '__fish_seen_subcommand_from {command.name}'"
        if command.takes_file:
            lines.append(f"complete -c qtasks {seen} -F")
        if command.choices:
            lines.append(f"complete -c qtasks {seen} -a {shlex.quote(' '.join(command.choices))}")
        lines += [f"complete -c qtasks {seen} {_fish_option(option)}" for option in command.options]
    return "\n".join(lines)


def _fish_option(option: Option) -> str:
    names = [f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names]
    value = " -x" if option.takes_value else ""
    choices = f" -a {shlex.quote(' '.join(option.choices))}" if option.choices else ""
    return f"{' '.join(names)}{value}{choices} -d {shlex.quote(option.text)}"
