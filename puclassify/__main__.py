"""The command line as ``python -m puclassify``."""

from puclassify.cli import main

if __name__ == "__main__":
    main()
