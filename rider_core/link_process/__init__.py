"""The process that serves one robot: the link, an HTTP server for the robot, and the servers of people's requests.

`process` starts and ends them together; `app`, `server` and `text_endpoint` answer the robot over HTTP.
"""
