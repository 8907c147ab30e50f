"""The panel's two HTTP servers, eventlet's and Werkzeug's, and what protects both from clients that only take."""
