"""What a run computes with, as `--device` takes it."""

from PySide6.QtWidgets import QComboBox, QWidget

DEVICES = {  # what stands in the list, and what --device gets
    "GPU if there is one": "",
    "processor (cpu)": "cpu",
    "all GPUs (gpu)": "gpu",
    "first GPU (gpu:0)": "gpu:0",
    "second GPU (gpu:1)": "gpu:1",
}


class DeviceBox(QComboBox):
    """The devices to choose from; whether they are there is for the run to find out."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        for text, device in DEVICES.items():
            self.addItem(text, device)
        self.setMinimumContentsLength(10)
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setAccessibleName("what computes")
        self.setToolTip("what computes, as --device takes it")

    @property
    def device(self) -> str:
        """Of the command; empty for its own choice."""
        return str(self.currentData())
