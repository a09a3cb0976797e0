"""The desktop monitor: reads run directories, starts `ris-tf` processes, never loads TensorFlow."""
