"""Named, versioned data sets in the home folder, each version addressed by what it holds.

Entry points: `adding.add` (a file becomes a version), `opening.open_version` (a name to a file
that is what it was), `listing.list_datasets`, `removal.remove`.

    data/
      sets/NAME.json                 its versions: digest, rows, findings, date; replaced whole
      blobs/sha256/DIGEST.jsonl      the bytes, once each, named by what they are
      .lock                          held by whoever changes something

A blob is there before the record that names it, and goes after it. A process that is killed
leaves at most bytes that nothing names, which the next change removes.
"""
