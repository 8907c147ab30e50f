"""The panel's two HTTP servers, eventlet's and Werkzeug's, with limits for connections and slow clients."""
