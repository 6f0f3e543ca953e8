"""`python -m dt_otlp_logs`: whether zero-code export is active; with arguments it is `dt-otlp-logs`."""

import sys

from dt_otlp_logs.cli.__main__ import main

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(arguments if arguments and arguments != ["--json"] else ["status", *arguments]))
