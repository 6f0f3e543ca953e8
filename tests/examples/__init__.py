"""The programs in examples/, each started as its user would start it."""
