"""Which rule a file is under, and which rules are refused before anything arrives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dicomorph.deid.editions.options import NO_CHOICE
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import parse_settings
from dicomorph.services.arrival.rules import ArrivalRules
from local.settings_file import SettingsFileError, read_settings

BASELINE, RLE, MPEG4 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.102"
ANONYMIZE: dict[str, Any] = {"Anonymize": {}}
TARGETS = {"research": "/somewhere"}


def _rules(rules: Any) -> ArrivalRules:
    return ArrivalRules(parse_settings({"ArrivalRules": rules, "Targets": TARGETS}))


def _prefix(rules: ArrivalRules, name: str) -> str | None:
    rule = rules.of(name)
    return None if rule is None else rule.prefix


@pytest.mark.parametrize(
    "profile", [{"Preset": "SafeHarbor"}, {"Options": ["113110"]}, {"AllowList": "research-images"}]
)
def test_a_rule_may_choose_of_the_profile(profile: dict[str, Any]) -> None:
    rule = _rules({"": {"Anonymize": {"DicomVersion": "2026d", "Profile": profile}}}).of("a")
    assert rule is not None
    assert rule.modification is not None
    assert rule.modification.edition == "2026d"
    assert rule.modification.choice != NO_CHOICE


@pytest.mark.parametrize(
    "body",
    [
        {"Profile": {"Options": ["RetainAll"]}},
        {"Profile": {"Options": ["CleanGraphics"]}},
        {"Profile": {"AllowList": "mine"}},
        {"Profile": []},
        {"Profile": {"Options": ["113110"]}, "DicomVersion": "2023b"},
        {"Profile": {"Options": ["113110"]}, "Transcode": BASELINE},
    ],
)
def test_a_rule_that_chooses_wrongly_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadFileFormatError, match="ArrivalRules: 'ct/'"):
        _rules({"ct/": {"Anonymize": {"DicomVersion": "2026d", **body}}})


def test_a_modification_on_arrival_has_no_profile() -> None:
    with pytest.raises(BadFileFormatError, match="Profile"):
        _rules({"ct/": {"Modify": {"Profile": {}}}})


def test_of_rules_the_longest_prefix_counts() -> None:
    rules = _rules({"ct/": ANONYMIZE, "ct/research/": ANONYMIZE, "": ANONYMIZE})
    assert _prefix(rules, "ct/a.dcm") == "ct/"
    assert _prefix(rules, "ct/research/a.dcm") == "ct/research/"
    assert _prefix(rules, "mr/ct/a.dcm") == ""


def test_without_a_rule_for_it_a_file_is_under_none() -> None:
    assert _prefix(_rules({"ct/": ANONYMIZE}), "mr/a.dcm") is None
    assert _prefix(_rules({}), "mr/a.dcm") is None


def test_what_clients_of_the_api_upload_is_under_no_rule() -> None:
    assert _prefix(_rules({"": ANONYMIZE}), "uploads/7f") is None


def test_a_rule_goes_to_the_store_or_to_a_target() -> None:
    rules = _rules(
        {"a/": ANONYMIZE, "b/": {**ANONYMIZE, "To": "store"}, "c/": {**ANONYMIZE, "To": "research"}}
    )
    found = [rules.of(f"{prefix}/x") for prefix in "abc"]
    assert [rule and rule.target for rule in found] == ["", "", "research"]


def test_a_part_may_be_stored_as_it_is_where_the_rest_is_changed() -> None:
    rule = _rules({"": ANONYMIZE, "phantoms/": {"Store": {}}}).of("phantoms/a")
    assert rule is not None
    assert rule.modification is None


def test_rules_share_pseudonyms_by_name_alone() -> None:
    shared = {**ANONYMIZE, "Pseudonyms": "b/"}
    rules = _rules({"a/": shared, "b/": ANONYMIZE, "c/": shared})
    a, b, c = (rules.of(f"{prefix}/x") for prefix in "abc")
    assert a is not None
    assert b is not None
    assert c is not None
    assert a.pseudonyms == c.pseudonyms != b.pseudonyms


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({}, "exactly one of Anonymize, Modify, Store"),
        ({"Anonymize": {}, "Modify": {}}, "exactly one"),
        ({"anonymize": {}}, "exactly one"),
        ({"Anonymize": []}, "JSON object"),
        ({"Anonymize": {}, "to": "store"}, "unknown: to"),
        ({"Anonymize": {}, "To": "elsewhere"}, "store, research"),
        ({"Anonymize": {}, "To": ["research"]}, "store, research"),
        ({"Anonymize": {}, "Pseudonyms": ""}, "must be a name"),
        ({"Anonymize": {}, "Pseudonyms": 1}, "must be a name"),
        ({"Store": {}, "To": "research"}, "neither"),
        ({"Store": {"Keep": []}}, "'Store' has no Keep"),
        ({"Anonymize": {"Synchronous": True}}, "no Synchronous on arrival"),
        ({"Anonymize": {"KeepSource": False}}, "no KeepSource on arrival"),
        ({"Anonymize": {"Keeep": ["StudyDate"]}}, "no Keeep on arrival"),
        ({"Anonymize": {"Transcode": "nope"}}, "UID of a transfer syntax"),
        ({"Anonymize": {"Transcode": MPEG4}}, "no file is converted into"),
        ({"Anonymize": {"Transcode": RLE, "LossyQuality": "best"}}, "LossyQuality"),
        ({"Anonymize": {"Transcode": BASELINE, "Keep": ["SOPInstanceUID"], "Force": True}}, "lossy"),
        ({"Modify": {"Transcode": BASELINE, "Keep": ["SOPInstanceUID"], "Force": True}}, "lossy"),
        ({"Store": {"Transcode": RLE}}, "'Store' has no Transcode"),
        ({"Anonymize": {"Keep": ["StudyInstanceUID"]}}, "requires Force"),
        ({"Anonymize": {"Keep": ["NoSuchTag"]}}, "NoSuchTag|tag"),
        ({"Anonymize": {"DicomVersion": "1999"}}, "2023b|DicomVersion|edition"),
        ({"Modify": {"Level": "Galaxy"}}, "Level"),
        ({"Modify": {"Replace": {"StudyDate": {}}}}, "type|value|string"),
        ({"Modify": {"Replace": {"SOPInstanceUID": "1.2"}, "Force": True}}, "SOPInstanceUID"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_with_what_is_wrong(rule: Any, reason: str) -> None:
    with pytest.raises(BadFileFormatError, match=reason) as refused:
        _rules({"good/": ANONYMIZE, "ct/": rule})
    assert "Setting ArrivalRules: 'ct/': " in refused.value.details


@pytest.mark.parametrize(
    "prefix",
    ["/ct/", "incoming/ct/", "./ct/", "uploads/", "uploads/7f", "ct//mr", "..", "ct/../mr", "ct\\mr"],
)
def test_a_prefix_that_no_name_has_is_refused(prefix: str) -> None:
    with pytest.raises(BadFileFormatError, match="ArrivalRules"):
        _rules({prefix: ANONYMIZE})


def test_a_server_does_not_start_with_a_rule_that_means_nothing(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"ArrivalRules": {"ct/": {"Anonymise": {}}}}))
    with pytest.raises(SettingsFileError, match="Setting ArrivalRules: 'ct/': exactly one of"):
        read_settings(file)
    file.write_text(json.dumps({"ArrivalRules": {"ct/": ANONYMIZE}}))
    assert read_settings(file) == {"ArrivalRules": {"ct/": ANONYMIZE}}


@pytest.mark.parametrize("rules", [[], "ct/", {"ct/": []}, {"ct/": "Anonymize"}, None])
def test_rules_are_an_object_of_objects(rules: Any) -> None:
    with pytest.raises(BadFileFormatError, match="ArrivalRules"):
        _rules(rules)


@pytest.mark.parametrize(
    ("files", "names", "fault"),
    [
        ({"mine.json": '{"Tags": ["Rows"]}', "note.txt": "no list"}, ["mine", "research-images"], ""),
        ({"mine.json": '{"Tags": ["Row"]}'}, [], "mine.json"),
        ({"mine.json": ""}, [], "mine.json"),
        ({"my list.json": '{"Tags": []}'}, [], "my list.json"),
        ({}, ["mine"], "'AllowList' is none"),
    ],
)
def test_a_server_reads_all_lists_when_it_starts(
    tmp_path: Path, files: dict[str, str], names: list[str], fault: str
) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    for name, text in files.items():
        (lists / name).write_text(text)
    rules = {name: {"Anonymize": {"DicomVersion": "2026d", "Profile": {"AllowList": name}}} for name in names}
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"AllowLists": str(lists), "ArrivalRules": rules}))
    if not fault:
        assert read_settings(settings)
        return
    with pytest.raises(SettingsFileError, match=fault):
        read_settings(settings)


def test_a_folder_of_lists_must_be_there(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"AllowLists": str(tmp_path / "nowhere")}))
    with pytest.raises(SettingsFileError, match="is no folder"):
        read_settings(settings)
