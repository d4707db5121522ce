"""Say what is wrong with rules on arrival before they are deployed:  python -m tools.check_rules FILE.

The file holds the rules alone, or settings with the rules among them, which `To` needs: a target is
one of the setting Targets.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dicomorph.deid.editions.allow_list_file import unread_allow_list
from dicomorph.http.reading.json_body import parse_json
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Json
from dicomorph.model.settings import parse_settings
from dicomorph.services.arrival.rules import ArrivalRules


def main(arguments: list[str]) -> None:
    """Check the file that is named, and tell how many rules there are, or what is wrong."""
    if len(arguments) != 1:
        raise SystemExit("Name one file:  python -m tools.check_rules FILE")
    try:
        document = parse_json(Path(arguments[0]).read_bytes())
        settings = parse_settings(_settings(document))
        ArrivalRules(settings, unread_allow_list)
    except OSError as error:
        raise SystemExit(f"{arguments[0]}: {error.strerror}") from error
    except DicomorphError as error:
        raise SystemExit(f"{arguments[0]}: {error.details}") from error
    print(f"{len(settings.arrival_rules)} rules, and nothing is wrong with them.")


def _settings(document: Json) -> Json:
    if isinstance(document, dict) and "ArrivalRules" in document:
        return document
    return {"ArrivalRules": document}


if __name__ == "__main__":
    main(sys.argv[1:])
