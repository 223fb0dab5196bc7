"""The local page: studies seen while they train and when they are finished, read and never written."""
