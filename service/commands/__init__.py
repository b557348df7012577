"""The ``adloom`` command, one file for each group of commands; ``service/cli.py`` puts them together."""
