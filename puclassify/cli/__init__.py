"""The command ``puclassify``; every command is a module, which is imported when it runs."""

from puclassify.cli._main import main as main
