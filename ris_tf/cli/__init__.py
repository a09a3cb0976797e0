"""The commands of `ris-tf`, one thin file each."""
