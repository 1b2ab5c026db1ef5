"""`python -m tunery` is the same as `tunery`."""

from tunery.cli.main import run

if __name__ == "__main__":
    run()
