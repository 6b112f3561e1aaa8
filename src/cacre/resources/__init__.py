"""Data files of the package: schemas, presets, samples, templates, the bundled model."""
