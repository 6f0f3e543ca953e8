"""The web app that the demo instruments, in a folder of its own so that it can import nothing of ours by accident."""
