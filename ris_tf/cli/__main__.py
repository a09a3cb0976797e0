"""`python -m ris_tf.cli`: the same as `ris-tf`."""

from ris_tf.cli.main import main

main()
