"""The process that serves one robot: the link, and beside it the HTTP server that the robot asks and people's requests.

`process` starts and ends them together; `app`, `server` and `texts` answer the robot over HTTP.
"""
