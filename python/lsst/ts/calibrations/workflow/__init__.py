"""What a run consists of: its steps and its plan, made from the configuration alone."""
