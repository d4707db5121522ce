"""The HTTP front: threads over httptools, which park whatever would make them wait.

A connection belongs to one thread at a time. A thread of a pool reads a body, calls the handler
and sends the answer; as soon as the client lets it wait, it parks the connection at the porch,
the one thread that watches all connections that do nothing, and closes those that do so for too
long. So slow clients cost a file descriptor each and no thread, and whoever calls again at once
after a quick answer is answered by the same thread, without a switch.
"""
