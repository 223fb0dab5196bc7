"""A study is run: planned, estimated, driven, continued, extended."""
