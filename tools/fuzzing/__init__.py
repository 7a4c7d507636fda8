"""What `tools/fuzz_readers.py` is made of: a miniature run, its readers, mutations of its files, and a judge."""
