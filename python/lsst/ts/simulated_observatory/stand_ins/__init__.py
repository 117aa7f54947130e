"""Stand-ins for pixels: raw files without any, and outcomes of jobs that no pipeline has made.

They replace the source of the pixels and the process that runs pipetask, and nothing else: the components,
the Butler and the messages of a run with them are those of a run with pixels.
"""
