"""The rewriter: a plan and a file in, an edit script out."""
