"""A file is named after its one noun, never after having none."""

from tests.infrastructure import sources

WITHOUT_A_NOUN = {"utils", "util", "helpers", "helper", "common", "core", "base", "manager", "misc"}


def test_no_file_or_folder_is_named_after_nothing():
    named = {
        str(path)
        for path in sources.files()
        if not sources.is_generated(path) and WITHOUT_A_NOUN & {*path.parent.parts, path.stem.strip("_")}
    }
    assert named == set()
