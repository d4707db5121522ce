from tests.support.transcoding_table import COMMAND, PAGE, page_with_table


def test_the_table_of_kinds_is_what_the_codecs_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_with_table(), COMMAND
