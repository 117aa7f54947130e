"""What calibrations are, free of SAL, Butler and files: instruments, configuration, plan, acceptance."""
