"""Calls of the command line, and what a further `cacre train` does to a folder."""

from typer.testing import CliRunner

from cacre.cli import app


def invoke(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def changed_by(arguments, folder):
    """What a further `cacre train` changes of a folder, and the line before the last of what it says."""
    before = contents(folder)
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    after = contents(folder)
    said = [line for line in result.stderr.splitlines() if "AUC" not in line]
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}, said


def train_again(arguments, folder):
    """Of a folder that was calibrated: nothing, the card, thresholds and card, all but the weights as they are."""
    calibrated = (folder / "thresholds.json").read_bytes()
    assert changed_by(arguments, folder) == (set(), [f"{folder} was trained before: nothing is changed"])
    named = [*arguments, "--note", "Films."]
    changed, said = changed_by(named, folder)
    assert (changed, said) == ({"README.md", "finished.json"}, [f"{folder} was trained before: card made anew"])
    assert "The thresholds\nwere fitted on other rows since" in (folder / "README.md").read_text(encoding="utf-8")
    kept = folder / "thresholds.json.bak"
    changed, said = changed_by([*named, "--max-recall-loss", "0.2"], folder)
    assert changed == {"thresholds.json", kept.name, "README.md", "finished.json"}
    assert kept.read_bytes() == calibrated
    assert said == [
        f"the thresholds before are kept in {kept}",
        f"{folder} was trained before: thresholds and card made anew",
    ]
    (folder / "pair.onnx").unlink()  # as if the export had been interrupted
    changed, said = changed_by([*named, "--max-recall-loss", "0.2"], folder)
    assert {"pair.onnx"} <= changed
    assert said[-1].endswith("graphs and thresholds and card made anew")
    kept.replace(folder / "thresholds.json")
